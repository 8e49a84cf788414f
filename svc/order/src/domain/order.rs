//! The state machine of an order.

use std::time::Duration;

use events::{AskedBy, CancelReason, DisputeStatus, OrderStatus};
use values::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};

use super::{
    after_sale::{AfterSale, RefundedTickets, ReversedPayment},
    change::Change,
    display_status::DisplayStatus,
    listing::Listing,
};

/// A buyer's order of tickets of one listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Order {
    state: OrderState,
    total: Money,
}

/// The stored values of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OrderState {
    pub(crate) id: OrderId,
    /// The number of published states, this one included.
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
    /// The payment that the order was confirmed with.
    pub(crate) payment_id: Option<PaymentId>,
    /// The payment attempt in progress; only while the order is created.
    pub(crate) pending_payment_id: Option<PaymentId>,
    /// The newest attempt known to have failed; only while the order is created. A late `payment.pending` of it, or of
    /// an older one, is ignored.
    pub(crate) failed_payment_id: Option<PaymentId>,
    /// When the deadline was moved.
    pub(crate) extended_at: Option<Timestamp>,
    /// Until when a buyer's refund is approved without the seller, by the listing when the order was placed.
    pub(crate) refundable_until: Option<Timestamp>,
    /// The number of tickets that its refunds claim. Read only: a trigger of the database counts it.
    pub(crate) claimed_quantity: u32,
    pub(crate) after_sale: AfterSale,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Tickets that a new refund can claim, with their price and the payment to refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RefundableTickets {
    pub(super) payment_id: PaymentId,
    pub(super) quantity: u32,
    pub(super) amount: Money,
}

/// Why an order cannot be placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotPlace {
    #[error("you cannot order tickets of your own listing")]
    OwnListing,
    #[error(transparent)]
    TotalTooHigh(#[from] TotalTooHigh),
}

/// The price of so many tickets is more than one payment can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the price of {0} tickets is more than one payment can be")]
pub(crate) struct TotalTooHigh(pub(crate) u32);

/// Why an order cannot be cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotCancel {
    #[error("the order is paid: the tickets are sold")]
    Complete,
    #[error("the order is being paid: its payment is authorised and will be captured")]
    BeingPaid,
}

/// Why a payment cannot be applied to its order: an operator has to resolve it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotApplyPayment {
    #[error("the payment {0} was captured for an order that is cancelled")]
    OrderCancelled(PaymentId),
    #[error("the payment {0} was captured for an order that was confirmed with another payment")]
    OtherPaymentConfirmed(PaymentId),
    #[error("the amount of the payment {0} is not the total of the order")]
    AmountDiffers(PaymentId),
}

/// Why tickets of an order cannot be refunded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotRefund {
    #[error("the order is not paid")]
    NotPaid,
    #[error("the buyer's bank disputes the charge: until it has decided, nothing is refunded")]
    Disputed,
    #[error("the buyer's bank has taken the money back")]
    DisputeLost,
    #[error("no tickets are left that could be refunded")]
    NothingLeft,
    #[error("must be 1 to {0}")]
    TooMany(u32),
}

impl Order {
    /// Places an order at the listing's current price. It is to be paid within the listing's order window, or
    /// `default_window` if the listing has none, and before the event begins.
    pub(crate) fn place(
        listing: &Listing,
        buyer_id: UserId,
        quantity: u32,
        default_window: Duration,
        now: Timestamp,
    ) -> Result<Self, CannotPlace> {
        if listing.seller_id == buyer_id {
            return Err(CannotPlace::OwnListing);
        }
        let window_end = now + listing.order_window.unwrap_or(default_window);
        let order = Self::from_state(OrderState {
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
            expires_at: listing.starts_at.map_or(window_end, |start| window_end.min(start)),
            payment_id: None,
            pending_payment_id: None,
            failed_payment_id: None,
            extended_at: None,
            refundable_until: listing.refundable_until,
            claimed_quantity: 0,
            after_sale: AfterSale::default(),
            created_at: now,
            updated_at: now,
        })?;
        Ok(order)
    }

    /// Rebuilds an order from its stored values.
    pub(crate) fn from_state(state: OrderState) -> Result<Self, TotalTooHigh> {
        let total = state.price.times(state.quantity).ok_or(TotalTooHigh(state.quantity))?;
        Ok(Self { state, total })
    }

    /// Returns the values to store or publish.
    pub(crate) fn state(&self) -> &OrderState {
        &self.state
    }

    pub(crate) fn id(&self) -> OrderId {
        self.state.id
    }

    pub(crate) fn status(&self) -> OrderStatus {
        self.state.status
    }

    pub(crate) fn ticket_id(&self) -> TicketId {
        self.state.ticket_id
    }

    pub(crate) fn quantity(&self) -> u32 {
        self.state.quantity
    }

    /// Returns what the buyer pays.
    pub(crate) fn total(&self) -> Money {
        self.total
    }

    pub(crate) fn is_bought_by(&self, user: UserId) -> bool {
        self.state.buyer_id == user
    }

    /// Returns the user's part in this order; `None` if the user has none.
    pub(crate) fn party(&self, user: UserId) -> Option<AskedBy> {
        if user == self.state.buyer_id {
            Some(AskedBy::Buyer)
        } else {
            (user == self.state.seller_id).then_some(AskedBy::Seller)
        }
    }

    pub(crate) fn is_confirmed_with(&self, payment: PaymentId) -> bool {
        self.state.payment_id == Some(payment)
    }

    /// Records that an attempt to pay is in progress: the bank authenticates the buyer, or Stripe has not responded.
    /// With it, the deadline is moved once when it passes.
    ///
    /// Attempts of an order follow each other, and so do their ids. An attempt that is not newer than the pending and
    /// the failed one is ignored: its event is late.
    pub(crate) fn record_pending_payment(&mut self, payment: PaymentId) -> Change {
        let newest = self.state.pending_payment_id.max(self.state.failed_payment_id);
        if self.state.status != OrderStatus::Created || newest >= Some(payment) {
            return Change::None;
        }
        self.state.pending_payment_id = Some(payment);
        Change::Internal
    }

    /// Confirms the order with an authorised payment, which may then be captured. A confirmed order cannot expire.
    ///
    /// The deadline is not checked: a created order holds its tickets. A second payment, or one for an order that has
    /// ended, changes nothing: the payment service voids it.
    pub(crate) fn confirm(
        &mut self,
        payment: PaymentId,
        amount: Money,
        now: Timestamp,
    ) -> Result<Change, CannotApplyPayment> {
        if self.state.status != OrderStatus::Created {
            return Ok(Change::None);
        }
        if amount != self.total {
            return Err(CannotApplyPayment::AmountDiffers(payment));
        }
        self.state.payment_id = Some(payment);
        Ok(self.advance(OrderStatus::AwaitingPayment, now))
    }

    /// Completes the order: its payment is captured.
    ///
    /// An order restored from a backup may have missed its confirmation. It still holds its tickets, so it completes.
    pub(crate) fn complete(
        &mut self,
        payment: PaymentId,
        amount: Money,
        now: Timestamp,
    ) -> Result<Change, CannotApplyPayment> {
        if amount != self.total {
            return Err(CannotApplyPayment::AmountDiffers(payment));
        }
        match self.state.status {
            OrderStatus::Cancelled => Err(CannotApplyPayment::OrderCancelled(payment)),
            OrderStatus::AwaitingPayment | OrderStatus::Complete if !self.is_confirmed_with(payment) => {
                Err(CannotApplyPayment::OtherPaymentConfirmed(payment))
            }
            OrderStatus::Complete => Ok(Change::None),
            OrderStatus::Created | OrderStatus::AwaitingPayment => {
                self.state.payment_id = Some(payment);
                Ok(self.advance(OrderStatus::Complete, now))
            }
        }
    }

    /// Cancels the order if the payment that it was confirmed with has failed. After any other failed payment the buyer
    /// can try again until the deadline.
    pub(crate) fn record_failed_payment(&mut self, payment: PaymentId, now: Timestamp) -> Change {
        let state = &mut self.state;
        if state.status == OrderStatus::AwaitingPayment && state.payment_id == Some(payment) {
            self.end(CancelReason::PaymentFailed, now)
        } else if state.status == OrderStatus::Created && state.failed_payment_id < Some(payment) {
            state.failed_payment_id = Some(payment);
            state.pending_payment_id = state.pending_payment_id.filter(|pending| *pending > payment);
            Change::Internal
        } else {
            Change::None
        }
    }

    /// Cancels the order for its buyer.
    pub(crate) fn cancel(&mut self, now: Timestamp) -> Result<Change, CannotCancel> {
        match self.state.status {
            OrderStatus::Created => Ok(self.end(CancelReason::User, now)),
            OrderStatus::AwaitingPayment => Err(CannotCancel::BeingPaid),
            OrderStatus::Complete => Err(CannotCancel::Complete),
            OrderStatus::Cancelled => Ok(Change::None),
        }
    }

    /// Cancels a created order whose deadline has passed. If an attempt to pay is in progress, moves the deadline by
    /// `extension` instead, once, but not past the start of the event.
    ///
    /// `deadline` is the one that has passed: an earlier one than the order's changes nothing.
    pub(crate) fn expire_or_extend(
        &mut self,
        deadline: Timestamp,
        extension: Duration,
        starts_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Change {
        let state = &mut self.state;
        if state.status != OrderStatus::Created || state.expires_at > deadline {
            return Change::None;
        }
        let extended = state.expires_at + extension;
        let extended = starts_at.map_or(extended, |start| extended.min(start));
        if state.pending_payment_id.is_none() || state.extended_at.is_some() || extended <= state.expires_at {
            return self.end(CancelReason::Expired, now);
        }
        state.expires_at = extended;
        state.extended_at = Some(now);
        self.advance(OrderStatus::Created, now)
    }

    /// Cancels a created order whose listing is withdrawn. A confirmed order stays sold.
    pub(crate) fn cancel_withdrawn(&mut self, now: Timestamp) -> Change {
        if self.state.status == OrderStatus::Created {
            self.end(CancelReason::TicketWithdrawn, now)
        } else {
            Change::None
        }
    }

    /// Applies the sum of the order's paid refunds, and the money that went back as of one version of the payment.
    pub(crate) fn apply_reversal(
        &mut self,
        tickets: RefundedTickets,
        money: ReversedPayment,
        now: Timestamp,
    ) -> Change {
        let after_sale = self.state.after_sale.reversed(tickets, money);
        if after_sale == self.state.after_sale {
            return Change::None;
        }
        self.state.after_sale = after_sale;
        self.advance(self.state.status, now)
    }

    /// Checks that the order can be refunded, and returns its payment.
    pub(crate) fn check_refundable(&self) -> Result<PaymentId, CannotRefund> {
        let payment = self
            .state
            .payment_id
            .filter(|_| self.state.status == OrderStatus::Complete);
        let payment = payment.ok_or(CannotRefund::NotPaid)?;
        match self.state.after_sale.dispute.map(|dispute| dispute.status) {
            Some(DisputeStatus::Open) => Err(CannotRefund::Disputed),
            Some(DisputeStatus::Lost) => Err(CannotRefund::DisputeLost),
            Some(DisputeStatus::Won) | None => Ok(payment),
        }
    }

    /// Returns `quantity` tickets to refund, or all that no refund claims.
    pub(super) fn refundable_tickets(&self, quantity: Option<u32>) -> Result<RefundableTickets, CannotRefund> {
        let payment_id = self.check_refundable()?;
        let unclaimed = self.unclaimed_quantity();
        if unclaimed == 0 {
            return Err(CannotRefund::NothingLeft);
        }
        let quantity = quantity.unwrap_or(unclaimed);
        let amount = self.state.price.times(quantity);
        let amount = amount.filter(|_| (1..=unclaimed).contains(&quantity));
        Ok(RefundableTickets {
            payment_id,
            quantity,
            amount: amount.ok_or(CannotRefund::TooMany(unclaimed))?,
        })
    }

    /// Returns the number of tickets that no refund claims.
    pub(crate) fn unclaimed_quantity(&self) -> u32 {
        self.state.quantity.saturating_sub(self.state.claimed_quantity)
    }

    pub(crate) fn display_status(&self) -> DisplayStatus {
        DisplayStatus::new(
            self.state.status,
            self.state.quantity,
            self.state.after_sale.tickets.refunded,
        )
    }

    /// Whether the buyer's bank has yet to decide on a dispute of the charge.
    pub(crate) fn is_disputed(&self) -> bool {
        self.state.after_sale.is_disputed()
    }

    /// Returns all money that went back to the buyer, a lost dispute included.
    pub(crate) fn refunded_amount(&self) -> Money {
        Money {
            amount: self.state.after_sale.reversed_amount(),
            ..self.state.price
        }
    }

    /// Returns the number of tickets that are not on sale again: those of the buyer, and void ones.
    pub(crate) fn sold_quantity(&self) -> u32 {
        self.state
            .quantity
            .saturating_sub(self.state.after_sale.tickets.returned)
    }

    fn end(&mut self, reason: CancelReason, now: Timestamp) -> Change {
        self.state.cancel_reason = Some(reason);
        self.advance(OrderStatus::Cancelled, now)
    }

    fn advance(&mut self, status: OrderStatus, now: Timestamp) -> Change {
        let state = &mut self.state;
        state.status = status;
        state.version += 1;
        if status != OrderStatus::Created {
            state.pending_payment_id = None;
            state.failed_payment_id = None;
        }
        // The clock may have been set back.
        state.updated_at = now.max(state.updated_at);
        Change::NewVersion
    }
}

#[cfg(test)]
mod tests;
