use std::{fmt::Display, time::Duration};

use db::Db;
use rusqlite::Connection;
use tokio::time::Instant;
use values::UserId;

/// How long to wait for the replication of a new resource, or of a state that a client has seen.
pub const REPLICATION_TIMEOUT: Duration = Duration::from_secs(3);

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
    if is_recent && !db.was_announced(id) {
        db.wait_for_row(&user, id, REPLICATION_TIMEOUT, exists).await?;
    }
    Ok(())
}

/// Waits until `is_current` holds for the replica of the resource `id`: the event of a newer state may still be on its way.
/// Returns whether it holds; false after `timeout`, or at once if too many requests wait.
///
/// `is_current` runs again after each change of the row that is announced with
/// [`Tx::announce_row`](db::Tx::announce_row).
pub async fn wait_for_newer_state<E, F>(
    db: &Db,
    user: UserId,
    id: &impl Display,
    timeout: Duration,
    is_current: F,
) -> Result<bool, E>
where
    F: Fn(&Connection) -> Result<bool, E> + Clone + Send + 'static,
    E: From<db::Error> + Send + 'static,
{
    let deadline = Instant::now() + timeout;
    loop {
        if db.read(is_current.clone()).await? {
            return Ok(true);
        }
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() || !db.wait_for_row(&user, id, rest, is_current.clone()).await? {
            return Ok(false);
        }
    }
}
