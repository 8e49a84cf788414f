//! Starts a payment attempt for an order.

use std::{net::IpAddr, sync::Arc};

use chassis::ClientAddress;
use db::{Constraint, Tx};
use idempotency::IdempotentRequest;
use values::{Money, OrderId, Timestamp, UserId};

use super::check_cards::check_cards;
use crate::{
    domain::{CardAttempts, CountedNetwork, DueWork, NotPayable, Payment, PaymentMethod, TooManyCards},
    events::{append_to_outbox, publish_payment},
    store,
};

/// A request of a buyer to pay an order.
#[derive(Clone, Debug)]
pub(crate) struct PayOrder {
    pub(crate) buyer_id: UserId,
    pub(crate) order_id: OrderId,
    pub(crate) method: PaymentMethod,
    /// The network address of the client.
    pub(crate) client: IpAddr,
    /// The networks of the client.
    pub(crate) networks: Vec<CountedNetwork>,
    /// Whether no call to Stripe is made at the moment.
    pub(crate) is_stripe_silent: bool,
}

/// Why no payment was started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayOrderError {
    #[error("you have no order {0}")]
    NotFound(OrderId),
    /// It is another buyer's: that it exists is not disclosed.
    #[error("you have no order {0}")]
    NotYours(OrderId),
    #[error(transparent)]
    NotPayable(#[from] NotPayable),
    #[error("costs {total}, and what is paid {reason}")]
    NotChargeable {
        total: Money,
        reason: values::NotChargeable,
    },
    #[error(transparent)]
    TooManyCards(#[from] TooManyCards),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Stores a new payment for the order's total, before Stripe is called.
///
/// An order has at most one live payment. A second request in a browser returns the payment that the browser can continue;
/// a second request with a card supersedes a payment that waits for its buyer. A new payment counts as an attempt of the
/// order, of its buyer and of the client's network.
pub(crate) fn pay_order(
    tx: &Tx,
    now: Timestamp,
    command: PayOrder,
    request: &IdempotentRequest,
    attempts: &CardAttempts,
) -> Result<Payment, PayOrderError> {
    let order = store::order(tx, command.order_id)?.ok_or(PayOrderError::NotFound(command.order_id))?;
    if order.buyer_id != command.buyer_id {
        return Err(PayOrderError::NotYours(command.order_id));
    }
    order.ensure_payable(now)?;
    let total = order.total;
    total
        .ensure_chargeable()
        .map_err(|reason| PayOrderError::NotChargeable { total, reason })?;
    let superseded = match (store::live_payment(tx, order.order_id)?, &command.method) {
        (None, _) => None,
        (Some(live), PaymentMethod::Browser) if live.can_continue_in_browser() => return Ok(live),
        (Some(live), PaymentMethod::Card { .. }) if live.waits_for_buyer() => Some(live),
        (Some(_), _) => return Err(NotPayable::BeingPaid.into()),
    };
    let payment = Payment::start(order.order_id, order.buyer_id, order.total, command.method, now);
    if !payment.is_free() {
        check_cards(tx, now, attempts.limits, &payment)??;
        let has_card = !payment.is_in_browser();
        attempts
            .networks
            .start(payment.id(), &command.networks, has_card, now)?;
        let (networks, id) = (Arc::clone(&attempts.networks), payment.id());
        tx.on_undo(move || networks.cancel(id));
    }
    if let Some(mut live) = superseded {
        live.supersede(now);
        store::update_payment(tx, &live)?;
        tx.hand_over(DueWork::movement(live.id()), DueWork::BYTES);
    }
    store::insert_payment(tx, &payment, Some(request)).map_err(|error| match error.constraint() {
        // The index decides which of two concurrent requests is first.
        Some(Constraint::Unique) => NotPayable::BeingPaid.into(),
        _ => PayOrderError::from(error),
    })?;
    publish_payment(tx, now, &payment)?;
    let author = ClientAddress(command.client).author(command.buyer_id);
    audit::append(tx, now, &author.did("payment-start", &payment.id()))?;
    if (command.is_stripe_silent || order.may_end_during_a_call(now))
        && let Some(pending) = payment.pending_event()
    {
        append_to_outbox(tx, now, pending)?;
    }
    Ok(payment)
}
