//! Begins to pay: the row that is there before Stripe is asked.

use db::{Constraint, Tx};
use idempotency::Request;
use ids::{OrderId, Timestamp, UserId};

use crate::{bill::NotPayable, card_token::Token, payment::Payment, store};

/// What a buyer wants.
#[derive(Clone, Debug)]
pub(crate) struct Pay {
    pub(crate) buyer_id: UserId,
    pub(crate) order_id: OrderId,
    pub(crate) token: Token,
}

/// Why an order is not paid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayError {
    #[error("you have no order {0}")]
    NotFound(OrderId),
    #[error(transparent)]
    NotPayable(#[from] NotPayable),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Begins to pay an order in full. It costs what the order service says, whatever the client believes.
pub(crate) fn pay(tx: &Tx, now: Timestamp, wish: Pay, request: &Request) -> Result<Payment, PayError> {
    let bill = store::bill(tx, wish.order_id)?.filter(|bill| bill.buyer_id == wish.buyer_id);
    let bill = bill.ok_or(PayError::NotFound(wish.order_id))?;
    bill.payable(now)?;
    let payment = Payment::start(bill.order_id, bill.buyer_id, bill.total, wish.token, now);
    store::insert(tx, &payment, request).map_err(|error| match error.constraint() {
        // The index decides who is first.
        Some(Constraint::Unique) => NotPayable::BeingPaid.into(),
        _ => PayError::from(error),
    })?;
    Ok(payment)
}
