use std::time::Duration;

use db::{Db, Tx};
use values::{Clock, Timestamp};

use crate::outbox;

/// Publishes the state of one page of aggregates after the given position, of those that have changed since the given time.
/// Returns the position of the next page.
pub type RepublishPage = fn(&Tx, Timestamp, Option<Timestamp>, Option<String>) -> Result<Option<String>, db::Error>;

/// Publishes the state of all aggregates again, each page in one transaction. Returns the number of pages.
pub async fn republish_all(db: &Db, clock: &Clock, republish: RepublishPage) -> Result<u64, db::Error> {
    let (mut position, mut pages) = (None, 0);
    loop {
        let now = clock.now();
        position = db.write(move |tx| republish(tx, now, None, position)).await?;
        pages += 1;
        if position.is_none() {
            return Ok(pages);
        }
    }
}

/// Publishes the state of the aggregates that have changed since `since` again, while the service runs: it pauses while the
/// outbox is long. `finish` runs in the transaction of the last page.
pub async fn republish_changed(
    db: &Db,
    clock: &Clock,
    republish: RepublishPage,
    since: Option<Timestamp>,
    finish: fn(&Tx) -> Result<(), db::Error>,
) -> Result<(), db::Error> {
    let mut commits = db.commits();
    let mut position = None;
    loop {
        commits.borrow_and_update();
        if db.read_internal(outbox::is_long).await? {
            // A commit may have deleted published messages.
            let _ = tokio::time::timeout(Duration::from_secs(1), commits.changed()).await;
            continue;
        }
        let now = clock.now();
        let page = db.write(move |tx| {
            let next = republish(tx, now, since, position)?;
            if next.is_none() {
                finish(tx)?;
            }
            Ok::<_, db::Error>(next)
        });
        position = page.await?;
        if position.is_none() {
            return Ok(());
        }
    }
}
