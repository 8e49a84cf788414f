//! What goes wrong, for which requests, and when.

use std::time::Duration;

/// The requests that a fault applies to: a method, a path, and a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    method: String,
    path: String,
    times: u32,
}

impl Target {
    /// Returns the next request of this method (`*` is any) and path, in which a segment `*` is any:
    /// `/v1/payment_intents/*/capture`.
    pub fn request(method: &str, path: &str) -> Self {
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            times: 1,
        }
    }

    /// Returns the next POST to this path.
    pub fn post(path: &str) -> Self {
        Self::request("POST", path)
    }

    /// Returns the next GET of this path.
    pub fn get(path: &str) -> Self {
        Self::request("GET", path)
    }

    /// Sets the number of requests, which is one at first.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Takes one request off the remaining number if the request matches.
    pub(super) fn take(&mut self, method: &str, path: &str) -> bool {
        let matches = self.times > 0 && self.matches(method, path);
        if matches {
            self.times -= 1;
        }
        matches
    }

    /// Whether no more requests remain.
    pub(super) fn is_used_up(&self) -> bool {
        self.times == 0
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let (mut pattern, mut segments) = (self.path.split('/'), path.split('/'));
        (self.method == "*" || self.method == method)
            && loop {
                match (pattern.next(), segments.next()) {
                    (None, None) => break true,
                    (Some(expected), Some(segment)) if expected == "*" || expected == segment => {}
                    _ => break false,
                }
            }
    }
}

/// Whether a fault is applied before or after the effect of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Inside Stripe: nothing is changed yet, and the idempotency key is in use.
    Before,
    /// On the network: the effect and the response are committed, and a retry gets that response.
    After,
}

/// A fault of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request takes this much longer.
    Delay(Duration),
    /// The response has this status and the body that Stripe sends with it: 402 for a balance that does not cover a
    /// refund, 429 of its rate limiter, 500 and 503 for an error of Stripe's own. It is not stored.
    Answer(u16),
    /// The request has no effect, and the response has this status and is stored under the idempotency key, as Stripe
    /// stores an error of its own once a request has begun (<https://docs.stripe.com/api/idempotent_requests>). With
    /// [`Timing::After`] it is the same as [`Fault::Answer`].
    Fail(u16),
    /// The response is 429, because another request about the same object holds its lock
    /// (<https://docs.stripe.com/rate-limits#object-lock-timeouts>). It is not stored.
    LockTimeout,
    /// The connection is closed without a response.
    Cut,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_segment() {
        let target = Target::post("/v1/payment_intents/*/capture");
        assert!(target.matches("POST", "/v1/payment_intents/pi_1/capture"));
        assert!(!target.matches("GET", "/v1/payment_intents/pi_1/capture"));
        assert!(!target.matches("POST", "/v1/payment_intents/pi_1"));
        assert!(!target.matches("POST", "/v1/payment_intents/pi_1/capture/more"));
        assert!(Target::request("*", "/v1/events").matches("GET", "/v1/events"));
    }
}
