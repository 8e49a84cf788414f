use std::str::FromStr;

use values::{Money, RefundId, Timestamp};

use super::{order_event, payment_event};
use crate::{
    Account, AccountMail, AccountStatus, Admission, AdmissionRecord, AdmissionState, AfterSale, CancelReason, Closure,
    ClosureObstacle, Dispute, DisputeStatus, Event, Expiration, Order, OrderRecord, OrderStatus, Payment,
    PaymentStatus, Refund, RefundOutcome, RefundStatus, RefundTerms, Reversal, Session, Ticket, TicketRecord, Timer,
    Transfer, TransferStatus, VoidReason,
};

/// Returns one event of each type, in the order of their causes, with ids and times that never change.
pub fn events() -> Vec<Event> {
    let placed_at: Timestamp = parse("2027-06-01T19:30:00Z");
    let ticket = Ticket {
        id: id(1),
        seller_id: id(2),
        starts_at: Some(parse("2027-07-01T20:00:00Z")),
        record: Some(ticket_record(parse("2027-05-01T09:00:00Z"))),
        ..super::ticket(placed_at)
    };
    let order = Order {
        id: id(3),
        buyer_id: id(4),
        seller_id: ticket.seller_id,
        ticket_id: ticket.id,
        quantity: 2,
        total: super::usd(3998),
        record: Some(OrderRecord::new(ticket.title.clone(), ticket.price, placed_at)),
        ..super::order(placed_at)
    };
    let payment = Payment {
        id: id(5),
        ..super::payment(placed_at, &order)
    };
    let mut events = vec![
        Event::TicketCreated(ticket.clone()),
        Event::TicketUpdated(Ticket {
            version: 2,
            withdrawn_at: Some(parse("2027-06-02T08:00:00Z")),
            max_per_buyer: Some(4),
            sales_begin: Some(parse("2027-06-03T08:00:00Z")),
            sales_end: Some(parse("2027-07-01T18:00:00Z")),
            requires_second_factor: true,
            venue: Some("Laeiszhalle".to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
            refund_terms: RefundTerms {
                refundable_until: Some(parse("2027-06-15T00:00:00Z")),
                resell_refunded: false,
            },
            ..ticket
        }),
    ];
    events.extend(until_paid(&order, &payment, parse("2027-06-01T19:50:00Z")));
    let paid = Order {
        version: 3,
        status: OrderStatus::Complete,
        payment_id: Some(payment.id),
        ..order
    };
    let paid_order = paid.clone();
    let captured = Payment {
        version: 5,
        status: PaymentStatus::Captured,
        ..payment
    };
    events.extend(after_sale(&paid, &captured, id(6)));
    events.extend(ended_access(placed_at));
    events.extend(account(placed_at));
    events.extend(admission(placed_at, &paid_order));
    events
}

/// Returns the events that end the validity of access tokens.
fn ended_access(at: Timestamp) -> [Event; 2] {
    let session = Session {
        id: id(7),
        user_id: id(4),
        ..super::session(at)
    };
    [
        Event::SessionEnded(session),
        Event::SigningKeyRevoked(super::signing_key(at)),
    ]
}

/// Returns the events of an account until its deletion.
fn account(at: Timestamp) -> Vec<Event> {
    let new = Account {
        id: id(4),
        ..super::account(at)
    };
    let mail = AccountMail {
        id: id(8),
        ..super::account_mail(at, &new)
    };
    let confirmed = Account {
        version: 2,
        email_confirmed_at: Some(at),
        ..new.clone()
    };
    let in_status = |version, status| Account {
        version,
        status,
        ..confirmed.clone()
    };
    let closing = in_status(3, AccountStatus::Closing);
    let decided = super::closure(at, &closing);
    let prevented = Closure {
        obstacles: vec![ClosureObstacle::OpenOrders, ClosureObstacle::Balance],
        ..decided.clone()
    };
    vec![
        Event::AccountCreated(new),
        Event::AccountMailRequested(mail),
        Event::AccountUpdated(confirmed.clone()),
        Event::AccountClosing(closing),
        Event::TicketClosureDecided(decided.clone()),
        Event::OrderClosureDecided(prevented),
        Event::PaymentClosureDecided(decided),
        Event::AccountReopened(in_status(4, AccountStatus::Active)),
        Event::AccountDeleted(Account {
            email: None,
            name: None,
            email_confirmed_at: None,
            ..in_status(6, AccountStatus::Deleted)
        }),
    ]
}

/// Returns the events of an admission and its transfer.
fn admission(at: Timestamp, order: &Order) -> Vec<Event> {
    let issued = Admission {
        id: id(9),
        ..super::admission(at, order)
    };
    let offered = Transfer {
        id: id(10),
        ..super::transfer(at, &issued)
    };
    let transferred = Admission {
        version: 2,
        holder_id: id(11),
        sealed_code: "9876543210fEdCbA".to_owned(),
        ..issued.clone()
    };
    let in_state = |version, state| Admission {
        version,
        state,
        ..transferred.clone()
    };
    vec![
        Event::AdmissionIssued(issued),
        Event::TransferOffered(offered.clone()),
        Event::TransferEnded(Transfer {
            version: 2,
            status: TransferStatus::Accepted,
            to_id: Some(transferred.holder_id),
            address: None,
            sealed_token: None,
            ..offered
        }),
        Event::AdmissionTransferred(transferred.clone()),
        Event::AdmissionUsed(Admission {
            used_at: Some(at),
            record: transferred.record.clone().map(|record| AdmissionRecord {
                used_at: Some(at),
                door: Some("North gate".to_owned()),
                ..record
            }),
            ..in_state(3, AdmissionState::Used)
        }),
        Event::AdmissionRestored(in_state(4, AdmissionState::Valid)),
        Event::AdmissionVoided(Admission {
            record: transferred.record.clone().map(|record| AdmissionRecord {
                void_reason: Some(VoidReason::Refund),
                ..record
            }),
            ..in_state(5, AdmissionState::Void)
        }),
    ]
}

/// Returns the events of an order and its payment until the sale.
fn until_paid(order: &Order, payment: &Payment, extended_deadline: Timestamp) -> Vec<Event> {
    let deadline = order.expires_at;
    let in_status = |version, status| Order {
        version,
        status,
        ..order.clone()
    };
    let paid_with = Some(payment.id);
    let payment_in_status = |version, status| {
        payment_event(Payment {
            version,
            status,
            ..payment.clone()
        })
    };
    vec![
        order_event(order.clone()),
        Event::OrderExtended(Order {
            version: 2,
            expires_at: extended_deadline,
            record: order.record.clone().map(|record| OrderRecord {
                extended_at: Some(deadline),
                ..record
            }),
            ..order.clone()
        }),
        order_event(Order {
            payment_id: paid_with,
            ..in_status(2, OrderStatus::AwaitingPayment)
        }),
        order_event(Order {
            payment_id: paid_with,
            ..in_status(3, OrderStatus::Complete)
        }),
        order_event(Order {
            cancel_reason: Some(CancelReason::Expired),
            ..in_status(2, OrderStatus::Cancelled)
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
        payment_in_status(1, PaymentStatus::Pending),
        payment_in_status(2, PaymentStatus::Authorized),
        payment_in_status(4, PaymentStatus::Captured),
        payment_in_status(2, PaymentStatus::Failed),
    ]
}

/// Returns the events of a refund of one of two tickets, and of a dispute of the other's price.
fn after_sale(order: &Order, payment: &Payment, refund: RefundId) -> Vec<Event> {
    const FAILURE: &str = "The buyer's bank does not take it.";
    let price = Money {
        amount: order.total.amount / 2,
        ..order.total
    };
    let requested = Refund {
        id: refund,
        quantity: 1,
        amount: price,
        reason: Some("My friend is ill.".to_owned()),
        ..super::refund(order.expires_at, order, payment.id)
    };
    let in_status = |version, status| Refund {
        version,
        status,
        ..requested.clone()
    };
    let outcome = |failure: Option<&str>| RefundOutcome {
        id: refund,
        amount: price,
        failure: failure.map(str::to_owned),
    };
    let reversal = Reversal {
        payment: payment.clone(),
        ..super::reversal(payment)
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
    vec![
        Event::RefundRequested(requested.clone()),
        Event::RefundApproved(in_status(2, RefundStatus::Approved)),
        Event::RefundDeclined(in_status(2, RefundStatus::Declined)),
        Event::RefundPaid(Refund {
            returned: true,
            payment_version: Some(5),
            ..in_status(3, RefundStatus::Paid)
        }),
        Event::RefundFailed(Refund {
            failure: Some(FAILURE.to_owned()),
            payment_version: Some(5),
            ..in_status(3, RefundStatus::Failed)
        }),
        Event::OrderRefunded(Order {
            version: 4,
            after_sale: Some(after.clone()),
            ..order.clone()
        }),
        Event::OrderDisputed(Order {
            version: 5,
            after_sale: Some(AfterSale {
                dispute: Some(dispute),
                ..after
            }),
            ..order.clone()
        }),
        Event::PaymentRefunded(Reversal {
            refunded_total: price,
            refund: Some(outcome(None)),
            ..reversal.clone()
        }),
        Event::PaymentRefundFailed(Reversal {
            refund: Some(outcome(Some(FAILURE))),
            ..reversal.clone()
        }),
        Event::PaymentDisputed(Reversal {
            payment: Payment {
                version: 6,
                ..payment.clone()
            },
            refunded_total: price,
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

#[expect(clippy::unwrap_used, reason = "constants, parsed by the tests of this crate")]
fn parse<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn id<T: FromStr<Err: std::fmt::Debug>>(number: u8) -> T {
    parse(&format!("01936f5e-8c1a-7c3e-9d2b-0000000000{number:02}"))
}
