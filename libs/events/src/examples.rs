use std::str::FromStr;

use ids::{Money, Timestamp};

use crate::{
    CancelReason, Event, Expiration, Order, OrderRecord, OrderStatus, Payment, PaymentStatus, Ticket, TicketRecord,
    Timer,
};

/// One event of each kind, as they follow each other: for the AsyncAPI document and for the tests of the contracts.
#[expect(clippy::unwrap_used, reason = "constants, read by the tests of this crate")]
pub(crate) fn examples() -> Vec<Event> {
    fn parse<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().unwrap()
    }
    fn id<T: FromStr<Err: std::fmt::Debug>>(number: u8) -> T {
        format!("01936f5e-8c1a-7c3e-9d2b-0000000000{number:02}")
            .parse()
            .unwrap()
    }
    let price = Money {
        amount: 1999,
        currency: parse("usd"),
    };
    let deadline: Timestamp = parse("2027-06-01T19:45:00Z");
    let ticket = Ticket {
        id: id(1),
        version: 1,
        seller_id: id(2),
        title: "The Lighthouse Keepers, live".to_owned(),
        price,
        quantity: 100,
        starts_at: Some(parse("2027-07-01T20:00:00Z")),
        order_window_seconds: None,
        withdrawn_at: None,
        record: Some(ticket_record(parse("2027-05-01T09:00:00Z"))),
    };
    let order = Order {
        id: id(3),
        version: 1,
        status: OrderStatus::Created,
        cancel_reason: None,
        buyer_id: id(4),
        seller_id: id(2),
        ticket_id: id(1),
        quantity: 2,
        total: Money { amount: 3998, ..price },
        expires_at: deadline,
        payment_id: None,
        record: Some(order_record(price, parse("2027-06-01T19:30:00Z"))),
    };
    let payment = Payment {
        id: id(5),
        version: 2,
        status: PaymentStatus::Authorized,
        order_id: id(3),
        buyer_id: id(4),
        amount: order.total,
    };
    vec![
        Event::TicketCreated(ticket.clone()),
        Event::TicketUpdated(Ticket {
            version: 2,
            withdrawn_at: Some(parse("2027-06-02T08:00:00Z")),
            ..ticket
        }),
        Event::OrderCreated(order.clone()),
        Event::OrderConfirmed(Order {
            version: 2,
            status: OrderStatus::AwaitingPayment,
            payment_id: Some(payment.id),
            ..order.clone()
        }),
        Event::OrderCompleted(Order {
            version: 3,
            status: OrderStatus::Complete,
            payment_id: Some(payment.id),
            ..order.clone()
        }),
        Event::OrderCancelled(Order {
            version: 2,
            status: OrderStatus::Cancelled,
            cancel_reason: Some(CancelReason::Expired),
            ..order.clone()
        }),
        Event::ExpirationCompleted(Expiration {
            order_id: order.id,
            version: 1,
            deadline,
        }),
        Event::ExpirationTimer(Timer {
            order_id: order.id,
            deadline,
        }),
        Event::PaymentAuthorized(payment.clone()),
        Event::PaymentCreated(Payment {
            version: 4,
            status: PaymentStatus::Captured,
            ..payment.clone()
        }),
        Event::PaymentFailed(Payment {
            version: 2,
            status: PaymentStatus::Failed,
            ..payment.clone()
        }),
        Event::PaymentRefunded(Payment {
            version: 5,
            status: PaymentStatus::Refunded,
            ..payment
        }),
    ]
}

fn ticket_record(created_at: Timestamp) -> TicketRecord {
    TicketRecord {
        description: Some("One night only.".to_owned()),
        venue: Some("Laeiszhalle".to_owned()),
        created_at,
        updated_at: created_at,
    }
}

fn order_record(price: Money, created_at: Timestamp) -> OrderRecord {
    OrderRecord {
        title: "The Lighthouse Keepers, live".to_owned(),
        price,
        created_at,
        updated_at: created_at,
    }
}
