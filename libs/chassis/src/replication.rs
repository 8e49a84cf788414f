use std::{fmt::Display, time::Duration};

use db::Db;
use rusqlite::Connection;
use values::UserId;

/// How long to wait for the replication of a new resource.
const REPLICATION_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits until the resource `id`, which another service has just created, exists: the event that replicates it may still be
/// on its way, and its creator must not receive 404 (docs/adr/0020). The event handler announces it with
/// [`Tx::announce_row`](db::Tx::announce_row).
///
/// `is_recent` is `id.is_recent(clock.now())`. An older resource is replicated, or does not exist. The number of requests
/// that wait is bounded, for each user and in all; a request beyond the bound does not wait.
pub async fn wait_for_replication<E, F>(
    db: &Db,
    user: UserId,
    id: &impl Display,
    is_recent: bool,
    exists: F,
) -> Result<(), E>
where
    F: FnOnce(&Connection) -> Result<bool, E> + Send + 'static,
    E: From<db::Error> + Send + 'static,
{
    if is_recent {
        db.wait_for_row(&user, id, REPLICATION_TIMEOUT, exists).await?;
    }
    Ok(())
}
