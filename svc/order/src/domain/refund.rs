//! The state machine of a refund.

use events::{AskedBy, RefundOutcome, RefundStatus};
use text::InvalidText;
use values::{Money, OrderId, PaymentId, RefundId, TicketId, Timestamp, UserId};

use super::{
    change::Change,
    order::{CannotRefund, Order},
};

/// The number of declined and failed refunds of one order from which on its buyer and seller cannot request more: each is stored
/// for ever.
/// An order has ten tickets by default, each of which can be requested and declined several times.
pub(crate) const MAX_REFUNDS: u32 = 100;

/// A refund of tickets of one order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refund {
    state: RefundState,
}

/// The stored values of a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RefundState {
    pub(crate) id: RefundId,
    /// The number of published states, this one included.
    pub(crate) version: u64,
    pub(crate) status: RefundStatus,
    pub(crate) order_id: OrderId,
    /// The payment that the order was paid with.
    pub(crate) payment_id: PaymentId,
    pub(crate) buyer_id: UserId,
    pub(crate) seller_id: UserId,
    pub(crate) ticket_id: TicketId,
    /// The listing's title when the order was placed.
    pub(crate) title: String,
    pub(crate) quantity: u32,
    pub(crate) amount: Money,
    pub(crate) requested_by: AskedBy,
    pub(crate) reason: Option<RefundReason>,
    /// Why the refund could not be paid, or was sent back by the buyer's bank after it was paid.
    pub(crate) failure: Option<String>,
    /// Whether its tickets are on sale again.
    pub(crate) returned: bool,
    /// The newest version of the payment with an outcome of this refund.
    pub(crate) payment_version: Option<u64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// The requester's reason for a refund: 1 to 500 characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RefundReason(String);

/// A request to refund tickets of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RefundRequest {
    /// `None` for all tickets that no refund claims.
    pub(crate) quantity: Option<u32>,
    pub(crate) requested_by: AskedBy,
    pub(crate) reason: Option<RefundReason>,
}

/// The refund has another decision already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the refund is {0} already")]
pub(crate) struct AlreadyDecided(pub(crate) RefundStatus);

impl RefundReason {
    /// The maximum length, in Unicode scalar values.
    pub(crate) const MAX_CHARS: usize = 500;

    /// Parses a reason in any number of lines; a blank text is none.
    pub(crate) fn parse(reason: &str) -> Result<Option<Self>, InvalidText> {
        match text::parse_lines(reason, Self::MAX_CHARS) {
            Err(InvalidText::Blank) => Ok(None),
            parsed => parsed.map(|reason| Some(Self(reason))),
        }
    }

    /// Takes a text that was parsed before it was stored or published.
    pub(crate) fn from_parsed(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Refund {
    /// Requests a refund of tickets of an order.
    ///
    /// A buyer's request waits for the seller's decision, unless now is before `guaranteed_until`. Any other request is
    /// approved at once.
    pub(crate) fn request(
        order: &Order,
        request: RefundRequest,
        guaranteed_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, CannotRefund> {
        let tickets = order.refundable_tickets(request.quantity)?;
        let needs_decision =
            request.requested_by == AskedBy::Buyer && guaranteed_until.is_none_or(|guaranteed| guaranteed <= now);
        let order = order.state();
        Ok(Self {
            state: RefundState {
                id: RefundId::new(now),
                version: 1,
                status: if needs_decision {
                    RefundStatus::Requested
                } else {
                    RefundStatus::Approved
                },
                order_id: order.id,
                payment_id: tickets.payment_id,
                buyer_id: order.buyer_id,
                seller_id: order.seller_id,
                ticket_id: order.ticket_id,
                title: order.title.clone(),
                quantity: tickets.quantity,
                amount: tickets.amount,
                requested_by: request.requested_by,
                reason: request.reason,
                failure: None,
                returned: false,
                payment_version: None,
                created_at: now,
                updated_at: now,
            },
        })
    }

    /// Rebuilds a refund from its stored values.
    pub(crate) fn from_state(state: RefundState) -> Self {
        Self { state }
    }

    /// Returns the values to store or publish.
    pub(crate) fn state(&self) -> &RefundState {
        &self.state
    }

    pub(crate) fn into_state(self) -> RefundState {
        self.state
    }

    pub(crate) fn id(&self) -> RefundId {
        self.state.id
    }

    pub(crate) fn status(&self) -> RefundStatus {
        self.state.status
    }

    /// Approves the refund for the seller. A repeated approval changes nothing, also after the refund is paid or failed.
    pub(crate) fn approve(&mut self, now: Timestamp) -> Result<Change, AlreadyDecided> {
        self.decide(RefundStatus::Approved, now)
    }

    /// Declines the refund for the seller. A repeated refusal changes nothing.
    pub(crate) fn decline(&mut self, now: Timestamp) -> Result<Change, AlreadyDecided> {
        self.decide(RefundStatus::Declined, now)
    }

    fn decide(&mut self, status: RefundStatus, now: Timestamp) -> Result<Change, AlreadyDecided> {
        // A refund that is paid or failed was approved before.
        let decision = match self.state.status {
            RefundStatus::Requested => return Ok(self.advance(status, now)),
            RefundStatus::Approved | RefundStatus::Paid | RefundStatus::Failed => RefundStatus::Approved,
            RefundStatus::Declined => RefundStatus::Declined,
        };
        if decision == status {
            Ok(Change::None)
        } else {
            Err(AlreadyDecided(self.state.status))
        }
    }

    /// Applies an outcome that the payment service published in a version of the payment. Outcomes may be repeated,
    /// late or out of order.
    ///
    /// A paid refund stays paid, and its tickets stay returned, even if the bank sends the money back later: then the
    /// failure is stored for people to read. Of failures the newest counts.
    ///
    /// `unclaimed` is the number of the order's tickets that no refund claims. If a failure overtook the success before
    /// it, the tickets may have been claimed again when the success is consumed: then the success is ignored.
    pub(crate) fn apply_outcome(
        &mut self,
        outcome: &RefundOutcome,
        payment_version: u64,
        unclaimed: u32,
        resell: bool,
        now: Timestamp,
    ) -> Change {
        let before = self.state.clone();
        let state = &mut self.state;
        let is_newer = state.payment_version.is_none_or(|known| known < payment_version);
        let is_claimed_again = !is_newer && state.status == RefundStatus::Failed && unclaimed < state.quantity;
        if is_newer {
            state.payment_version = Some(payment_version);
            state.failure.clone_from(&outcome.failure);
        }
        let is_paid = state.status == RefundStatus::Paid;
        match &outcome.failure {
            None if !is_paid && !is_claimed_again => {
                state.status = RefundStatus::Paid;
                state.returned = resell;
            }
            Some(_) if !is_paid && is_newer => state.status = RefundStatus::Failed,
            _ => {}
        }
        if *state == before {
            return Change::None;
        }
        self.advance(self.state.status, now)
    }

    fn advance(&mut self, status: RefundStatus, now: Timestamp) -> Change {
        self.state.status = status;
        self.state.version += 1;
        // The clock may have been set back.
        self.state.updated_at = now.max(self.state.updated_at);
        Change::NewVersion
    }
}

#[cfg(test)]
mod tests;
