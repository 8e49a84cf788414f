//! Records what the marketplace has paid to a seller.

use audit::Author;
use db::Tx;
use values::{Currency, Timestamp, UserId};

use crate::store;

/// A transfer of money to a seller that the operator has made elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Payout {
    pub(crate) seller: UserId,
    pub(crate) currency: Currency,
    /// Minor units; negative if the seller has paid, or to correct a payout that was recorded by mistake.
    pub(crate) amount: i64,
    /// By which the transfer is found elsewhere.
    pub(crate) reference: String,
}

/// The payout was not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayoutError {
    /// It is zero, more than what is due, or takes back more than was paid.
    #[error("{amount} cannot be paid out: {due} minor units are due to this seller, {paid_out} were paid")]
    NotDue { amount: i64, due: i64, paid_out: i64 },
    /// Another amount is recorded under the reference.
    #[error("a payout of {0} minor units is recorded under this reference")]
    ReferenceUsed(i64),
    #[error("the reference must have 1 to 200 characters")]
    InvalidReference,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Records a payout of at most what is due; the same one again changes nothing. Returns what is still due, in minor units.
pub(crate) fn record_payout(tx: &Tx, now: Timestamp, payout: &Payout) -> Result<i64, PayoutError> {
    if !(1..=200).contains(&payout.reference.chars().count()) {
        return Err(PayoutError::InvalidReference);
    }
    let (seller, currency, amount) = (payout.seller, payout.currency, payout.amount);
    let balances = store::seller_balances(tx, seller)?;
    let balance = balances.into_iter().find(|balance| balance.currency == currency);
    let (due, paid_out) = balance.map_or((0, 0), |balance| (balance.due(), balance.paid_out));
    match store::payout_of_reference(tx, seller, currency, &payout.reference)? {
        Some(recorded) if recorded == amount => return Ok(due),
        Some(recorded) => return Err(PayoutError::ReferenceUsed(recorded)),
        None => {}
    }
    let is_due = (1..=due).contains(&amount) || (due.min(-paid_out)..0).contains(&amount);
    if !is_due {
        return Err(PayoutError::NotDue { amount, due, paid_out });
    }
    store::insert_payout(tx, now, seller, (amount, currency), &payout.reference)?;
    audit::append(tx, now, &Author::operator().did("payout", &seller))?;
    Ok(due - amount)
}
