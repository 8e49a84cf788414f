//! What counts as an attempt to pay.

use std::time::Duration;

use chassis::Service;
use db::{Db, Tx};
use events::{Order, OrderStatus};
use idempotency::IdempotentRequest;
use values::{OrderId, TicketId, UserId};

use crate::{
    Payments,
    domain::{CardAttempts, CardLimits, CountedNetwork, PayableOrder, Payment, TooManyCards},
    test_support::{NOW, card, usd},
    use_cases::{PayOrder, PayOrderError, pay_order, update_order},
};

const LIMITS: CardLimits = CardLimits {
    per_network: 1,
    ..CardLimits::UNLIMITED
};

fn order() -> Order {
    Order {
        id: OrderId::new(NOW),
        version: 1,
        status: OrderStatus::Created,
        cancel_reason: None,
        buyer_id: UserId::new(NOW),
        seller_id: UserId::new(NOW),
        ticket_id: TicketId::new(NOW),
        quantity: 1,
        total: usd(2000),
        expires_at: NOW + Duration::from_mins(15),
        payment_id: None,
        after_sale: None,
        record: None,
    }
}

/// Places an order, and pays it from a network that may have one declined card.
fn pay(tx: &Tx, attempts: &CardAttempts) -> Result<Payment, PayOrderError> {
    let order = order();
    update_order(tx, NOW, &PayableOrder::from(&order))?;
    let command = PayOrder {
        buyer_id: order.buyer_id,
        order_id: order.id,
        method: card(),
        client: std::net::Ipv4Addr::LOCALHOST.into(),
        networks: vec![CountedNetwork {
            name: "home".into(),
            limit: LIMITS.per_network,
        }],
        is_stripe_silent: false,
    };
    let request = IdempotentRequest::new("payOrder", order.buyer_id, None, &());
    pay_order(tx, NOW, command, &request, attempts)
}

#[tokio::test]
async fn a_payment_that_is_not_stored_is_no_attempt_of_its_network() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
    let attempts = CardAttempts::new(LIMITS);
    let write = async |ending: &'static str| {
        let attempts = attempts.clone();
        let command = move |tx: &Tx| {
            let payment = pay(tx, &attempts)?;
            tx.execute_batch(ending).map_err(db::Error::from)?;
            Ok::<_, PayOrderError>(payment)
        };
        db.write(command).await
    };
    // The command fails; its transaction is lost.
    for ending in ["INSERT INTO missing VALUES (1)", "ROLLBACK"] {
        let failed = write(ending).await;
        assert!(matches!(failed, Err(PayOrderError::Db(_))), "{ending}: {failed:?}");
    }
    write("").await.unwrap();
    let limited = write("").await;
    let is_limited = matches!(limited, Err(PayOrderError::TooManyCards(TooManyCards { .. })));
    assert!(is_limited, "{limited:?}");
}
