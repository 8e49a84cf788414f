//! A refund: tickets of a paid order that go back, and how that is decided.

use events::{AskedBy, RefundOutcome, RefundStatus};
use values::{Money, OrderId, PaymentId, RefundId, TicketId, Timestamp, UserId};

use super::order::{CannotRefund, Change, Order};

/// Tickets of one order that go back, for what was paid for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refund {
    pub(crate) id: RefundId,
    /// Counts the states of this refund.
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
    pub(crate) asked_by: AskedBy,
    pub(crate) reason: Option<Reason>,
    /// Why it could not be paid.
    pub(crate) failure: Option<String>,
    /// Whether its tickets are on sale again.
    pub(crate) returned: bool,
    /// The newest version of the payment that said something of it.
    pub(crate) payment_version: Option<u64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Why somebody wants a refund, in their words: 1 to 500 characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reason(String);

/// A reason that is too long, or no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BadReason {
    #[error("must have at most {} characters", Reason::LONGEST)]
    TooLong,
    #[error("must not contain control characters")]
    Control,
}

/// What somebody wants to give back, or wants others to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wish {
    /// How many tickets; all that are left if nobody says.
    pub(crate) quantity: Option<u32>,
    pub(crate) asked_by: AskedBy,
    pub(crate) reason: Option<Reason>,
}

/// Why a decision comes too late.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the refund is {} already", status_text(*.0))]
pub(crate) struct Decided(pub(crate) RefundStatus);

/// The text of a status, on the wire and in the database.
pub(crate) fn status_text(status: RefundStatus) -> &'static str {
    match status {
        RefundStatus::Requested => "requested",
        RefundStatus::Approved => "approved",
        RefundStatus::Declined => "declined",
        RefundStatus::Paid => "paid",
        RefundStatus::Failed => "failed",
    }
}

impl Reason {
    /// The longest, in characters (Unicode scalar values).
    pub(crate) const LONGEST: usize = 500;

    /// An empty text says nothing.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, BadReason> {
        let text = text.trim();
        if text.chars().nth(Self::LONGEST).is_some() {
            return Err(BadReason::TooLong);
        }
        if text
            .chars()
            .any(|char| char.is_control() && !['\n', '\r', '\t'].contains(&char))
        {
            return Err(BadReason::Control);
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What was stored or said has been parsed before.
    pub(crate) fn known(text: String) -> Self {
        Self(text)
    }
}

impl Refund {
    /// Asks for a refund of some of an order's tickets. The seller decides what the buyer asks for, unless the buyer was
    /// promised it until later than now; what the seller asks for is decided.
    pub(crate) fn ask(
        order: &Order,
        wish: Wish,
        promised_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, CannotRefund> {
        let payment_id = order.refundable()?;
        let left = order.quantity.saturating_sub(order.claimed);
        if left == 0 {
            return Err(CannotRefund::NothingLeft);
        }
        let quantity = wish.quantity.unwrap_or(left);
        if !(1..=left).contains(&quantity) {
            return Err(CannotRefund::TooMany(left));
        }
        let granted = wish.asked_by != AskedBy::Buyer || promised_until.is_some_and(|until| now < until);
        Ok(Self {
            id: RefundId::new(now),
            version: 1,
            status: if granted {
                RefundStatus::Approved
            } else {
                RefundStatus::Requested
            },
            order_id: order.id,
            payment_id,
            buyer_id: order.buyer_id,
            seller_id: order.seller_id,
            ticket_id: order.ticket_id,
            title: order.title.clone(),
            quantity,
            // A part of an order is no dearer than the whole.
            amount: order.price.times(quantity).unwrap_or(order.price),
            asked_by: wish.asked_by,
            reason: wish.reason,
            failure: None,
            returned: false,
            payment_version: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// The seller agrees. What is approved is so whoever says it again.
    pub(crate) fn approve(&mut self, now: Timestamp) -> Result<Change, Decided> {
        self.decide(RefundStatus::Approved, now)
    }

    /// The seller says no.
    pub(crate) fn decline(&mut self, now: Timestamp) -> Result<Change, Decided> {
        self.decide(RefundStatus::Declined, now)
    }

    fn decide(&mut self, status: RefundStatus, now: Timestamp) -> Result<Change, Decided> {
        if self.status == status {
            return Ok(Change::None);
        }
        if self.status != RefundStatus::Requested {
            return Err(Decided(self.status));
        }
        self.turn(status, now);
        Ok(Change::Made)
    }

    /// Takes what the payment service says of it, in a version of its payment, whatever it had said before or says after.
    ///
    /// What was paid once is paid, and its tickets have gone back, even if the bank sends the money back later: then the
    /// failure is kept for people. Of failures the newest counts.
    ///
    /// `left` tickets of the order are claimed by no refund. Where the failure was heard first, its tickets may have been
    /// claimed again before it is heard that it was paid once: then that is history.
    pub(crate) fn answered(
        &mut self,
        answer: &RefundOutcome,
        version: u64,
        left: u32,
        resell: bool,
        now: Timestamp,
    ) -> Change {
        let before = self.clone();
        let newer = self.payment_version.is_none_or(|known| known < version);
        let history = !newer && self.status == RefundStatus::Failed && left < self.quantity;
        if newer {
            self.payment_version = Some(version);
            self.failure.clone_from(&answer.failure);
        }
        let paid = self.status == RefundStatus::Paid;
        match &answer.failure {
            None if !paid && !history => {
                self.status = RefundStatus::Paid;
                self.returned = resell;
            }
            Some(_) if !paid && newer => self.status = RefundStatus::Failed,
            _ => {}
        }
        if *self == before {
            return Change::None;
        }
        self.turn(self.status, now);
        Change::Made
    }

    fn turn(&mut self, status: RefundStatus, now: Timestamp) {
        self.status = status;
        self.version += 1;
        // A clock that was set back does not make a refund younger.
        self.updated_at = now.max(self.updated_at);
    }
}

#[cfg(test)]
mod tests;
