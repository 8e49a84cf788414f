//! An order: what it holds, and how it ends.

use std::time::Duration;

use events::{CancelReason, Dispute, DisputeStatus, OrderStatus};
use values::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};

use super::listing::Listing;

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
    /// The attempt that is under way, while the order is created.
    pub(crate) pending: Option<PaymentId>,
    /// The newest attempt that is known to be over, while the order is created: that it was under way may be heard later.
    pub(crate) over: Option<PaymentId>,
    /// When its deadline was moved.
    pub(crate) extended_at: Option<Timestamp>,
    /// Until when the buyer gets a refund without the seller being asked, as the listing said when the order was placed.
    pub(crate) refundable_until: Option<Timestamp>,
    /// How many of its tickets went back or may go back. Follows from its refunds, and is not kept with the order.
    pub(crate) claimed: u32,
    pub(crate) after: AfterSale,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What went back after an order was paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct AfterSale {
    /// What its refunds gave back.
    pub(crate) tickets: GivenBack,
    /// How much was paid back, whoever did, in minor units; what a lost dispute took is not in it.
    pub(crate) refunded_amount: i64,
    /// The dispute of its charge, if there ever was one.
    pub(crate) dispute: Option<Dispute>,
    /// The version of the payment that said so of the money.
    pub(crate) payment_version: Option<u64>,
}

/// How many tickets went back, by the refunds of an order that are paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct GivenBack {
    pub(crate) refunded: u32,
    /// How many of these are on sale again; the others are void.
    pub(crate) returned: u32,
}

/// What people are told of an order's status: that tickets went back is no status of its own, but shown as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shown {
    Stored(OrderStatus),
    /// Complete, and some of the tickets went back.
    PartiallyRefunded,
    /// Complete, and all of the tickets went back.
    Refunded,
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

/// Why nothing is refunded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotRefund {
    #[error("the order is not paid")]
    NotPaid,
    #[error("the buyer's bank disputes the charge: until it has decided, nothing is refunded")]
    Disputed,
    #[error("the buyer's bank has taken the money back")]
    TakenBack,
    #[error("no tickets are left that could be refunded")]
    NothingLeft,
    #[error("must be 1 to {0}")]
    TooMany(u32),
}

/// Whether a transition made a difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Made,
    /// It is kept, and of no interest to others.
    Noted,
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
            pending: None,
            over: None,
            extended_at: None,
            refundable_until: listing.refundable_until,
            claimed: 0,
            after: AfterSale::default(),
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
        } else if self.status == OrderStatus::Created && self.over < Some(payment) {
            self.over = Some(payment);
            self.pending = self.pending.filter(|pending| *pending > payment);
            Change::Noted
        } else {
            Change::None
        }
    }

    /// An attempt to pay it is under way: the buyer's bank asks its owner, or Stripe has not answered. That moves the
    /// deadline once, when it passes.
    ///
    /// An order's attempts follow each other, and so do their ids: news of one that is over, or not newer than the one
    /// under way, comes late.
    pub(crate) fn await_payment(&mut self, payment: PaymentId) -> Change {
        if self.status != OrderStatus::Created || self.pending.max(self.over) >= Some(payment) {
            return Change::None;
        }
        self.pending = Some(payment);
        Change::Noted
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

    /// Ends it, because its deadline has passed and nothing was authorised. If a payment is under way, the deadline is
    /// moved by `extension` instead, once.
    pub(crate) fn expire(&mut self, deadline: Timestamp, extension: Duration, now: Timestamp) -> Change {
        if self.status != OrderStatus::Created || self.expires_at > deadline {
            return Change::None;
        }
        if self.pending.is_none() || self.extended_at.is_some() || extension.is_zero() {
            return self.end(CancelReason::Expired, now);
        }
        self.expires_at = self.expires_at + extension;
        self.extended_at = Some(now);
        self.turn(self.status, now)
    }

    /// Ends it, because the seller withdrew the listing. What is confirmed stays sold.
    pub(crate) fn withdraw(&mut self, now: Timestamp) -> Change {
        if self.status == OrderStatus::Created {
            self.end(CancelReason::TicketWithdrawn, now)
        } else {
            Change::None
        }
    }

    /// Whether tickets of it can go back, and for which payment.
    pub(crate) fn refundable(&self) -> Result<PaymentId, CannotRefund> {
        let payment = self.payment_id.filter(|_| self.status == OrderStatus::Complete);
        let payment = payment.ok_or(CannotRefund::NotPaid)?;
        match self.after.dispute.map(|dispute| dispute.status) {
            Some(DisputeStatus::Open) => return Err(CannotRefund::Disputed),
            Some(DisputeStatus::Lost) => return Err(CannotRefund::TakenBack),
            Some(DisputeStatus::Won) | None => {}
        }
        Ok(payment)
    }

    /// How it is shown.
    pub(crate) fn shown(&self) -> Shown {
        let refunded = self.after.tickets.refunded;
        match self.status {
            OrderStatus::Complete if refunded >= self.quantity => Shown::Refunded,
            OrderStatus::Complete if refunded > 0 => Shown::PartiallyRefunded,
            status => Shown::Stored(status),
        }
    }

    /// Whether the buyer's bank is about to decide on its charge.
    pub(crate) fn is_disputed(&self) -> bool {
        let dispute = self.after.dispute;
        dispute.is_some_and(|dispute| dispute.status == DisputeStatus::Open)
    }

    /// How much went back to the buyer in all, in minor units.
    pub(crate) fn refunded_amount(&self) -> i64 {
        let lost = self
            .after
            .dispute
            .filter(|dispute| dispute.status == DisputeStatus::Lost);
        self.after.refunded_amount + lost.map_or(0, |dispute| dispute.amount.amount)
    }

    /// How many of its tickets are the buyer's, or void: not on sale.
    pub(crate) fn kept(&self) -> u32 {
        self.quantity.saturating_sub(self.after.tickets.returned)
    }

    /// Takes what its refunds add up to, and what the payment service says of the money in a version of the payment: the
    /// newest counts.
    pub(crate) fn give_back(
        &mut self,
        tickets: GivenBack,
        version: u64,
        refunded_amount: i64,
        dispute: Option<Dispute>,
        now: Timestamp,
    ) -> Change {
        let mut after = AfterSale { tickets, ..self.after };
        if after.payment_version.is_none_or(|known| known < version) {
            after.payment_version = Some(version);
            after.refunded_amount = refunded_amount;
            after.dispute = dispute;
        }
        if after == self.after {
            return Change::None;
        }
        self.after = after;
        self.turn(self.status, now)
    }

    fn end(&mut self, reason: CancelReason, now: Timestamp) -> Change {
        self.cancel_reason = Some(reason);
        self.turn(OrderStatus::Cancelled, now)
    }

    fn turn(&mut self, status: OrderStatus, now: Timestamp) -> Change {
        self.status = status;
        self.version += 1;
        if status != OrderStatus::Created {
            self.pending = None;
            self.over = None;
        }
        // A clock that was set back does not make an order younger.
        self.updated_at = now.max(self.updated_at);
        Change::Made
    }
}

#[cfg(test)]
mod tests;
