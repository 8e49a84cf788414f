//! Fixtures of the unit tests.

use events::{AskedBy, Order, RefundStatus};
use values::{Money, RefundId, Timestamp};

use crate::domain::{Intent, IntentStatus, Payment, PaymentMethod};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn usd(amount: i64) -> Money {
    Money {
        amount,
        currency: "usd".parse().unwrap(),
    }
}

pub(crate) fn intent(payment: &Payment, status: IntentStatus) -> Intent {
    Intent {
        id: format!("pi_{}", payment.id()),
        status,
        amount: payment.amount().amount,
        amount_received: if status == IntentStatus::Succeeded {
            payment.amount().amount
        } else {
            0
        },
        currency: "usd".to_owned(),
        payment_id: Some(payment.id().to_string()),
        order_id: Some(payment.order_id().to_string()),
        buyer_id: Some(payment.buyer_id().to_string()),
        created_at: payment.state().created_at,
        amount_refunded: None,
        client_secret: Some(format!("pi_{}_secret_1", payment.id())),
        next_action_url: None,
        failure: None,
        charge_id: None,
        funds: None,
    }
}

pub(crate) fn card() -> PaymentMethod {
    PaymentMethod::Card {
        token: "tok_visa".parse().unwrap(),
        return_url: None,
    }
}

pub(crate) fn approved(order: &Order, amount: i64) -> events::Refund {
    events::Refund {
        id: RefundId::new(NOW),
        version: 1,
        status: RefundStatus::Approved,
        order_id: order.id,
        payment_id: order.payment_id.unwrap(),
        buyer_id: order.buyer_id,
        seller_id: order.seller_id,
        ticket_id: order.ticket_id,
        quantity: 1,
        amount: usd(amount),
        asked_by: AskedBy::Buyer,
        reason: None,
        failure: None,
        returned: false,
        payment_version: None,
        created_at: NOW,
        updated_at: NOW,
    }
}
