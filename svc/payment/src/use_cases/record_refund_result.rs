//! Goes on with a refund by what Stripe answered.

use db::Tx;
use values::{RefundId, Timestamp};

use super::follow_refunds::{follow_all, keep};
use crate::{
    domain::{Answer, GivenBack},
    store,
};

/// Goes on with a refund by what Stripe answered, after it had shown `list`, all refunds of that payment: one of which nobody
/// here knows yet that it has failed would be in the way.
pub(crate) fn record_refund(
    tx: &Tx,
    now: Timestamp,
    id: RefundId,
    list: &[GivenBack],
    answer: &Answer,
) -> Result<(), db::Error> {
    if let Some(refund) = store::refund(tx, id)?
        && let Some(taking) = store::taking(tx, refund.payment_id)?
    {
        follow_all(tx, now, &taking, list)?;
    }
    let Some(mut refund) = store::refund(tx, id)? else {
        return Ok(());
    };
    let changed = refund.learn(answer, now);
    keep(tx, now, &refund, changed)
}
