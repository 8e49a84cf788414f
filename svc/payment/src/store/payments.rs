//! Payments.

use db::Tx;
use idempotency::Request;
use rusqlite::{
    Connection, OptionalExtension, Row, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use values::{OrderId, PaymentId, Timestamp, UserId};

use super::columns::{money, words};
use crate::domain::{Failure, FailureKind, Means, NextStep, Payment, Status, Token};

words!(StatusWord of Status {
    "started" = Status::Started => Status::Started,
    "requires-payment-method" = Status::RequiresPaymentMethod => Status::RequiresPaymentMethod,
    "requires-action" = Status::RequiresAction => Status::RequiresAction,
    "authorized" = Status::Authorized => Status::Authorized,
    "capturing" = Status::Capturing => Status::Capturing,
    "captured" = Status::Captured => Status::Captured,
    "voiding" = Status::Voiding => Status::Voiding,
    "voided" = Status::Voided => Status::Voided,
    "failed" = Status::Failed => Status::Failed,
});

words!(KindWord of FailureKind {
    "declined" = FailureKind::Declined => FailureKind::Declined,
    "bad-token" = FailureKind::BadToken => FailureKind::BadToken,
    "refused" = FailureKind::Refused => FailureKind::Refused,
    "lapsed" = FailureKind::Lapsed => FailureKind::Lapsed,
    "lost" = FailureKind::Lost => FailureKind::Lost,
});

struct TokenText(Token);

impl FromSql for TokenText {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value
            .as_str()?
            .parse()
            .map(Self)
            .map_err(|malformed| FromSqlError::Other(Box::new(malformed)))
    }
}

pub(super) fn read_payment(row: &Row<'_>) -> rusqlite::Result<Payment> {
    let kind = row.get::<_, Option<KindWord>>("failure_kind")?;
    let failure = |kind: KindWord| -> rusqlite::Result<Failure> {
        Ok(Failure {
            kind: kind.0,
            code: row.get("failure_code")?,
            message: row.get("failure_message")?,
        })
    };
    Ok(Payment {
        id: row.get("id")?,
        order_id: row.get("order_id")?,
        buyer_id: row.get("buyer_id")?,
        amount: money(row)?,
        with: match row.get::<_, Option<TokenText>>("token")? {
            Some(TokenText(token)) => Means::Card {
                token,
                return_url: row.get("return_url")?,
            },
            None => Means::Browser,
        },
        status: row.get::<_, StatusWord>("status")?.0,
        intent_id: row.get("intent_id")?,
        next: match row.get("client_secret")? {
            Some(client_secret) => Some(NextStep {
                client_secret,
                url: row.get("next_action_url")?,
            }),
            None => None,
        },
        failure: kind.map(failure).transpose()?,
        trouble: row.get("trouble")?,
        version: row.get::<_, i64>("version")?.unsigned_abs(),
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        tries: row.get("tries")?,
        next_try_at: row.get("next_try_at")?,
        told_at: row.get("told_at")?,
    })
}

/// Keeps a new payment, and which request started it, if one did. Violates a unique index where the order has one that
/// lives.
pub(crate) fn insert(tx: &Tx, payment: &Payment, request: Option<&Request>) -> Result<(), db::Error> {
    let (token, return_url) = match &payment.with {
        Means::Card { token, return_url } => (Some(token.as_str()), return_url.as_deref()),
        Means::Browser => (None, None),
    };
    let request = request.and_then(|request| Some((request.key()?, request.fingerprint())));
    tx.prepare_cached(
        "INSERT INTO payment (id, order_id, buyer_id, currency, amount, token, return_url, status, intent_id, version,
             created_at, updated_at, tries, next_try_at, told_at, idempotency_key, fingerprint)
         VALUES (:id, :order_id, :buyer_id, :currency, :amount, :token, :return_url, :status, :intent_id, :version,
             :created_at, :updated_at, :tries, :next_try_at, :told_at, :idempotency_key, :fingerprint)",
    )?
    .execute(named_params! {
        ":id": payment.id,
        ":order_id": payment.order_id,
        ":buyer_id": payment.buyer_id,
        ":currency": payment.amount.currency,
        ":amount": payment.amount.amount,
        ":token": token,
        ":return_url": return_url,
        ":status": StatusWord(payment.status),
        ":intent_id": payment.intent_id,
        ":version": payment.version.cast_signed(),
        ":created_at": payment.created_at,
        ":updated_at": payment.updated_at,
        ":tries": payment.tries,
        ":next_try_at": payment.next_try_at,
        ":told_at": payment.told_at,
        ":idempotency_key": request.map(|(key, _)| key.as_str()),
        ":fingerprint": request.map(|(_, fingerprint)| fingerprint),
    })?;
    Ok(())
}

/// Keeps what has changed of a payment.
pub(crate) fn update(tx: &Tx, payment: &Payment) -> Result<(), db::Error> {
    let (failure, next) = (payment.failure.as_ref(), payment.next.as_ref());
    tx.prepare_cached(
        "UPDATE payment
         SET status = :status, intent_id = :intent_id, client_secret = :client_secret,
             next_action_url = :next_action_url, failure_kind = :failure_kind, failure_code = :failure_code,
             failure_message = :failure_message, trouble = :trouble, version = :version, updated_at = :updated_at,
             tries = :tries, next_try_at = :next_try_at, told_at = :told_at
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": payment.id,
        ":status": StatusWord(payment.status),
        ":intent_id": payment.intent_id,
        ":client_secret": next.map(|next| &next.client_secret),
        ":next_action_url": next.and_then(|next| next.url.as_ref()),
        ":failure_kind": failure.map(|failure| KindWord(failure.kind)),
        ":failure_code": failure.map(|failure| &failure.code),
        ":failure_message": failure.map(|failure| &failure.message),
        ":trouble": payment.trouble,
        ":version": payment.version.cast_signed(),
        ":updated_at": payment.updated_at,
        ":tries": payment.tries,
        ":next_try_at": payment.next_try_at,
        ":told_at": payment.told_at,
    })?;
    Ok(())
}

/// A payment.
pub(crate) fn payment(conn: &Connection, id: PaymentId) -> Result<Option<Payment>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT * FROM payment WHERE id = ?1")?
        .query_row([id], read_payment)
        .optional()?)
}

/// The payment of an order that lives: it is under way, or the order is paid with it.
pub(crate) fn live(conn: &Connection, order: OrderId) -> Result<Option<Payment>, db::Error> {
    Ok(conn
        .prepare_cached(
            "SELECT * FROM payment WHERE order_id = ?1 AND status IN
                 ('started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'captured')",
        )?
        .query_row([order], read_payment)
        .optional()?)
}

/// The payments of an order that the order can still move.
pub(crate) fn waiting_for_order(conn: &Connection, order: OrderId) -> Result<Vec<Payment>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT * FROM payment WHERE order_id = ?1 AND status IN
             ('requires-payment-method', 'requires-action', 'authorized', 'capturing')",
    )?;
    let payments = found.query_map([order], read_payment)?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// The payment that this buyer's request with this key has started, and the fingerprint of that request's body.
pub(crate) fn started_by(
    conn: &Connection,
    buyer: UserId,
    key: &idempotency::Key,
) -> Result<Option<(PaymentId, Vec<u8>)>, db::Error> {
    let started = conn
        .prepare_cached("SELECT id, fingerprint FROM payment WHERE buyer_id = ?1 AND idempotency_key = ?2")?
        .query_row((buyer, key.as_str()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(started)
}

/// A buyer's payments before `before`, the newest first.
pub(crate) fn of_buyer(
    conn: &Connection,
    buyer: UserId,
    order: Option<OrderId>,
    before: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT * FROM payment
         WHERE buyer_id = ?1 AND (?2 IS NULL OR order_id = ?2) AND (?3 IS NULL OR id < ?3)
         ORDER BY id DESC LIMIT ?4",
    )?;
    let payments = found.query_map((buyer, order, before, limit), read_payment)?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// The payments about which Stripe is to be asked now, those first that wait longest.
pub(crate) fn unsettled(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT id FROM payment
         WHERE trouble IS NULL
           AND (status IN ('started', 'requires-payment-method', 'requires-action', 'capturing', 'voiding')
                OR told_at IS NOT NULL)
           AND next_try_at <= ?1
         ORDER BY next_try_at LIMIT ?2",
    )?;
    let payments = found.query_map((now, limit), |row| row.get(0))?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// How many payments there are in each state that there ever was one in.
pub(crate) fn tally(conn: &Connection) -> Result<Vec<(String, i64)>, db::Error> {
    let mut counted = conn.prepare_cached("SELECT status, payments FROM tally")?;
    let counted = counted.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counted.collect::<Result<_, _>>()?)
}

/// How many payments wait for a person.
pub(crate) fn in_trouble(conn: &Connection) -> Result<i64, db::Error> {
    let mut count = conn.prepare_cached("SELECT count(*) FROM payment WHERE trouble IS NOT NULL")?;
    Ok(count.query_row([], |row| row.get(0))?)
}

/// Since when the payment waits for Stripe that has waited longest.
pub(crate) fn longest_unsettled(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut first = conn.prepare_cached(
        "SELECT min(updated_at) FROM payment
         WHERE status IN ('started', 'capturing', 'voiding') AND trouble IS NULL",
    )?;
    Ok(first.query_row([], |row| row.get(0))?)
}

/// The payments after `after`, in the order of their ids.
pub(crate) fn page(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Payment>, db::Error> {
    let mut found = conn.prepare_cached("SELECT * FROM payment WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let payments = found.query_map((after, limit), read_payment)?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// The payment of an intent: by the intent's id, or by what its metadata says where that is not known yet.
pub(crate) fn of_intent(
    conn: &Connection,
    intent: &str,
    payment: Option<PaymentId>,
) -> Result<Option<Payment>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT * FROM payment WHERE intent_id = ?1 OR (id = ?2 AND intent_id IS NULL)")?
        .query_row((intent, payment), read_payment)
        .optional()?)
}

/// When the newest payment was begun.
pub(crate) fn newest(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut newest = conn.prepare_cached("SELECT max(created_at) FROM payment")?;
    Ok(newest.query_row([], |row| row.get(0))?)
}

/// Payments that were begun since a moment, after `after`, in the order of their ids.
pub(crate) fn began_since(
    conn: &Connection,
    since: Timestamp,
    after: &str,
    limit: u32,
) -> Result<Vec<Payment>, db::Error> {
    let mut found =
        conn.prepare_cached("SELECT * FROM payment WHERE created_at >= ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
    let payments = found.query_map((since, after, limit), read_payment)?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// Captured payments that have no books yet, after `after`, in the order of their ids.
pub(crate) fn without_books(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Payment>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT * FROM payment
         WHERE id > ?1 AND status = 'captured' AND amount > 0
           AND NOT EXISTS (SELECT 1 FROM taking t WHERE t.payment_id = payment.id)
         ORDER BY id LIMIT ?2",
    )?;
    let payments = found.query_map((after, limit), read_payment)?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// A payment comes to stand differently towards the others, though not by itself.
pub(crate) fn count_version(tx: &Tx, payment: PaymentId, now: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE payment SET version = version + 1, updated_at = max(updated_at, ?2) WHERE id = ?1")?
        .execute((payment, now))?;
    Ok(())
}
