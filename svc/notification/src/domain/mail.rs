use std::time::Duration;

use serde::{Deserialize, Serialize};
use values::{AdmissionId, Language, MailId, Money, OrderId, TicketId, Timestamp, TransferId, UserId};

use super::{Cause, MailKind, MailState};

/// A mail to request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NewMail {
    pub(crate) key: String,
    pub(crate) kind: MailKind,
    pub(crate) cause: Cause,
    /// The id, if it has one already.
    pub(crate) id: Option<MailId>,
    pub(crate) account_id: Option<UserId>,
    pub(crate) address: Option<String>,
    pub(crate) language: Option<Language>,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) ticket_id: Option<TicketId>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) details: Details,
}

impl NewMail {
    /// Returns a mail to the address of an account.
    pub(crate) fn to_account(kind: MailKind, key: String, account: UserId, cause: Cause) -> Self {
        Self {
            account_id: Some(account),
            ..Self::to_address(kind, key, cause)
        }
    }

    /// Returns a mail whose address is to be set.
    pub(crate) fn to_address(kind: MailKind, key: String, cause: Cause) -> Self {
        Self {
            key,
            kind,
            cause,
            id: None,
            account_id: None,
            address: None,
            language: None,
            order_id: None,
            ticket_id: None,
            expires_at: None,
            details: Details::default(),
        }
    }
}

/// What a mail contains besides the replicas. Fields may be added: what is absent in stored mails is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Details {
    /// The token of the link, encrypted as its event carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sealed_token: Option<String>,
    /// The amount of a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Money>,
    /// The number of tickets of a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<u32>,
    /// The transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transfer_id: Option<TransferId>,
    /// The admission that is attached or was offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admission_id: Option<AdmissionId>,
    /// The version of the admission whose holder is the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admission_version: Option<u64>,
}

/// A requested mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mail {
    pub(crate) id: MailId,
    pub(crate) key: String,
    pub(crate) kind: MailKind,
    pub(crate) state: MailState,
    pub(crate) account_id: Option<UserId>,
    pub(crate) address: Option<String>,
    pub(crate) language: Option<Language>,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) ticket_id: Option<TicketId>,
    pub(crate) details: Details,
    pub(crate) caused_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) give_up_at: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) claimed_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) reason: Option<String>,
}

/// A mail that a worker has claimed: the number of the attempt tells its result from that of a later attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Claim {
    pub(crate) id: MailId,
    pub(crate) attempt: u32,
}

/// The delay before the second attempt; it doubles with each.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(10);

/// The longest delay between two attempts.
const LONGEST_RETRY_DELAY: Duration = Duration::from_mins(30);

impl Mail {
    /// Returns the delay after the failed attempt `attempt`: 10 s, 20 s, 40 s … 30 min.
    pub(crate) fn retry_delay(attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        FIRST_RETRY_DELAY.saturating_mul(doubled).min(LONGEST_RETRY_DELAY)
    }

    /// Returns why the mail is of no use at this time, by its own fields.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_between_attempts_doubles_up_to_half_an_hour() {
        let delays = [1, 2, 3, 8, 9, 100, u32::MAX].map(|attempt| Mail::retry_delay(attempt).as_secs());
        assert_eq!(delays, [10, 20, 40, 1280, 1800, 1800, 1800]);
    }
}
