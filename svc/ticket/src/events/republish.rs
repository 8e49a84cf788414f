use db::Tx;
use values::Timestamp;

use super::{admissions::publish_admission, publish::publish, transfers::publish_transfer};
use crate::store;

/// The prefix of a cursor in the admissions; a cursor in the listings is an id.
const ADMISSION_CURSOR: &str = "admission ";

/// The prefix of a cursor in the transfers.
const TRANSFER_CURSOR: &str = "transfer ";

/// Listings, admissions or transfers per transaction.
const PAGE_SIZE: u32 = 500;

/// Publishes the state of the page of listings, then of admissions, then of transfers, after the cursor `after` that have changed since `since` again, withdrawn ones included,
/// and returns where the next page begins. Consumers ignore a version that they have.
pub(crate) fn republish(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: Option<&str>,
) -> Result<Option<String>, db::Error> {
    let after = after.unwrap_or_default();
    if let Some(after) = after.strip_prefix(ADMISSION_CURSOR) {
        return republish_admissions(tx, now, since, after);
    }
    if let Some(after) = after.strip_prefix(TRANSFER_CURSOR) {
        return republish_transfers(tx, now, since, after);
    }
    let listings = store::listings_after(tx, after, PAGE_SIZE)?;
    for listing in listings
        .iter()
        .filter(|listing| Some(listing.state().updated_at) >= since)
    {
        publish(tx, now, listing)?;
    }
    match listings.last() {
        Some(last) => Ok(Some(last.id().to_string())),
        None => republish_admissions(tx, now, since, ""),
    }
}

fn republish_admissions(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: &str,
) -> Result<Option<String>, db::Error> {
    let admissions = store::admissions_after(tx, after, PAGE_SIZE)?;
    for admission in admissions
        .iter()
        .filter(|admission| Some(admission.state().updated_at) >= since)
    {
        publish_admission(tx, now, admission)?;
    }
    match admissions.last() {
        Some(last) => Ok(Some(format!("{ADMISSION_CURSOR}{}", last.id()))),
        None => republish_transfers(tx, now, since, ""),
    }
}

fn republish_transfers(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: &str,
) -> Result<Option<String>, db::Error> {
    let transfers = store::transfers_after(tx, after, PAGE_SIZE)?;
    for transfer in transfers
        .iter()
        .filter(|transfer| Some(transfer.state().updated_at) >= since)
    {
        publish_transfer(tx, now, transfer)?;
    }
    Ok(transfers
        .last()
        .map(|last| format!("{TRANSFER_CURSOR}{}", last.state().id)))
}
