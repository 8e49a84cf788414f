use std::time::Duration;

use db::Db;
use values::{Clock, Timestamp};

use super::RecoveryStatus;
use crate::Service;

/// The time between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Publishes what has changed since the backup again, once the service serves. Then the database is no longer marked as
/// restored.
///
/// Others have the older states: they were published, or their events are in the outbox of the backup.
pub(crate) async fn republish_changes<S: Service>(
    db: Db,
    clock: Clock,
    since: Option<Timestamp>,
    recovered: RecoveryStatus,
) {
    recovered.wait().await;
    loop {
        match bus::republish_changed(&db, &clock, S::republish, since, db::restored::finish_recovery).await {
            Ok(()) => {
                tracing::info!("everything that has changed since the backup is published again");
                return;
            }
            Err(error) => tracing::warn!(%error, "changes since the backup could not be published, will retry"),
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}
