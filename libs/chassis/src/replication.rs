use std::time::Duration;

use db::Db;
use rusqlite::Connection;

/// How long it is waited for what was made just now.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits for what `query` finds, if it was made just now by another service: then the event that tells of it may still be on
/// the way here, and whoever made it must not hear that there is no such thing (docs/adr/0020).
///
/// `is_recent` is what its id says: `id.is_recent(clock.now())`. What is older is here, or nowhere.
pub async fn wait_for_replication<T, E, F>(db: &Db, is_recent: bool, query: F) -> Result<(), E>
where
    F: Fn(&Connection) -> Result<Option<T>, E> + Clone + Send + 'static,
    T: Send + 'static,
    E: From<db::Error> + Send + 'static,
{
    if is_recent {
        db.wait_for(PATIENCE, query).await?;
    }
    Ok(())
}
