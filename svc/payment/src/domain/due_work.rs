//! Work at Stripe that a command has caused.

use values::PaymentId;

use super::{Payment, PaymentStatus};

/// A payment about which Stripe has to be called now. Commands hand it over, so that the settler continues without a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DueWork {
    pub(crate) payment_id: PaymentId,
    pub(crate) kind: WorkKind,
}

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WorkKind {
    /// Money has to move, or a reserved amount to be released.
    Movement,
    /// The state of a payment that is not decided has to be read.
    Check,
    /// The state of captured funds has to be read.
    FollowUp,
}

impl DueWork {
    /// Money has to move, or a reserved amount to be released.
    pub(crate) const fn movement(payment_id: PaymentId) -> Self {
        Self {
            payment_id,
            kind: WorkKind::Movement,
        }
    }

    /// The state of a payment's intent has to be read; where money has to move, the result shows it.
    pub(crate) const fn of_intent(payment: &Payment) -> Self {
        let kind = match payment.status() {
            PaymentStatus::Capturing | PaymentStatus::Voiding => WorkKind::Movement,
            _ => WorkKind::Check,
        };
        Self {
            payment_id: payment.id(),
            kind,
        }
    }

    /// The state of captured funds has to be read.
    pub(crate) const fn follow_up(payment_id: PaymentId) -> Self {
        Self {
            payment_id,
            kind: WorkKind::FollowUp,
        }
    }

    /// The size of a value, in bytes.
    pub(crate) const BYTES: usize = size_of::<Self>();
}
