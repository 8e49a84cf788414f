use std::time::Duration;

use chassis::Job;

use crate::keys::LiveKeys;

/// The longest time until a rotated key is used.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// Reloads the keys, which another process may have rotated.
pub(crate) fn reload_keys_job(keys: LiveKeys) -> Job {
    Job::every(RELOAD_INTERVAL, "reload keys", move || reload(keys.clone()))
}

async fn reload(keys: LiveKeys) {
    if let Err(error) = keys.reload().await {
        tracing::warn!(%error, "keys could not be reloaded, the previous ones stay in use");
    }
}
