use std::{fmt, str::FromStr, time::Duration};

/// What every name in the broker starts with, so that two installations, or two tests, can share one broker.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Namespace(String);

/// A text that cannot be the start of names in the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 60 lower-case letters, digits, dots, dashes or underscores, such as ticketing")]
pub struct MalformedNamespace;

impl Default for Namespace {
    fn default() -> Self {
        Self("ticketing".to_owned())
    }
}

impl FromStr for Namespace {
    type Err = MalformedNamespace;

    fn from_str(text: &str) -> Result<Self, MalformedNamespace> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if (1..=60).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedNamespace)
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names of exchanges and queues. A queue that delays has its delay in its name, because the delay of an existing
/// queue cannot be changed.
impl Namespace {
    /// The topic exchange to which every event goes.
    pub(crate) fn events(&self) -> String {
        format!("{self}.events")
    }

    /// Where an event goes that no queue is bound for: an exchange and its queue.
    pub(crate) fn unroutable(&self) -> String {
        format!("{self}.unroutable")
    }

    /// A service's queue.
    pub(crate) fn service(&self, service: &str) -> String {
        format!("{self}.{service}")
    }

    /// What a service could not digest.
    pub(crate) fn parked(&self, service: &str) -> String {
        format!("{self}.{service}.parked")
    }

    /// Where a failed message waits before it comes back: an exchange and its queue.
    pub(crate) fn retry(&self, delay: Duration) -> String {
        format!("{self}.retry.{}", delay.as_millis())
    }

    /// The direct exchange in front of the delay queues; its routing keys are milliseconds.
    pub(crate) fn delays(&self) -> String {
        format!("{self}.delay")
    }

    /// Takes a timer whose delay queue does not exist: the exchange in front of the shortest one.
    pub(crate) fn other_delays(&self) -> String {
        format!("{self}.delay.other")
    }

    /// A delay queue.
    pub(crate) fn delay(&self, level: Duration) -> String {
        format!("{self}.delay.{}", level.as_millis())
    }

    /// What anybody said, for some hours.
    pub(crate) fn journal(&self) -> String {
        format!("{self}.journal")
    }

    /// The queue of a service's timers that have passed a delay level.
    pub(crate) fn due(&self, service: &str) -> String {
        format!("{self}.{service}.due")
    }
}

/// Every service that has a queue or publishes.
pub(crate) fn services() -> Vec<&'static str> {
    let mut services: Vec<_> = events::ROUTES
        .iter()
        .flat_map(|route| route.consumers.iter().copied().chain([route.publisher]))
        .collect();
    services.sort_unstable();
    services.dedup();
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_safe_inside_every_name() {
        assert_eq!(
            Namespace::default().retry(Duration::from_secs(5)),
            "ticketing.retry.5000"
        );
        assert_eq!(Namespace::default().service("order"), "ticketing.order");
        for bad in ["", "Ticketing", "a b", "é", &"x".repeat(61)] {
            assert_eq!(bad.parse::<Namespace>(), Err(MalformedNamespace), "{bad}");
        }
    }
}
