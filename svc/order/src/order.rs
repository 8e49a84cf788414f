//! An order: what it holds, and how it ends.

use std::time::Duration;

use events::{CancelReason, OrderStatus};
use ids::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};

use crate::listing::Listing;

/// A buyer's claim on some tickets of one listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    /// Counts the states of this order.
    pub(crate) version: u64,
    pub(crate) status: OrderStatus,
    pub(crate) cancel_reason: Option<CancelReason>,
    pub(crate) buyer_id: UserId,
    pub(crate) seller_id: UserId,
    pub(crate) ticket_id: TicketId,
    /// The listing's title when the order was placed.
    pub(crate) title: String,
    /// The price of one ticket when the order was placed.
    pub(crate) price: Money,
    pub(crate) quantity: u32,
    pub(crate) expires_at: Timestamp,
    /// The payment that it was confirmed with.
    pub(crate) payment_id: Option<PaymentId>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Why nothing was ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("nobody buys their own tickets")]
    OwnTicket,
    #[error("{0} tickets at this price are more than one payment can be")]
    TooDear(u32),
}

/// Why an order cannot be cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotCancel {
    #[error("the order is paid: the tickets are sold")]
    Complete,
    #[error("the order is being paid: its payment is authorised and will be captured")]
    Paying,
}

/// Why an order cannot take a payment: it is for somebody to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotPay {
    #[error("the payment {0} was captured for an order that is cancelled")]
    Cancelled(PaymentId),
    #[error("the payment {0} was captured for an order that was confirmed with another")]
    Other(PaymentId),
    #[error("the payment {0} is not the order's amount")]
    Amount(PaymentId),
}

/// Whether a transition made a difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Made,
    /// It had happened already, or does not matter any more.
    None,
}

impl Order {
    /// Claims tickets of a listing at today's price, to be paid within `window` unless the listing says otherwise.
    pub(crate) fn place(
        listing: &Listing,
        buyer_id: UserId,
        quantity: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        if listing.seller_id == buyer_id {
            return Err(Refused::OwnTicket);
        }
        listing.price.times(quantity).ok_or(Refused::TooDear(quantity))?;
        Ok(Self {
            id: OrderId::new(now),
            version: 1,
            status: OrderStatus::Created,
            cancel_reason: None,
            buyer_id,
            seller_id: listing.seller_id,
            ticket_id: listing.id,
            title: listing.title.clone(),
            price: listing.price,
            quantity,
            expires_at: now + listing.window.unwrap_or(window),
            payment_id: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// What the buyer owes.
    pub(crate) fn total(&self) -> Money {
        // `place` made sure that the total is an amount; a row can say nothing else.
        self.price.times(self.quantity).unwrap_or(self.price)
    }

    /// Confirms it with an authorised payment, which may then be captured; from then on it does not expire.
    ///
    /// The deadline does not matter here: as long as the tickets are held, the buyer may have them. A payment that comes
    /// second, or after the end, is not taken: the payment service voids it.
    pub(crate) fn confirm(&mut self, payment: PaymentId, amount: Money, now: Timestamp) -> Result<Change, CannotPay> {
        if self.status != OrderStatus::Created {
            return Ok(Change::None);
        }
        if amount != self.total() {
            return Err(CannotPay::Amount(payment));
        }
        self.payment_id = Some(payment);
        Ok(self.turn(OrderStatus::AwaitingPayment, now))
    }

    /// Completes it: its payment is captured.
    ///
    /// An order that was never seen to be confirmed (it was restored from a backup) still holds its tickets, so the
    /// buyer gets them.
    pub(crate) fn complete(&mut self, payment: PaymentId, amount: Money, now: Timestamp) -> Result<Change, CannotPay> {
        if amount != self.total() {
            return Err(CannotPay::Amount(payment));
        }
        match self.status {
            OrderStatus::Cancelled => Err(CannotPay::Cancelled(payment)),
            OrderStatus::AwaitingPayment | OrderStatus::Complete if self.payment_id != Some(payment) => {
                Err(CannotPay::Other(payment))
            }
            OrderStatus::Complete => Ok(Change::None),
            OrderStatus::Created | OrderStatus::AwaitingPayment => {
                self.payment_id = Some(payment);
                Ok(self.turn(OrderStatus::Complete, now))
            }
        }
    }

    /// Ends it, because the payment that it was confirmed with could not be captured. Any other failed payment does not
    /// matter: the buyer can try again until the deadline.
    pub(crate) fn fail(&mut self, payment: PaymentId, now: Timestamp) -> Change {
        if self.status == OrderStatus::AwaitingPayment && self.payment_id == Some(payment) {
            self.end(CancelReason::PaymentFailed, now)
        } else {
            Change::None
        }
    }

    /// Cancels it for its buyer.
    pub(crate) fn cancel(&mut self, now: Timestamp) -> Result<Change, CannotCancel> {
        match self.status {
            OrderStatus::Created => Ok(self.end(CancelReason::User, now)),
            OrderStatus::AwaitingPayment => Err(CannotCancel::Paying),
            OrderStatus::Complete => Err(CannotCancel::Complete),
            OrderStatus::Cancelled => Ok(Change::None),
        }
    }

    /// Ends it, because its deadline has passed and nothing was authorised.
    pub(crate) fn expire(&mut self, deadline: Timestamp, now: Timestamp) -> Change {
        if self.status == OrderStatus::Created && self.expires_at <= deadline {
            self.end(CancelReason::Expired, now)
        } else {
            Change::None
        }
    }

    /// Ends it, because the seller withdrew the listing. What is confirmed stays sold.
    pub(crate) fn withdraw(&mut self, now: Timestamp) -> Change {
        if self.status == OrderStatus::Created {
            self.end(CancelReason::TicketWithdrawn, now)
        } else {
            Change::None
        }
    }

    fn end(&mut self, reason: CancelReason, now: Timestamp) -> Change {
        self.cancel_reason = Some(reason);
        self.turn(OrderStatus::Cancelled, now)
    }

    fn turn(&mut self, status: OrderStatus, now: Timestamp) -> Change {
        self.status = status;
        self.version += 1;
        // A clock that was set back does not make an order younger.
        self.updated_at = now.max(self.updated_at);
        Change::Made
    }
}

#[cfg(test)]
mod tests;
