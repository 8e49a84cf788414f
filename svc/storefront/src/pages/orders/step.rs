//! Where an order stands: one pure function of the order, its payment and the time.

use values::Timestamp;

use crate::api_client::{
    orders::{CancelReason, OrderStatus},
    payments::PaymentStatus,
};

/// What the step of an order depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) order: OrderStatus,
    pub(crate) reason: Option<CancelReason>,
    pub(crate) is_free: bool,
    pub(crate) expires_at: Timestamp,
    /// Whether the payment service has answered.
    pub(crate) is_payment_known: bool,
    /// The payment that counts, if the order has one.
    pub(crate) payment: Option<PaymentStatus>,
    /// Whether the browser can continue the payment: it has the secret for it, and has not reported that the card was accepted.
    pub(crate) can_continue: bool,
}

/// Where an order stands, and so what its page shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Nothing is to pay: a button takes the tickets.
    TakeFree,
    /// A payment can be started.
    StartPayment,
    /// The buyer enters a card, or another one.
    EnterCard,
    /// The bank asks the buyer.
    AskBank,
    /// The services work; the page waits.
    Processing,
    /// The payment service does not answer; the page waits.
    PaymentUnknown,
    /// The deadline has passed, and the order has not ended yet.
    TimeUp,
    Complete,
    PartlyRefunded,
    Refunded,
    /// It ended without a sale.
    Ended(CancelReason, Money),
}

/// What became of the money of an order that ended without a sale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Money {
    /// None was reserved.
    NotCharged,
    /// The bank's reservation is being released.
    Releasing,
    /// A reservation, if there was one, was released.
    Released,
}

/// Returns where an order stands.
pub(crate) fn step(facts: &Facts, now: Timestamp) -> Step {
    match facts.order {
        OrderStatus::Complete => Step::Complete,
        OrderStatus::PartiallyRefunded => Step::PartlyRefunded,
        OrderStatus::Refunded => Step::Refunded,
        OrderStatus::AwaitingPayment => Step::Processing,
        OrderStatus::Cancelled => {
            // A reason of a later release is shown as a failed payment: nothing was sold.
            Step::Ended(facts.reason.unwrap_or(CancelReason::PaymentFailed), money(facts))
        }
        OrderStatus::Created => open(facts, now),
    }
}

/// Returns where an order stands that holds its tickets.
fn open(facts: &Facts, now: Timestamp) -> Step {
    if !facts.is_payment_known {
        return Step::PaymentUnknown;
    }
    let next = match facts.payment {
        None | Some(PaymentStatus::Failed | PaymentStatus::Voided) if facts.is_free => Step::TakeFree,
        None | Some(PaymentStatus::Failed | PaymentStatus::Voided) => Step::StartPayment,
        Some(PaymentStatus::RequiresPaymentMethod | PaymentStatus::RequiresAction) if !facts.can_continue => {
            Step::Processing
        }
        Some(PaymentStatus::RequiresPaymentMethod) => Step::EnterCard,
        Some(PaymentStatus::RequiresAction) => Step::AskBank,
        // A payment that is being voided while its order is open makes room for the next one.
        Some(
            PaymentStatus::Started
            | PaymentStatus::Authorized
            | PaymentStatus::Capturing
            | PaymentStatus::Captured
            | PaymentStatus::Voiding,
        ) => Step::Processing,
    };
    // An authorised payment may still be confirmed: the order decides, not the clock of this page.
    if next != Step::Processing && now >= facts.expires_at {
        return Step::TimeUp;
    }
    next
}

fn money(facts: &Facts) -> Money {
    // An order that ended without a sale is never charged; only its reservation may still be there.
    if !facts.is_payment_known {
        return Money::Released;
    }
    match facts.payment {
        None | Some(PaymentStatus::Failed) => Money::NotCharged,
        Some(PaymentStatus::Voided) => Money::Released,
        Some(
            PaymentStatus::Started
            | PaymentStatus::RequiresPaymentMethod
            | PaymentStatus::RequiresAction
            | PaymentStatus::Authorized
            | PaymentStatus::Capturing
            | PaymentStatus::Captured
            | PaymentStatus::Voiding,
        ) => Money::Releasing,
    }
}

impl Step {
    /// Returns its name for the page's script: when it changes, the page is another one.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TakeFree => "take-free",
            Self::StartPayment => "start-payment",
            Self::EnterCard => "enter-card",
            Self::AskBank => "ask-bank",
            Self::Processing => "processing",
            Self::PaymentUnknown => "payment-unknown",
            Self::TimeUp => "time-up",
            Self::Complete => "complete",
            Self::PartlyRefunded => "partly-refunded",
            Self::Refunded => "refunded",
            Self::Ended(_, Money::NotCharged) => "ended-not-charged",
            Self::Ended(_, Money::Releasing) => "ended-releasing",
            Self::Ended(_, Money::Released) => "ended-released",
        }
    }

    /// Whether it changes without the buyer, within seconds.
    pub(crate) const fn is_waiting(self) -> bool {
        matches!(
            self,
            Self::Processing | Self::PaymentUnknown | Self::TimeUp | Self::Ended(_, Money::Releasing)
        )
    }

    /// Whether the tickets are held until the deadline.
    pub(crate) const fn has_deadline(self) -> bool {
        matches!(
            self,
            Self::TakeFree | Self::StartPayment | Self::EnterCard | Self::AskBank
        )
    }

    /// Whether the buyer can give the tickets back without having paid.
    pub(crate) const fn can_cancel(self) -> bool {
        self.has_deadline()
    }

    /// Whether tickets belong to the buyer.
    pub(crate) const fn has_tickets(self) -> bool {
        matches!(self, Self::Complete | Self::PartlyRefunded)
    }

    /// Whether the buyer can order again.
    pub(crate) const fn can_order_again(self) -> bool {
        matches!(self, Self::Ended(reason, _) if !matches!(reason, CancelReason::TicketWithdrawn))
    }

    /// Returns the ids of its heading, and of the sentence below it.
    pub(crate) const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::TakeFree => ("order-take-free", "order-take-free-explanation"),
            Self::StartPayment => ("order-start-payment", "order-start-payment-explanation"),
            Self::EnterCard => ("order-enter-card", "order-enter-card-explanation"),
            Self::AskBank => ("order-ask-bank", "order-ask-bank-explanation"),
            Self::Processing => ("order-processing", "order-processing-explanation"),
            Self::PaymentUnknown => ("order-payment-unknown", "order-payment-unknown-explanation"),
            Self::TimeUp => ("order-time-up", "order-time-up-explanation"),
            Self::Complete => ("order-complete", "order-complete-explanation"),
            Self::PartlyRefunded => ("order-partly-refunded", "order-partly-refunded-explanation"),
            Self::Refunded => ("order-refunded", "order-refunded-explanation"),
            Self::Ended(CancelReason::Expired, _) => ("order-expired", "order-expired-explanation"),
            Self::Ended(CancelReason::User, _) => ("order-cancelled", "order-cancelled-explanation"),
            Self::Ended(CancelReason::PaymentFailed, _) => ("order-payment-failed", "order-payment-failed-explanation"),
            Self::Ended(CancelReason::TicketWithdrawn, _) => ("order-withdrawn", "order-withdrawn-explanation"),
        }
    }

    /// Returns the id of the sentence about the money of an order that has ended.
    pub(crate) const fn money_text(self) -> Option<&'static str> {
        match self {
            Self::Refunded => Some("order-money-back"),
            Self::Ended(_, Money::NotCharged) => Some("order-not-charged"),
            Self::Ended(_, Money::Releasing) => Some("order-releasing"),
            Self::Ended(_, Money::Released) => Some("order-released"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
