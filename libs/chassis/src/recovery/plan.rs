use std::time::Duration;

use bus::Recovery;
use db::Db;
use tokio::sync::watch;
use values::Timestamp;

use crate::{OperatorError, Service};

/// How much of the journal before the newest record of the database is consumed again: longer than a message may have
/// waited for its last attempt, or the service for the broker.
const SAFETY_MARGIN: Duration = Duration::from_mins(10);

/// Returns the recovery that the database needs before the service may use it, if any. `done` becomes true at its end,
/// or at once if none is needed.
pub(crate) async fn plan<S: Service>(db: &Db, done: watch::Sender<bool>) -> Result<Option<Recovery>, OperatorError> {
    let marked = db
        .read_internal(|conn| Ok::<_, db::Error>((db::restored::is_marked(conn)?, S::newest_record_at(conn)?)))
        .await?;
    let (true, newest) = marked else {
        done.send_replace(true);
        return Ok(None);
    };
    let is_unconcerned = |route: &events::Route| route.publisher != S::NAME && !route.consumers.contains(&S::NAME);
    if events::ROUTES.iter().all(is_unconcerned) {
        // It neither publishes nor consumes events: rows that the backup lacks are lost.
        db.write(db::restored::clear).await?;
        done.send_replace(true);
        return Ok(None);
    }
    let newest = newest.map(Timestamp::millis);
    let newest = db.write(move |tx| db::restored::recover_from(tx, newest)).await?;
    Ok(Some(Recovery {
        recover: S::recover,
        since: newest.map(|newest| Timestamp::from_millis(newest) - SAFETY_MARGIN),
        done,
    }))
}
