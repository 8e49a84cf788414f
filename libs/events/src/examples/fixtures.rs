use std::time::Duration;

use values::{Currency, Money, OrderId, PaymentId, RefundId, SessionId, TicketId, Timestamp, UserId};

use crate::{
    AskedBy, Event, Order, OrderStatus, Payment, PaymentStatus, Refund, RefundStatus, RefundTerms, Reversal, Session,
    SigningKey, Ticket,
};

/// The time within which an example order is to be paid.
pub const ORDER_WINDOW: Duration = Duration::from_mins(15);

/// Returns an amount of US dollars, in cents.
pub const fn usd(amount: i64) -> Money {
    Money {
        amount,
        currency: Currency::USD,
    }
}

/// Returns a new listing of 100 tickets at 19.99 US dollars each.
pub fn ticket(now: Timestamp) -> Ticket {
    Ticket {
        id: TicketId::new(now),
        version: 1,
        seller_id: UserId::new(now),
        title: "The Lighthouse Keepers, live".to_owned(),
        price: usd(1999),
        quantity: 100,
        starts_at: None,
        order_window_seconds: None,
        withdrawn_at: None,
        max_per_buyer: None,
        refund_terms: RefundTerms::default(),
        record: None,
    }
}

/// Returns a new order of one ticket for 19.99 US dollars, to be paid within [`ORDER_WINDOW`].
pub fn order(now: Timestamp) -> Order {
    Order {
        id: OrderId::new(now),
        version: 1,
        status: OrderStatus::Created,
        cancel_reason: None,
        buyer_id: UserId::new(now),
        seller_id: UserId::new(now),
        ticket_id: TicketId::new(now),
        quantity: 1,
        total: usd(1999),
        expires_at: now + ORDER_WINDOW,
        payment_id: None,
        after_sale: None,
        record: None,
    }
}

/// Returns a new payment attempt for the whole of `order`, authorised.
pub fn payment(now: Timestamp, order: &Order) -> Payment {
    Payment {
        id: PaymentId::new(now),
        version: 2,
        status: PaymentStatus::Authorized,
        order_id: order.id,
        buyer_id: order.buyer_id,
        amount: order.total,
    }
}

/// Returns a refund of all tickets of `order`, paid with `payment` and requested by the buyer.
pub fn refund(now: Timestamp, order: &Order, payment: PaymentId) -> Refund {
    Refund {
        id: RefundId::new(now),
        version: 1,
        status: RefundStatus::Requested,
        order_id: order.id,
        payment_id: payment,
        buyer_id: order.buyer_id,
        seller_id: order.seller_id,
        ticket_id: order.ticket_id,
        quantity: order.quantity,
        amount: order.total,
        asked_by: AskedBy::Buyer,
        reason: None,
        failure: None,
        returned: false,
        payment_version: None,
        created_at: now,
        updated_at: now,
    }
}

/// Returns a captured payment, the next version of `payment`, of which nothing was paid back.
pub fn reversal(payment: &Payment) -> Reversal {
    Reversal {
        payment: Payment {
            version: payment.version + 1,
            status: PaymentStatus::Captured,
            ..payment.clone()
        },
        refunded_total: Money {
            amount: 0,
            ..payment.amount
        },
        refund: None,
        dispute: None,
    }
}

/// Returns the event that announces the status of an order before its sale is reversed.
pub fn order_event(order: Order) -> Event {
    match order.status {
        OrderStatus::Created => Event::OrderCreated(order),
        OrderStatus::AwaitingPayment => Event::OrderConfirmed(order),
        OrderStatus::Complete => Event::OrderCompleted(order),
        OrderStatus::Cancelled => Event::OrderCancelled(order),
    }
}

/// Returns the event that announces the status of a payment; for a refunded one, that all of it was paid back.
pub fn payment_event(payment: Payment) -> Event {
    match payment.status {
        PaymentStatus::Pending => Event::PaymentPending(payment),
        PaymentStatus::Authorized => Event::PaymentAuthorized(payment),
        PaymentStatus::Captured => Event::PaymentCreated(payment),
        PaymentStatus::Failed => Event::PaymentFailed(payment),
        PaymentStatus::Refunded => Event::PaymentRefunded(Reversal {
            refunded_total: payment.amount,
            payment,
            refund: None,
            dispute: None,
        }),
    }
}

/// Returns a session that has ended, and whose access tokens would expire 15 minutes later.
pub fn session(now: Timestamp) -> Session {
    Session {
        id: SessionId::new(now),
        version: 1,
        user_id: UserId::new(now),
        ended_at: now,
        tokens_expire_at: now + Duration::from_mins(15),
    }
}

/// Returns a signing key that was revoked: that of RFC 8037, appendix A.
pub fn signing_key(now: Timestamp) -> SigningKey {
    SigningKey {
        kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned(),
        version: 1,
        revoked_at: now,
    }
}
