use std::time::Duration;

use db::Db;
use rusqlite::Connection;

/// How long to wait for the replication of a new resource.
const REPLICATION_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits until `query` finds a resource that another service has just created: the event that replicates it may still be
/// on its way, and its creator must not receive 404 (docs/adr/0020).
///
/// `is_recent` is `id.is_recent(clock.now())`. An older resource is replicated, or does not exist.
pub async fn wait_for_replication<T, E, F>(db: &Db, is_recent: bool, query: F) -> Result<(), E>
where
    F: Fn(&Connection) -> Result<Option<T>, E> + Clone + Send + 'static,
    T: Send + 'static,
    E: From<db::Error> + Send + 'static,
{
    if is_recent {
        db.wait_for(REPLICATION_TIMEOUT, query).await?;
    }
    Ok(())
}
