//! Tables `ledger` and `payout`, and the balances that triggers derive from it.

use db::{NamedParameters, RowReader, Tx};
use events::OrderStatus;
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Currency, OrderId, PaymentId, Timestamp, UserId};

use super::{captured_funds::stripe_fee, columns::money};
use crate::domain::{AccountAmounts, BasisPoints, CapturedSale, EntryReason, LedgerKey, SellerBalance, StripeFee};

/// A row of a seller's ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LedgerRow {
    pub(crate) id: i64,
    pub(crate) at: Timestamp,
    pub(crate) payment_id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) currency: Currency,
    pub(crate) reason: String,
    pub(crate) reference: Option<String>,
    pub(crate) amounts: AccountAmounts,
}

/// The columns that [`read_amounts`] reads, summed up.
const SUMS: &str = "sum(buyer), sum(held), sum(seller), sum(platform_fee), sum(refunds), sum(dispute), sum(costs), \
                    sum(stripe_fee)";

fn read_amounts(row: &mut RowReader<'_, '_>) -> rusqlite::Result<AccountAmounts> {
    Ok(AccountAmounts {
        buyer: row.next()?,
        held: row.next()?,
        seller: row.next()?,
        platform_fee: row.next()?,
        refunds: row.next()?,
        dispute: row.next()?,
        costs: row.next()?,
        stripe_fee: row.next()?,
    })
}

/// Returns a captured payment with everything that determines its balances.
pub(crate) fn captured_sale(conn: &Connection, payment: PaymentId) -> Result<Option<CapturedSale>, db::Error> {
    let sale = conn
        .prepare_cached(
            "SELECT t.amount, t.currency, t.fee_basis_points, b.seller_id, b.status, t.refunded,
                 (SELECT coalesce(sum(withdrawn), 0) FROM dispute d WHERE d.payment_id = t.payment_id),
                 t.stripe_fee, t.stripe_fee_currency
             FROM taking t JOIN payment p ON p.id = t.payment_id JOIN bill b USING (order_id)
             WHERE t.payment_id = ?1",
        )?
        .query_row([payment], db::read_row(read_sale))
        .optional()?;
    let Some(mut sale) = sale else { return Ok(None) };
    let mut fees = conn.prepare_cached("SELECT fee, fee_currency FROM dispute WHERE payment_id = ?1")?;
    let fees = fees.query_map([payment], |row| {
        Ok(StripeFee {
            amount: row.get(0)?,
            currency: row.get(1)?,
        })
    })?;
    for fee in fees {
        sale.stripe_fees.push(fee?);
    }
    Ok(Some(sale))
}

fn read_sale(row: &mut RowReader<'_, '_>) -> rusqlite::Result<CapturedSale> {
    Ok(CapturedSale {
        amount: money(row)?,
        // A CHECK bounds the column.
        fee_rate: BasisPoints::try_from(row.next::<i64>()?).unwrap_or_default(),
        seller_id: row.next()?,
        is_complete: row.next::<OrderStatus>()? == OrderStatus::Complete,
        refunded: row.next()?,
        disputed: row.next()?,
        stripe_fees: stripe_fee(row)?.into_iter().collect(),
    })
}

/// Returns the balances that the ledger shows for a payment.
pub(crate) fn ledger_balances(
    conn: &Connection,
    payment: PaymentId,
) -> Result<Vec<(LedgerKey, AccountAmounts)>, db::Error> {
    let sql =
        format!("SELECT currency, seller_id, {SUMS} FROM ledger WHERE payment_id = ?1 GROUP BY currency, seller_id");
    let mut found = conn.prepare_cached(&sql)?;
    let balances = found.query_map(
        [payment],
        db::read_row(|row| {
            let key = LedgerKey {
                currency: row.next()?,
                seller_id: row.next()?,
            };
            Ok((key, read_amounts(row)?))
        }),
    )?;
    Ok(balances.collect::<Result<_, _>>()?)
}

/// Appends a row to the ledger.
pub(crate) fn append_to_ledger(
    tx: &Tx,
    now: Timestamp,
    payment: PaymentId,
    key: &LedgerKey,
    reason: &EntryReason,
    amounts: &AccountAmounts,
) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO ledger (at, payment_id, seller_id, currency, reason, reference, buyer, held, seller, platform_fee,
             refunds, dispute, costs, stripe_fee)
         VALUES (:at, :payment_id, :seller_id, :currency, :reason, :reference, :buyer, :held, :seller, :platform_fee,
             :refunds, :dispute, :costs, :stripe_fee)",
    )?
    .execute_named(named_params! {
        ":at": now,
        ":payment_id": payment,
        ":seller_id": key.seller_id,
        ":currency": key.currency,
        ":reason": reason.as_str(),
        ":reference": reason.reference(),
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

/// A trigger maintains the rows, one for each currency. A seller has few payouts.
const SELLER_BALANCES: &str = "SELECT currency, buyer, held, seller, platform_fee, refunds, dispute, 0, 0,
         (SELECT coalesce(sum(p.amount), 0) FROM payout p WHERE p.seller_id = b.seller_id AND p.currency = b.currency)
     FROM seller_balance b WHERE b.seller_id = ?1 ORDER BY b.currency";

/// Returns a seller's balances, by currency.
pub(crate) fn seller_balances(conn: &Connection, seller: UserId) -> Result<Vec<SellerBalance>, db::Error> {
    let mut found = conn.prepare_cached(SELLER_BALANCES)?;
    let read = |row: &mut RowReader<'_, '_>| {
        Ok(SellerBalance {
            currency: row.next()?,
            amounts: read_amounts(row)?,
            paid_out: row.next()?,
        })
    };
    let balances = found.query_map([seller], db::read_row(read))?;
    Ok(balances.collect::<Result<_, _>>()?)
}

/// A payout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PayoutRow {
    pub(crate) id: i64,
    pub(crate) at: Timestamp,
    pub(crate) currency: Currency,
    /// Minor units.
    pub(crate) amount: i64,
    pub(crate) reference: String,
}

/// Returns the payouts of a seller before `before`, newest first.
pub(crate) fn payouts_of_seller(
    conn: &Connection,
    seller: UserId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<PayoutRow>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT id, at, currency, amount, reference FROM payout INDEXED BY payout_of_seller
         WHERE seller_id = ?1 AND id < coalesce(?2, 9223372036854775807) ORDER BY id DESC LIMIT ?3",
    )?;
    let rows = found.query_map((seller, before, limit), |row| {
        Ok(PayoutRow {
            id: row.get(0)?,
            at: row.get(1)?,
            currency: row.get(2)?,
            amount: row.get(3)?,
            reference: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the amount of the payout with a reference, in minor units.
pub(crate) fn payout_of_reference(
    conn: &Connection,
    seller: UserId,
    currency: Currency,
    reference: &str,
) -> Result<Option<i64>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT amount FROM payout WHERE seller_id = ? AND currency = ? AND reference = ?")?
        .query_row((seller, currency, reference), |row| row.get(0))
        .optional()?)
}

/// Inserts a payout.
pub(crate) fn insert_payout(
    tx: &Tx,
    now: Timestamp,
    seller: UserId,
    (amount, currency): (i64, Currency),
    reference: &str,
) -> Result<(), db::Error> {
    tx.prepare_cached("INSERT INTO payout (at, seller_id, currency, amount, reference) VALUES (?, ?, ?, ?, ?)")?
        .execute((now, seller, currency, amount, reference))?;
    Ok(())
}

/// Returns the rows of a seller's ledger before `before`, newest first. Money held for incomplete orders is left out.
pub(crate) fn ledger_rows(
    conn: &Connection,
    seller: UserId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<LedgerRow>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT l.id, l.at, l.payment_id, p.order_id, l.currency, l.reason, l.reference, l.buyer, l.held, l.seller,
             l.platform_fee, l.refunds, l.dispute, l.costs, l.stripe_fee
         FROM ledger l JOIN payment p ON p.id = l.payment_id
         WHERE l.seller_id = ?1 AND l.reason <> 'captured' AND l.id < coalesce(?2, 9223372036854775807)
         ORDER BY l.id DESC LIMIT ?3",
    )?;
    let rows = found.query_map(
        (seller, before, limit),
        db::read_row(|row| {
            Ok(LedgerRow {
                id: row.next()?,
                at: row.next()?,
                payment_id: row.next()?,
                order_id: row.next()?,
                currency: row.next()?,
                reason: row.next()?,
                reference: row.next()?,
                amounts: read_amounts(row)?,
            })
        }),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns currency, account and balance of every account; all sellers together are one account.
pub(crate) fn account_balances(conn: &Connection) -> Result<Vec<(String, String, i64)>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT currency, account, sum(amount) FROM ledger_entry GROUP BY currency, account ORDER BY currency, account",
    )?;
    let balances = found.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(balances.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Db;

    use super::SELLER_BALANCES;
    use crate::Payments;

    #[tokio::test]
    async fn the_balances_of_a_seller_are_found_without_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
        let plan = db.read(|conn| Ok::<_, db::Error>(db::query_plan(conn, SELLER_BALANCES)?));
        assert_eq!(
            plan.await.unwrap(),
            [
                "SEARCH b USING PRIMARY KEY (seller_id=?)",
                "CORRELATED SCALAR SUBQUERY 1",
                "SEARCH p USING COVERING INDEX payout_by_seller (seller_id=? AND currency=?)"
            ]
        );
    }
}
