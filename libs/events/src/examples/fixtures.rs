use std::time::Duration;

use values::{
    AdmissionId, Currency, Language, MailId, Money, OrderId, PaymentId, RefundId, SessionId, TicketId, Timestamp,
    TransferId, UserId,
};

use crate::{
    Account, AccountMail, AccountMailKind, AccountStatus, Admission, AdmissionRecord, AdmissionState, AskedBy, Closure,
    Event, Order, OrderStatus, Payment, PaymentStatus, Refund, RefundStatus, RefundTerms, Reversal, Session,
    SigningKey, Ticket, Transfer, TransferRecord, TransferStatus,
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
        sales_begin: None,
        sales_end: None,
        requires_second_factor: false,
        venue: None,
        time_zone: None,
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

/// Returns a new account, whose address is not confirmed.
pub fn account(now: Timestamp) -> Account {
    Account {
        id: UserId::new(now),
        version: 1,
        status: AccountStatus::Active,
        email: Some("ada@example.com".to_owned()),
        name: Some("Ada Lovelace".to_owned()),
        language: Language::English,
        email_confirmed_at: None,
        updated_at: now,
    }
}

/// Returns a mail that asks the user of `account` to confirm the address.
pub fn account_mail(now: Timestamp, account: &Account) -> AccountMail {
    AccountMail {
        id: MailId::new(now),
        version: 1,
        account_id: account.id,
        address: account.email.clone().unwrap_or_default(),
        language: account.language,
        kind: AccountMailKind::ConfirmEmail,
        sealed_token: Some("AbCdEf0123456789".to_owned()),
        expires_at: Some(now + Duration::from_hours(24)),
        requested_at: now,
    }
}

/// Returns the decision that nothing prevents the deletion of an account.
pub fn closure(now: Timestamp, account: &Account) -> Closure {
    Closure {
        account_id: account.id,
        version: account.version,
        obstacles: Vec::new(),
        decided_at: now,
    }
}

/// Returns the admission of the first ticket of an order.
pub fn admission(now: Timestamp, order: &Order) -> Admission {
    Admission {
        id: AdmissionId::new(now),
        version: 1,
        order_id: order.id,
        ticket_id: order.ticket_id,
        seller_id: order.seller_id,
        number: 1,
        of: order.quantity,
        holder_id: order.buyer_id,
        state: AdmissionState::Valid,
        used_at: None,
        sealed_code: "AbCdEf0123456789".to_owned(),
        issued_at: now,
        updated_at: now,
        record: Some(AdmissionRecord {
            code_hash: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU".to_owned(),
            void_reason: None,
            used_at: None,
            door: None,
        }),
    }
}

/// Returns the offer of an admission to somebody else.
pub fn transfer(now: Timestamp, admission: &Admission) -> Transfer {
    Transfer {
        id: TransferId::new(now),
        version: 1,
        status: TransferStatus::Offered,
        admission_id: admission.id,
        ticket_id: admission.ticket_id,
        from_id: admission.holder_id,
        to_id: None,
        address: Some("grace@example.com".to_owned()),
        language: Language::English,
        sealed_token: Some("AbCdEf0123456789".to_owned()),
        expires_at: now + Duration::from_hours(24 * 7),
        updated_at: now,
        record: Some(TransferRecord {
            token_hash: "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo".to_owned(),
            offered_at: now,
        }),
    }
}
