//! The books.

use db::Tx;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use values::{Currency, OrderId, PaymentId, Timestamp, UserId};

use super::{columns::money, orders::OrderWord};
use crate::domain::{Amounts, BasisPoints, Page, Taken, Why};

/// A line of a seller's books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    pub(crate) id: i64,
    pub(crate) at: Timestamp,
    pub(crate) payment_id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) currency: Currency,
    pub(crate) reason: String,
    pub(crate) reference: Option<String>,
    pub(crate) amounts: Amounts,
}

/// What was taken with a payment, and what has become of it.
pub(crate) fn taken(conn: &Connection, payment: PaymentId) -> Result<Option<Taken>, db::Error> {
    let taken = conn
        .prepare_cached(
            "SELECT t.currency, t.amount, t.fee_basis_points, t.refunded, t.stripe_fee, t.stripe_fee_currency, b.seller_id,
                 b.status,
                 (SELECT coalesce(sum(withdrawn), 0) FROM dispute d WHERE d.payment_id = t.payment_id) AS disputed
             FROM taking t JOIN payment p ON p.id = t.payment_id JOIN bill b USING (order_id)
             WHERE t.payment_id = ?1",
        )?
        .query_row([payment], read_taken)
        .optional()?;
    let Some(mut taken) = taken else { return Ok(None) };
    let mut fees = conn.prepare_cached("SELECT fee, fee_currency FROM dispute WHERE payment_id = ?1")?;
    for fee in fees.query_map([payment], |row| Ok((row.get(0)?, row.get(1)?)))? {
        taken.stripe_fees.push(fee?);
    }
    Ok(Some(taken))
}

fn read_taken(row: &Row<'_>) -> rusqlite::Result<Taken> {
    let share = BasisPoints::try_from(row.get::<_, i64>("fee_basis_points")?);
    let stripe_fee = row.get::<_, Option<i64>>("stripe_fee")?;
    Ok(Taken {
        amount: money(row)?,
        // The table has a CHECK.
        share: share.unwrap_or_default(),
        seller: row.get("seller_id")?,
        complete: row.get::<_, OrderWord>("status")?.0 == events::OrderStatus::Complete,
        refunded: row.get("refunded")?,
        disputed: row.get("disputed")?,
        stripe_fees: match stripe_fee {
            Some(fee) => vec![(fee, row.get("stripe_fee_currency")?)],
            None => Vec::new(),
        },
    })
}

fn read_amounts(row: &Row<'_>) -> rusqlite::Result<Amounts> {
    Ok(Amounts {
        buyer: row.get("buyer")?,
        held: row.get("held")?,
        seller: row.get("seller")?,
        platform_fee: row.get("platform_fee")?,
        refunds: row.get("refunds")?,
        dispute: row.get("dispute")?,
        costs: row.get("costs")?,
        stripe_fee: row.get("stripe_fee")?,
    })
}

/// What stands in the books for a payment.
pub(crate) fn booked(conn: &Connection, payment: PaymentId) -> Result<Vec<(Page, Amounts)>, db::Error> {
    let mut sums = conn.prepare_cached(
        "SELECT currency, seller_id, sum(buyer) AS buyer, sum(held) AS held, sum(seller) AS seller,
             sum(platform_fee) AS platform_fee, sum(refunds) AS refunds, sum(dispute) AS dispute, sum(costs) AS costs,
             sum(stripe_fee) AS stripe_fee
         FROM ledger WHERE payment_id = ?1 GROUP BY currency, seller_id",
    )?;
    let sums = sums.query_map([payment], |row| {
        Ok(((row.get("currency")?, row.get("seller_id")?), read_amounts(row)?))
    })?;
    Ok(sums.collect::<Result<_, _>>()?)
}

/// Appends a transaction to the books.
pub(crate) fn append(
    tx: &Tx,
    now: Timestamp,
    payment: PaymentId,
    (currency, seller): &Page,
    why: &Why,
    amounts: &Amounts,
) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO ledger (at, payment_id, seller_id, currency, reason, reference, buyer, held, seller, platform_fee,
             refunds, dispute, costs, stripe_fee)
         VALUES (:at, :payment_id, :seller_id, :currency, :reason, :reference, :buyer, :held, :seller, :platform_fee,
             :refunds, :dispute, :costs, :stripe_fee)",
    )?
    .execute(named_params! {
        ":at": now,
        ":payment_id": payment,
        ":seller_id": seller,
        ":currency": currency,
        ":reason": why.word(),
        ":reference": why.reference(),
        ":buyer": amounts.buyer,
        ":held": amounts.held,
        ":seller": amounts.seller,
        ":platform_fee": amounts.platform_fee,
        ":refunds": amounts.refunds,
        ":dispute": amounts.dispute,
        ":costs": amounts.costs,
        ":stripe_fee": amounts.stripe_fee,
    })?;
    Ok(())
}

/// A seller's books, by currency.
pub(crate) fn balance(conn: &Connection, seller: UserId) -> Result<Vec<(Currency, Amounts)>, db::Error> {
    let mut sums = conn.prepare_cached(
        "SELECT *, 0 AS costs, 0 AS stripe_fee FROM seller_balance WHERE seller_id = ?1 ORDER BY currency",
    )?;
    let sums = sums.query_map([seller], |row| Ok((row.get("currency")?, read_amounts(row)?)))?;
    Ok(sums.collect::<Result<_, _>>()?)
}

/// The lines of a seller's books before `before`, the newest first. What is only held for the seller is none yet.
pub(crate) fn lines(
    conn: &Connection,
    seller: UserId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Line>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT l.*, p.order_id FROM ledger l JOIN payment p ON p.id = l.payment_id
         WHERE l.seller_id = ?1 AND l.reason <> 'captured' AND l.id < coalesce(?2, 9223372036854775807)
         ORDER BY l.id DESC LIMIT ?3",
    )?;
    let lines = found.query_map((seller, before, limit), |row| {
        Ok(Line {
            id: row.get("id")?,
            at: row.get("at")?,
            payment_id: row.get("payment_id")?,
            order_id: row.get("order_id")?,
            currency: row.get("currency")?,
            reason: row.get("reason")?,
            reference: row.get("reference")?,
            amounts: read_amounts(row)?,
        })
    })?;
    Ok(lines.collect::<Result<_, _>>()?)
}

/// What each account has, by currency; all sellers together.
pub(crate) fn accounts(conn: &Connection) -> Result<Vec<(String, String, i64)>, db::Error> {
    let mut sums = conn.prepare_cached(
        "SELECT currency, account, sum(amount) FROM ledger_entry GROUP BY currency, account ORDER BY currency, account",
    )?;
    let sums = sums.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(sums.collect::<Result<_, _>>()?)
}
