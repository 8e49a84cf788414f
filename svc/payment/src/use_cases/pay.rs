//! Begins to pay: the row that is there before Stripe is asked.

use db::{Constraint, Tx};
use idempotency::Request;
use values::{Money, OrderId, Timestamp, UserId};

use crate::{
    domain::{Means, NotPayable, Payment},
    events::announce,
    store,
};

/// What a buyer wants.
#[derive(Clone, Debug)]
pub(crate) struct Pay {
    pub(crate) buyer_id: UserId,
    pub(crate) order_id: OrderId,
    pub(crate) with: Means,
}

/// Why an order is not paid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayError {
    #[error("you have no order {0}")]
    NotFound(OrderId),
    #[error(transparent)]
    NotPayable(#[from] NotPayable),
    #[error("costs {total}, and what is paid {why}")]
    NotChargeable { total: Money, why: values::NotChargeable },
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Begins to pay an order in full. It costs what the order service says, whatever the client believes.
///
/// What is free is paid as it is, whatever the buyer wants to pay with. Of an order's attempts one lives at most. One that
/// a browser can go on with is gone on with by a browser, and gives way to another card.
pub(crate) fn pay(tx: &Tx, now: Timestamp, wish: Pay, request: &Request) -> Result<Payment, PayError> {
    let bill = store::bill(tx, wish.order_id)?.filter(|bill| bill.buyer_id == wish.buyer_id);
    let bill = bill.ok_or(PayError::NotFound(wish.order_id))?;
    bill.payable(now)?;
    let total = bill.total;
    total
        .ensure_chargeable()
        .map_err(|why| PayError::NotChargeable { total, why })?;
    if let Some(mut open) = store::live(tx, bill.order_id)? {
        match wish.with {
            Means::Browser if open.goes_on_in_browser() => return Ok(open),
            Means::Card { .. } if open.waits_for_buyer() => {
                open.give_way(now);
                store::update(tx, &open)?;
            }
            _ => return Err(NotPayable::BeingPaid.into()),
        }
    }
    let payment = Payment::start(bill.order_id, bill.buyer_id, bill.total, wish.with, now);
    store::insert(tx, &payment, Some(request)).map_err(|error| match error.constraint() {
        // The index decides who is first.
        Some(Constraint::Unique) => NotPayable::BeingPaid.into(),
        _ => PayError::from(error),
    })?;
    announce(tx, now, &payment)?;
    Ok(payment)
}
