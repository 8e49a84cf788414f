//! Table `payment`.

use db::{NamedParameters, RowReader, Tx};
use idempotency::IdempotentRequest;
use rusqlite::{
    Connection, OptionalExtension, Params, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ValueRef},
};
use values::{OrderId, PaymentId, Timestamp, UserId};

use super::columns::{money, retry, version};
use crate::domain::{
    BuyerAction, CardToken, Failure, FailureKind, Payment, PaymentMethod, PaymentState, STRIPE_KEY_USE,
};

db::columns! {
    /// A payment as it is read; a new one is inserted with fewer columns.
    PAYMENT: "payment" = [
        id, order_id, buyer_id, amount, currency, token, return_url, status, intent_id, client_secret, next_action_url,
        failure_kind, failure_code, failure_message, trouble, version, created_at, updated_at, tries, next_try_at,
        told_at, declines,
    ];
    /// A new payment, with the request that started it.
    NEW_PAYMENT: "payment" = [
        id, order_id, buyer_id, amount, currency, token, return_url, status, intent_id, version, created_at, updated_at,
        tries, next_try_at, told_at, idempotency_key, fingerprint,
    ];
}

struct StoredToken(CardToken);

impl FromSql for StoredToken {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let token = value.as_str()?.parse().map_err(FromSqlError::other)?;
        Ok(Self(token))
    }
}

fn read_payment(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Payment> {
    Ok(Payment::from_state(PaymentState {
        id: row.next()?,
        order_id: row.next()?,
        buyer_id: row.next()?,
        amount: money(row)?,
        method: payment_method(row)?,
        status: row.next()?,
        intent_id: row.next()?,
        buyer_action: buyer_action(row)?,
        failure: failure(row)?,
        trouble: row.next()?,
        version: version(row)?,
        created_at: row.next()?,
        updated_at: row.next()?,
        retry: retry(row)?,
        notified_at: row.next()?,
        declines: row.next()?,
    }))
}

/// Reads `token, return_url`.
fn payment_method(row: &mut RowReader<'_, '_>) -> rusqlite::Result<PaymentMethod> {
    let (token, return_url) = (row.next::<Option<StoredToken>>()?, row.next()?);
    Ok(
        token.map_or(PaymentMethod::Browser, |StoredToken(token)| PaymentMethod::Card {
            token,
            return_url,
        }),
    )
}

/// Reads `client_secret, next_action_url`.
fn buyer_action(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Option<BuyerAction>> {
    let (client_secret, url) = (row.next::<Option<String>>()?, row.next()?);
    Ok(client_secret.map(|client_secret| BuyerAction { client_secret, url }))
}

/// Reads `failure_kind, failure_code, failure_message`, which a CHECK keeps NULL together.
fn failure(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Option<Failure>> {
    let kind = row.next::<Option<FailureKind>>()?;
    let (code, message) = (row.next::<Option<String>>()?, row.next::<Option<String>>()?);
    Ok(kind.map(|kind| Failure {
        kind,
        code: code.unwrap_or_default(),
        message: message.unwrap_or_default(),
    }))
}

/// Returns the payment that meets a condition.
fn find_payment(conn: &Connection, condition: &str, params: impl Params) -> Result<Option<Payment>, db::Error> {
    let sql = format!("SELECT {} FROM payment WHERE {condition}", PAYMENT.select);
    Ok(conn
        .prepare_cached(&sql)?
        .query_row(params, db::read_row(read_payment))
        .optional()?)
}

/// Returns the payments that meet a condition, which may end with an order and a limit.
fn find_payments(conn: &Connection, condition: &str, params: impl Params) -> Result<Vec<Payment>, db::Error> {
    let sql = format!("SELECT {} FROM payment WHERE {condition}", PAYMENT.select);
    let mut found = conn.prepare_cached(&sql)?;
    let payments = found.query_map(params, db::read_row(read_payment))?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// Inserts a payment, with the request that started it, if any. Violates a unique index if the order has a live payment.
pub(crate) fn insert_payment(tx: &Tx, payment: &Payment, request: Option<&IdempotentRequest>) -> Result<(), db::Error> {
    let state = payment.state();
    let (token, return_url) = match &state.method {
        PaymentMethod::Card { token, return_url } => (Some(token.as_str()), return_url.as_deref()),
        PaymentMethod::Browser => (None, None),
    };
    let request = request.and_then(|request| Some((request.key()?, request.fingerprint())));
    tx.prepare_cached(NEW_PAYMENT.insert)?.execute_named(named_params! {
        ":id": state.id,
        ":order_id": state.order_id,
        ":buyer_id": state.buyer_id,
        ":currency": state.amount.currency,
        ":amount": state.amount.amount,
        ":token": token,
        ":return_url": return_url,
        ":status": state.status,
        ":intent_id": state.intent_id,
        ":version": state.version.cast_signed(),
        ":created_at": state.created_at,
        ":updated_at": state.updated_at,
        ":tries": state.retry.failed_attempts(),
        ":next_try_at": state.retry.next_at(),
        ":told_at": state.notified_at,
        ":idempotency_key": request.map(|(key, _)| key.as_str()),
        ":fingerprint": request.map(|(_, fingerprint)| fingerprint),
    })?;
    Ok(())
}

/// Updates every column of a payment that can change.
pub(crate) fn update_payment(tx: &Tx, payment: &Payment) -> Result<(), db::Error> {
    let state = payment.state();
    let (failure, action) = (state.failure.as_ref(), state.buyer_action.as_ref());
    tx.prepare_cached(
        "UPDATE payment
         SET status = :status, intent_id = :intent_id, client_secret = :client_secret,
             next_action_url = :next_action_url, failure_kind = :failure_kind, failure_code = :failure_code,
             failure_message = :failure_message, trouble = :trouble, version = :version, updated_at = :updated_at,
             tries = :tries, next_try_at = :next_try_at, told_at = :told_at, declines = :declines
         WHERE id = :id",
    )?
    .execute_named(named_params! {
        ":id": state.id,
        ":status": state.status,
        ":intent_id": state.intent_id,
        ":client_secret": action.map(|action| &action.client_secret),
        ":next_action_url": action.and_then(|action| action.url.as_ref()),
        ":failure_kind": failure.map(|failure| failure.kind),
        ":failure_code": failure.map(|failure| &failure.code),
        ":failure_message": failure.map(|failure| &failure.message),
        ":trouble": state.trouble,
        ":version": state.version.cast_signed(),
        ":updated_at": state.updated_at,
        ":tries": state.retry.failed_attempts(),
        ":next_try_at": state.retry.next_at(),
        ":told_at": state.notified_at,
        ":declines": state.declines,
    })?;
    Ok(())
}

/// Counts a version of a payment that a refund or a dispute publishes.
pub(crate) fn increment_version(tx: &Tx, payment: PaymentId, now: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE payment SET version = version + 1, updated_at = max(updated_at, ?2) WHERE id = ?1")?
        .execute((payment, now))?;
    Ok(())
}

/// Returns a payment.
pub(crate) fn payment(conn: &Connection, id: PaymentId) -> Result<Option<Payment>, db::Error> {
    find_payment(conn, "id = ?1", [id])
}

/// Returns the live payment of an order: the one that is in progress or captured.
pub(crate) fn live_payment(conn: &Connection, order: OrderId) -> Result<Option<Payment>, db::Error> {
    find_payment(
        conn,
        "order_id = ?1 AND status IN
             ('started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'captured')",
        [order],
    )
}

/// Returns the payment of an intent: by the intent's id, or by the payment named in its metadata while the id is unknown.
pub(crate) fn payment_of_intent(
    conn: &Connection,
    intent: &str,
    payment: Option<PaymentId>,
) -> Result<Option<Payment>, db::Error> {
    find_payment(
        conn,
        "intent_id = ?1 OR (id = ?2 AND intent_id IS NULL)",
        (intent, payment),
    )
}

/// Returns the payment that a buyer's request with this key started, and the fingerprint of that request's body.
pub(crate) fn payment_started_by(
    conn: &Connection,
    buyer: UserId,
    key: &idempotency::IdempotencyKey,
) -> Result<Option<(PaymentId, Vec<u8>)>, db::Error> {
    let started = conn
        .prepare_cached("SELECT id, fingerprint FROM payment WHERE buyer_id = ?1 AND idempotency_key = ?2")?
        .query_row((buyer, key.as_str()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(started)
}

/// Returns the payments of an order that a decision of the order can change.
pub(crate) fn undecided_payments(conn: &Connection, order: OrderId) -> Result<Vec<Payment>, db::Error> {
    find_payments(
        conn,
        "order_id = ?1 AND status IN ('requires-payment-method', 'requires-action', 'authorized', 'capturing')",
        [order],
    )
}

/// Returns a buyer's payments before `before`, newest first.
pub(crate) fn payments_of_buyer(
    conn: &Connection,
    buyer: UserId,
    order: Option<OrderId>,
    before: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<Payment>, db::Error> {
    match order {
        None => find_payments(conn, OF_BUYER, (buyer, before, limit)),
        Some(order) => find_payments(conn, OF_BUYER_AND_ORDER, (buyer, before, limit, order)),
    }
}

/// The payments of a buyer before an id, in the order of an index: a page reads its payments alone, however many precede it.
/// Without an id, all are before the text that follows all ids.
const OF_BUYER: &str = "buyer_id = ?1 AND id < coalesce(?2, '~') ORDER BY id DESC LIMIT ?3";

/// The same for one order, which has few payments.
const OF_BUYER_AND_ORDER: &str =
    "order_id = ?4 AND +buyer_id = ?1 AND +id < coalesce(?2, '~') ORDER BY id DESC LIMIT ?3";

/// Returns payments after `after`, by id.
pub(crate) fn payments_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Payment>, db::Error> {
    find_payments(conn, "id > ?1 ORDER BY id LIMIT ?2", (after, limit))
}

/// Returns payments that started since `since`, after `after`, by id.
pub(crate) fn payments_started_since(
    conn: &Connection,
    since: Timestamp,
    after: &str,
    limit: u32,
) -> Result<Vec<Payment>, db::Error> {
    find_payments(
        conn,
        "created_at >= ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        (since, after, limit),
    )
}

/// Returns whether a captured payment has no ledger.
pub(crate) fn is_any_ledger_missing(conn: &Connection) -> Result<bool, db::Error> {
    let mut missing = conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM missing_ledger)")?;
    Ok(missing.query_row([], |row| row.get(0))?)
}

/// Returns captured payments without a ledger, after `after`, by id.
pub(crate) fn payments_without_ledger(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Payment>, db::Error> {
    find_payments(
        conn,
        "id IN (SELECT payment_id FROM missing_ledger WHERE payment_id > ?1 ORDER BY payment_id LIMIT ?2) ORDER BY id",
        (after, limit),
    )
}

/// Returns the payments for which Stripe has to authorise, capture or release money now, longest overdue first.
pub(crate) fn movements_due(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    let key_use = STRIPE_KEY_USE.as_millis();
    let movement = format!(
        "(status IN ('capturing', 'voiding')
          OR (status = 'started' AND +intent_id IS NULL AND +created_at > ?1 - {key_use}))"
    );
    payments_due(conn, &movement, now, limit)
}

/// Returns the payments whose intent has to be looked for now, longest overdue first.
pub(crate) fn look_ups_due(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    // Its key may have expired, and no event has named the intent.
    let key_use = STRIPE_KEY_USE.as_millis();
    let look_up = format!("status = 'started' AND +intent_id IS NULL AND +created_at <= ?1 - {key_use}");
    payments_due(conn, &look_up, now, limit)
}

/// Returns the payments whose intent has to be read now: first those about which Stripe has sent an event, then those that
/// are polled; longest overdue first.
pub(crate) fn checks_due(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    // The intent of a started payment is known only from an event.
    let reported = "(status = 'started' AND +intent_id IS NOT NULL
                     OR status NOT IN ('started', 'capturing', 'voiding') AND told_at IS NOT NULL)";
    let polled = "status NOT IN ('started', 'capturing', 'voiding') AND told_at IS NULL";
    let mut checks = payments_due(conn, reported, now, limit)?;
    checks.extend(payments_due(conn, polled, now, limit)?);
    Ok(checks)
}

/// The index has the payments about which Stripe has to be called. In `condition`, a `+` before a column excludes its indexes.
fn payments_due(conn: &Connection, condition: &str, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    let mut found = conn.prepare_cached(&format!(
        "SELECT id FROM payment
         WHERE trouble IS NULL
           AND (status IN ('started', 'requires-payment-method', 'requires-action', 'capturing', 'voiding')
                OR told_at IS NOT NULL)
           AND next_try_at <= ?1 AND {condition}
         ORDER BY next_try_at LIMIT ?2"
    ))?;
    let payments = found.query_map((now, limit), |row| row.get(0))?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// Returns when the newest payment started.
pub(crate) fn newest_payment_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut newest = conn.prepare_cached("SELECT max(created_at) FROM payment")?;
    Ok(newest.query_row([], |row| row.get(0))?)
}

/// Counts the payments by status.
pub(crate) fn count_payments(conn: &Connection) -> Result<Vec<(String, i64)>, db::Error> {
    let mut counts = conn.prepare_cached("SELECT status, payments FROM tally")?;
    let counts = counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counts.collect::<Result<_, _>>()?)
}

/// Counts the payments that need an operator.
pub(crate) fn count_payments_in_trouble(conn: &Connection) -> Result<i64, db::Error> {
    let mut count = conn.prepare_cached("SELECT count(*) FROM payment WHERE trouble IS NOT NULL")?;
    Ok(count.query_row([], |row| row.get(0))?)
}

/// Returns since when the oldest unanswered call is open.
pub(crate) fn oldest_unanswered_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut oldest = conn.prepare_cached(
        "SELECT min(updated_at) FROM payment
         WHERE status IN ('started', 'capturing', 'voiding') AND trouble IS NULL",
    )?;
    Ok(oldest.query_row([], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Db;

    use super::{OF_BUYER, OF_BUYER_AND_ORDER};
    use crate::Payments;

    #[tokio::test]
    async fn a_page_of_payments_is_searched_by_its_cursor() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
        let plan = |condition: &'static str| {
            let sql = format!("SELECT * FROM payment WHERE {condition}");
            db.read(move |conn| Ok::<_, db::Error>(db::query_plan(conn, &sql)?))
        };
        assert_eq!(
            plan(OF_BUYER).await.unwrap(),
            ["SEARCH payment USING INDEX payment_by_buyer (buyer_id=? AND id<?)"]
        );
        assert_eq!(
            plan(OF_BUYER_AND_ORDER).await.unwrap(),
            [
                "SEARCH payment USING INDEX payment_by_order (order_id=?)",
                "USE TEMP B-TREE FOR ORDER BY"
            ]
        );
    }
}
