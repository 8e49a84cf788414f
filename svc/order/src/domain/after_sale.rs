//! The reversal of a sale.

use events::{Dispute, DisputeStatus};

/// The tickets and the money that went back after an order was paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct AfterSale {
    pub(crate) tickets: RefundedTickets,
    /// The money refunded by any means, in minor units, without the amount of a lost dispute.
    pub(crate) refunded_amount: i64,
    /// The dispute of the order's charge.
    pub(crate) dispute: Option<Dispute>,
    /// The version of the payment that `refunded_amount` and `dispute` are taken from.
    pub(crate) payment_version: Option<u64>,
}

/// The number of tickets in an order's paid refunds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct RefundedTickets {
    pub(crate) refunded: u32,
    /// Those of them that are on sale again; the others are void.
    pub(crate) returned: u32,
}

/// The money of an order's payment that went back, as of one version of the payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ReversedPayment {
    pub(crate) version: u64,
    /// In minor units, without the amount of a lost dispute.
    pub(crate) refunded_amount: i64,
    pub(crate) dispute: Option<Dispute>,
}

impl AfterSale {
    /// Replaces the tickets, and the money if `money` is of a newer version of the payment.
    pub(super) fn reversed(self, tickets: RefundedTickets, money: ReversedPayment) -> Self {
        if self.payment_version.is_some_and(|known| known >= money.version) {
            return Self { tickets, ..self };
        }
        Self {
            tickets,
            refunded_amount: money.refunded_amount,
            dispute: money.dispute,
            payment_version: Some(money.version),
        }
    }

    /// Returns all money that went back, a lost dispute included, in minor units.
    pub(super) fn reversed_amount(&self) -> i64 {
        let lost = self.dispute.filter(|dispute| dispute.status == DisputeStatus::Lost);
        self.refunded_amount + lost.map_or(0, |dispute| dispute.amount.amount)
    }

    pub(super) fn is_disputed(&self) -> bool {
        self.dispute
            .is_some_and(|dispute| dispute.status == DisputeStatus::Open)
    }
}
