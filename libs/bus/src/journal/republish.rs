use db::{Db, Tx};
use values::{Clock, Timestamp};

/// Publishes the state of one page of aggregates after the given position. Returns the position of the next page.
pub type RepublishPage = fn(&Tx, Timestamp, Option<String>) -> Result<Option<String>, db::Error>;

/// Publishes the state of all aggregates again, each page in one transaction. Returns the number of pages.
///
/// `finish` runs in the transaction of the last page.
pub async fn republish_all(
    db: &Db,
    clock: &Clock,
    republish: RepublishPage,
    finish: fn(&Tx) -> Result<(), db::Error>,
) -> Result<u64, db::Error> {
    let (mut position, mut pages) = (None, 0);
    loop {
        let now = clock.now();
        let page = db.write(move |tx| {
            let next = republish(tx, now, position)?;
            if next.is_none() {
                finish(tx)?;
            }
            Ok::<_, db::Error>(next)
        });
        position = page.await?;
        pages += 1;
        if position.is_none() {
            return Ok(pages);
        }
    }
}
