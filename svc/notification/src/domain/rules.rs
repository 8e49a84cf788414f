use std::time::Duration;

/// How long mails are of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MailRules {
    /// The age of an event beyond which it causes no mail.
    pub(crate) max_event_age: Duration,
    /// The time after which a mail is given up.
    pub(crate) give_up_after: Duration,
    /// The time for which a mail is stored after its end.
    pub(crate) retention: Duration,
}

/// How many mails are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RateLimits {
    /// To one address, in an hour.
    pub(crate) per_recipient_and_hour: u32,
    /// In all, in a minute.
    pub(crate) per_minute: u32,
}
