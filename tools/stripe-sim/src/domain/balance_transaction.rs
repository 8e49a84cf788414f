//! Balance transactions: what each charge, refund and dispute does to the balance of the account.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::StripeError,
    id,
    store::{Object, Tx},
};

/// Funds become available two days later.
const SETTLEMENT_SECONDS: i64 = 2 * 24 * 60 * 60;

/// One movement of money on the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "balance_transaction")]
pub(crate) struct BalanceTransaction {
    id: String,
    amount: i64,
    available_on: i64,
    balance_type: String,
    created: i64,
    currency: String,
    description: Option<String>,
    exchange_rate: (),
    fee: i64,
    fee_details: Vec<Value>,
    net: i64,
    reporting_category: String,
    source: String,
    status: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Object for BalanceTransaction {
    const KIND: &'static str = "balance_transaction";
    const NOUN: &'static str = "balance transaction";

    fn id(&self) -> &str {
        &self.id
    }
}

/// Stripe's standard price of a card payment: 2.9 % and 30 minor units, rounded half up.
pub(crate) fn fee(amount: i64) -> i64 {
    (amount * 29 + 500) / 1000 + 30
}

/// Books a captured charge. Returns the id of the balance transaction.
pub(crate) fn book_charge(tx: &Tx<'_>, charge: &str, amount: i64, currency: &str) -> Result<String, StripeError> {
    Ok(book(tx, charge, amount, fee(amount), currency, ("charge", "charge"))?.id)
}

/// Books a refund, without a return of the fee. Returns the id of the balance transaction.
pub(crate) fn book_refund(tx: &Tx<'_>, refund: &str, amount: i64, currency: &str) -> Result<String, StripeError> {
    Ok(book(tx, refund, -amount, 0, currency, ("refund", "refund"))?.id)
}

/// Books the return of the money of a failed refund. Returns the id of the balance transaction.
pub(crate) fn book_refund_failure(
    tx: &Tx<'_>,
    refund: &str,
    amount: i64,
    currency: &str,
) -> Result<String, StripeError> {
    Ok(book(tx, refund, amount, 0, currency, ("refund_failure", "refund_failure"))?.id)
}

/// Books a movement that a dispute causes; `category` is `dispute` or `dispute_reversal`.
pub(crate) fn book_dispute(
    tx: &Tx<'_>,
    dispute: &str,
    amount: i64,
    fee: i64,
    currency: &str,
    category: &str,
) -> Result<BalanceTransaction, StripeError> {
    book(tx, dispute, amount, fee, currency, ("adjustment", category))
}

/// Stores a balance transaction of a type and a reporting category.
fn book(
    tx: &Tx<'_>,
    source: &str,
    amount: i64,
    fee: i64,
    currency: &str,
    (kind, category): (&str, &str),
) -> Result<BalanceTransaction, StripeError> {
    let fee_details = (fee > 0).then(|| {
        json!({
            "amount": fee,
            "application": null,
            "currency": currency,
            "description": if kind == "charge" { "Stripe processing fees" } else { "Dispute fee" },
            "type": "stripe_fee",
        })
    });
    let booking = BalanceTransaction {
        id: id::new("txn")?,
        amount,
        available_on: tx.now.seconds() + SETTLEMENT_SECONDS,
        balance_type: "payments".to_owned(),
        created: tx.now.seconds(),
        currency: currency.to_owned(),
        description: None,
        exchange_rate: (),
        fee,
        fee_details: fee_details.into_iter().collect(),
        net: amount - fee,
        reporting_category: category.to_owned(),
        source: source.to_owned(),
        status: "pending".to_owned(),
        kind: kind.to_owned(),
    };
    tx.save(&booking)?;
    Ok(booking)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fee_is_rounded_to_the_nearest_minor_unit() {
        assert_eq!(super::fee(1000), 59);
        assert_eq!(super::fee(1999), 88);
        assert_eq!(super::fee(50), 31);
    }
}
