//! Faults on demand: the next matching requests are delayed, held, refused or cut off, before their effect or after.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use poem::http::StatusCode;

use crate::gate::{Gate, Hold, Opened};

/// Which requests a fault strikes, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    method: String,
    path: String,
    times: u32,
}

impl Target {
    /// The next request of this method (`*` is any) and path, in which a segment `*` is any:
    /// `/v1/payment_intents/*/capture`.
    pub fn request(method: &str, path: &str) -> Self {
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            times: 1,
        }
    }

    /// The next POST to this path.
    pub fn post(path: &str) -> Self {
        Self::request("POST", path)
    }

    /// The next GET of this path.
    pub fn get(path: &str) -> Self {
        Self::request("GET", path)
    }

    /// So many of them instead of one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        (self.method == "*" || self.method == method)
            && loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => break true,
                    (Some(our), Some(their)) if our == "*" || our == their => {}
                    _ => break false,
                }
            }
    }
}

/// Which side of the effect a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Nothing has happened yet. The request's idempotency key is in use meanwhile.
    Before,
    /// Everything has happened and is kept; only the answer is on its way. A retry is answered.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It takes so much longer.
    Delay(Duration),
    /// This status is answered, as Stripe would: 402 as an account whose balance does not cover a refund, 429 as its rate
    /// limiter, 500 and 503 as its own trouble.
    Answer(u16),
    /// This status is answered and, if there is an idempotency key, kept as its answer, without any effect: what Stripe
    /// does with an error once it has begun (<https://docs.stripe.com/api/idempotent_requests>). After the
    /// effect it is too late for that: it is the same as [`Fault::Answer`].
    Fail(u16),
    /// The connection ends without an answer.
    Cut,
}

#[derive(Clone)]
enum Effect {
    Fault(Fault),
    Hold(Arc<Gate>),
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(Fault::Delay(by)) => write!(f, "delay {} ms", by.as_millis()),
            Self::Fault(Fault::Answer(status)) => write!(f, "answer {status}"),
            Self::Fault(Fault::Fail(status)) => write!(f, "fail {status}"),
            Self::Fault(Fault::Cut) => f.write_str("cut"),
            Self::Hold(_) => f.write_str("hold"),
        }
    }
}

/// The faults that wait for their request.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Armed>>);

#[derive(Default)]
struct Armed {
    waiting: Vec<(Target, Timing, Effect)>,
    /// The holds that were asked for over HTTP, by the id that was answered.
    gates: HashMap<String, Arc<Gate>>,
}

impl Faults {
    pub(crate) fn inject(&self, on: Target, when: Timing, fault: Fault) {
        self.armed().waiting.push((on, when, Effect::Fault(fault)));
    }

    pub(crate) fn hold(&self, on: Target, when: Timing) -> Hold {
        let gate = Arc::new(Gate::new());
        self.armed().waiting.push((on, when, Effect::Hold(gate.clone())));
        Hold::new(gate)
    }

    /// A hold that outlives the request that asked for it, under an id.
    pub(crate) fn hold_as(&self, id: &str, on: Target, when: Timing) {
        let gate = Arc::new(Gate::new());
        let mut armed = self.armed();
        armed.waiting.push((on, when, Effect::Hold(gate.clone())));
        armed.gates.insert(id.to_owned(), gate);
    }

    pub(crate) fn gate(&self, id: &str) -> Option<Arc<Gate>> {
        self.armed().gates.get(id).cloned()
    }

    /// Disarms everything and lets go of everything that is held.
    pub(crate) fn clear(&self) {
        let armed = std::mem::take(&mut *self.armed());
        armed.gates.values().for_each(|gate| gate.open(Opened::Go));
        for (_, _, effect) in armed.waiting {
            if let Effect::Hold(gate) = effect {
                gate.open(Opened::Go);
            }
        }
    }

    /// Takes the first fault that is meant for this request.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Strike> {
        let mut armed = self.armed();
        let at = armed
            .waiting
            .iter()
            .position(|(on, ..)| on.times > 0 && on.matches(method, path))?;
        let (on, when, effect) = armed.waiting.get_mut(at)?;
        on.times -= 1;
        let strike = Strike {
            when: *when,
            effect: effect.clone(),
        };
        if on.times == 0 {
            armed.waiting.remove(at);
        }
        Some(strike)
    }

    fn armed(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault that has found its request.
pub(crate) struct Strike {
    pub(crate) when: Timing,
    effect: Effect,
}

/// How a request goes on after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Go,
    Answer(StatusCode),
    Fail(StatusCode),
    Cut,
}

impl Strike {
    /// How the journal calls it.
    pub(crate) fn name(&self) -> String {
        let when = if self.when == Timing::Before { "before" } else { "after" };
        format!("{when}: {}", self.effect)
    }

    /// Lets the fault happen.
    pub(crate) async fn happen(&self) -> Then {
        match &self.effect {
            Effect::Fault(Fault::Delay(by)) => {
                tokio::time::sleep(*by).await;
                Then::Go
            }
            Effect::Fault(Fault::Answer(status)) => Then::Answer(code(*status)),
            Effect::Fault(Fault::Fail(status)) => Then::Fail(code(*status)),
            Effect::Fault(Fault::Cut) => Then::Cut,
            Effect::Hold(gate) => gate.pass().await,
        }
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_segment() {
        let on = Target::post("/v1/payment_intents/*/capture");
        assert!(on.matches("POST", "/v1/payment_intents/pi_1/capture"));
        assert!(!on.matches("GET", "/v1/payment_intents/pi_1/capture"));
        assert!(!on.matches("POST", "/v1/payment_intents/pi_1"));
        assert!(!on.matches("POST", "/v1/payment_intents/pi_1/capture/more"));
        assert!(Target::request("*", "/v1/events").matches("GET", "/v1/events"));
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_was_told_to() {
        let faults = Faults::default();
        faults.inject(Target::get("/v1/events").times(2), Timing::Before, Fault::Cut);
        assert!(faults.take("POST", "/v1/events").is_none());
        assert!(faults.take("GET", "/v1/events").is_some());
        assert!(faults.take("GET", "/v1/events").is_some());
        assert!(faults.take("GET", "/v1/events").is_none());
    }
}
