use values::Timestamp;

/// A parked message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParkedMessage {
    /// The id of the message. A message that was delivered twice can be parked twice.
    pub id: String,
    /// The event's type from the message's properties; empty if it has none.
    pub event_type: String,
    /// The id of the event's aggregate, if the body can be parsed.
    pub subject: Option<String>,
    /// The error of the last attempt.
    pub reason: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The queue that the message was consumed from.
    pub queue: String,
    /// The time of the first failed attempt.
    pub first_failed_at: Option<Timestamp>,
    /// The time when it was parked.
    pub parked_at: Option<Timestamp>,
    /// The body; invalid UTF-8 is replaced.
    pub body: String,
}
