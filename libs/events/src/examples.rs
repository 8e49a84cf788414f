use std::str::FromStr;

use values::{Money, RefundId, Timestamp};

use crate::{
    AfterSale, AskedBy, CancelReason, Dispute, DisputeStatus, Event, Expiration, Order, OrderRecord, OrderStatus,
    Payment, PaymentStatus, Refund, RefundAnswer, RefundStatus, RefundTerms, Reversal, Ticket, TicketRecord, Timer,
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
        refund_terms: RefundTerms::default(),
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
        after_sale: None,
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
    let mut events = vec![
        Event::TicketCreated(ticket.clone()),
        Event::TicketUpdated(Ticket {
            version: 2,
            withdrawn_at: Some(parse("2027-06-02T08:00:00Z")),
            refund_terms: RefundTerms {
                refundable_until: Some(parse("2027-06-15T00:00:00Z")),
                resell_refunded: false,
            },
            ..ticket
        }),
    ];
    events.extend(sale(&order, &payment, parse("2027-06-01T19:50:00Z")));
    let sold = Order {
        version: 3,
        status: OrderStatus::Complete,
        payment_id: Some(payment.id),
        ..order
    };
    let captured = Payment {
        version: 5,
        status: PaymentStatus::Captured,
        ..payment
    };
    events.extend(after_the_sale(&sold, &captured, id(6)));
    events
}

/// All that can happen to an order until it ends.
fn sale(order: &Order, payment: &Payment, later: Timestamp) -> Vec<Event> {
    let deadline = order.expires_at;
    vec![
        Event::OrderCreated(order.clone()),
        Event::OrderExtended(Order {
            version: 2,
            expires_at: later,
            record: order.record.clone().map(|record| OrderRecord {
                extended_at: Some(deadline),
                ..record
            }),
            ..order.clone()
        }),
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
        Event::PaymentPending(Payment {
            version: 1,
            status: PaymentStatus::Pending,
            ..payment.clone()
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
    ]
}

/// One of two tickets goes back; then the buyer disputes what was paid for the other.
fn after_the_sale(sold: &Order, payment: &Payment, refund: RefundId) -> Vec<Event> {
    let price = Money {
        amount: sold.total.amount / 2,
        ..sold.total
    };
    let asked = Refund {
        id: refund,
        version: 1,
        status: RefundStatus::Requested,
        order_id: sold.id,
        payment_id: payment.id,
        buyer_id: sold.buyer_id,
        seller_id: sold.seller_id,
        ticket_id: sold.ticket_id,
        quantity: 1,
        amount: price,
        asked_by: AskedBy::Buyer,
        reason: Some("My friend is ill.".to_owned()),
        failure: None,
        returned: false,
        payment_version: None,
        created_at: sold.expires_at,
        updated_at: sold.expires_at,
    };
    let at = |version, status| Refund {
        version,
        status,
        ..asked.clone()
    };
    let answer = |failure: Option<&str>| RefundAnswer {
        id: refund,
        amount: price,
        failure: failure.map(str::to_owned),
    };
    let reversal = Reversal {
        payment: payment.clone(),
        refunded_total: price,
        refund: Some(answer(None)),
        dispute: None,
    };
    let dispute = Dispute {
        status: DisputeStatus::Open,
        amount: price,
    };
    let after = AfterSale {
        refunded_quantity: 1,
        returned_quantity: 1,
        refunded_amount: price,
        dispute: None,
    };
    let failure = "The buyer's bank does not take it.";
    vec![
        Event::RefundRequested(asked.clone()),
        Event::RefundApproved(at(2, RefundStatus::Approved)),
        Event::RefundDeclined(at(2, RefundStatus::Declined)),
        Event::RefundPaid(Refund {
            returned: true,
            payment_version: Some(5),
            ..at(3, RefundStatus::Paid)
        }),
        Event::RefundFailed(Refund {
            failure: Some(failure.to_owned()),
            payment_version: Some(5),
            ..at(3, RefundStatus::Failed)
        }),
        Event::OrderRefunded(Order {
            version: 4,
            after_sale: Some(after.clone()),
            ..sold.clone()
        }),
        Event::OrderDisputed(Order {
            version: 5,
            after_sale: Some(AfterSale {
                dispute: Some(dispute),
                ..after
            }),
            ..sold.clone()
        }),
        Event::PaymentRefunded(reversal.clone()),
        Event::PaymentRefundFailed(Reversal {
            refunded_total: Money { amount: 0, ..price },
            refund: Some(answer(Some(failure))),
            ..reversal.clone()
        }),
        Event::PaymentDisputed(Reversal {
            payment: Payment {
                version: 6,
                ..payment.clone()
            },
            refund: None,
            dispute: Some(dispute),
            ..reversal
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
        extended_at: None,
        refundable_until: None,
        payment_version: None,
    }
}
