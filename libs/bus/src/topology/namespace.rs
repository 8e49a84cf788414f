use std::{fmt, str::FromStr, time::Duration};

/// The prefix of all names in the broker. Installations and tests that share a broker have different namespaces.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Namespace(String);

/// An invalid namespace.
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

/// The names of exchanges and queues. A retry queue or delay queue has its delay in its name, because the delay of an
/// existing queue cannot be changed.
impl Namespace {
    /// The topic exchange of all events.
    pub(crate) fn events_exchange(&self) -> String {
        format!("{self}.events")
    }

    /// The exchange, and its queue, of events that no queue is bound for.
    pub(crate) fn unroutable(&self) -> String {
        format!("{self}.unroutable")
    }

    /// The queue of a service's events.
    pub(crate) fn service_queue(&self, service: &str) -> String {
        format!("{self}.{service}")
    }

    /// The queue of the messages that a service could not process.
    pub(crate) fn parked_queue(&self, service: &str) -> String {
        format!("{self}.{service}.parked")
    }

    /// The queue of failed messages of `queue` that wait for a retry.
    pub(crate) fn retry_queue(queue: &str, delay: Duration) -> String {
        format!("{queue}.retry.{}", delay.as_millis())
    }

    /// The exchange, and its queue, of failed messages of all services. Only earlier releases declare it and
    /// publish to it; it dead-letters by routing key.
    pub(crate) fn shared_retry(&self, delay: Duration) -> String {
        format!("{self}.retry.{}", delay.as_millis())
    }

    /// The direct exchange of timers; its routing keys are milliseconds.
    pub(crate) fn delay_exchange(&self) -> String {
        format!("{self}.delay")
    }

    /// The exchange of timers whose delay queue does not exist: it is bound to that of a second.
    pub(crate) fn fallback_delay_exchange(&self) -> String {
        format!("{self}.delay.other")
    }

    /// The queue of a delay level.
    pub(crate) fn delay_queue(&self, level: Duration) -> String {
        format!("{self}.delay.{}", level.as_millis())
    }

    /// The direct exchange through which only `service` publishes to its own queues, with their names as routing keys: copies
    /// of failed messages, and redriven ones.
    ///
    /// Permission to publish to the default exchange would be permission to publish to every queue.
    pub(crate) fn copies_exchange(&self, service: &str) -> String {
        format!("{self}.{service}.copies")
    }

    /// The exchange through which a recovery marks the end of the journal.
    pub(crate) fn journal_marker_exchange(&self) -> String {
        format!("{self}.journal.markers")
    }

    /// The stream of all events of the last hours.
    pub(crate) fn journal(&self) -> String {
        format!("{self}.journal")
    }

    /// The queue of a service's timers that have passed a delay level.
    pub(crate) fn due_queue(&self, service: &str) -> String {
        format!("{self}.{service}.due")
    }
}

/// Returns all services that consume events.
pub(crate) fn services_with_queues() -> Vec<&'static str> {
    let mut services: Vec<_> = events::ROUTES
        .iter()
        .flat_map(|route| route.consumers.iter().copied())
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
            Namespace::retry_queue(&Namespace::default().due_queue("expiration"), Duration::from_secs(5)),
            "ticketing.expiration.due.retry.5000"
        );
        assert_eq!(Namespace::default().service_queue("order"), "ticketing.order");
        for bad in ["", "Ticketing", "a b", "é", &"x".repeat(61)] {
            assert_eq!(bad.parse::<Namespace>(), Err(MalformedNamespace), "{bad}");
        }
    }
}
