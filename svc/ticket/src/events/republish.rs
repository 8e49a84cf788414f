use db::Tx;
use values::Timestamp;

use super::publish::publish;
use crate::store;

/// Listings per transaction.
const PAGE_SIZE: u32 = 500;

/// Publishes the state of the listings after the id `after` that have changed since `since` again, withdrawn ones included,
/// and returns where the next page begins. Consumers ignore a version that they have.
pub(crate) fn republish(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: Option<&str>,
) -> Result<Option<String>, db::Error> {
    let listings = store::listings_after(tx, after.unwrap_or_default(), PAGE_SIZE)?;
    for listing in listings
        .iter()
        .filter(|listing| Some(listing.state().updated_at) >= since)
    {
        publish(tx, now, listing)?;
    }
    Ok(listings.last().map(|last| last.id().to_string()))
}
