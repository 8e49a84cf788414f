//! Use cases in any order, with repetition and loss.

mod captured_fee;
mod card_attempts;
mod due_work;
mod payments;
mod refunds;
mod unwanted_captures;

use db::Tx;
use events::Order;
use idempotency::IdempotentRequest;

use super::{PayOrder, PayOrderError, pay_order, update_order};
use crate::{
    domain::{CardAttempts, CountedNetwork, PayableOrder, Payment},
    test_support::{NOW, card},
};

/// Stores an order, and starts its payment with a card, from these networks.
fn start_payment(
    tx: &Tx,
    order: &Order,
    networks: Vec<CountedNetwork>,
    attempts: &CardAttempts,
) -> Result<Payment, PayOrderError> {
    update_order(tx, NOW, &PayableOrder::from(order))?;
    let command = PayOrder {
        buyer_id: order.buyer_id,
        order_id: order.id,
        method: card(),
        client: std::net::Ipv4Addr::LOCALHOST.into(),
        networks,
        is_stripe_silent: false,
    };
    let request = IdempotentRequest::new("payOrder", order.buyer_id, None, &());
    pay_order(tx, NOW, command, &request, attempts)
}
