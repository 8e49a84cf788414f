//! The recovery gap: the period whose payments a restored database may lack.

use std::time::Duration;

use values::Timestamp;

/// How long the gap stays open. Intents whose orders have not arrived by then belong to another user of the account.
const RECOVERY_TIMEOUT: Duration = Duration::from_hours(1);

/// How far before the newest known payment other payments may be missing.
const SAFETY_MARGIN: Duration = Duration::from_mins(10);

/// The lifetime of an authorisation (<https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>): older payments
/// change no more. So far back the gap reaches where no payment is known.
const AUTHORIZATION_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The period whose payments a database that was restored from a backup may lack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RecoveryGap {
    /// Payments that started after this may be missing.
    pub(crate) since: Timestamp,
    /// When the gap was opened.
    pub(crate) opened_at: Timestamp,
}

impl RecoveryGap {
    /// The gap of a restored database whose newest payment started at `newest_payment_at`.
    pub(crate) fn open(newest_payment_at: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            since: newest_payment_at.map_or(now - AUTHORIZATION_LIFETIME, |newest| newest - SAFETY_MARGIN),
            opened_at: now,
        }
    }

    /// Whether the search for missing payments ends, complete or not.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.opened_at + RECOVERY_TIMEOUT < now
    }
}
