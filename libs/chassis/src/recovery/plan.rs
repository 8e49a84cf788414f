use std::time::Duration;

use bus::Recovery;
use db::Db;
use tokio::sync::watch;
use values::Timestamp;

use crate::{OperatorError, Service};

/// How much of the journal before the newest record of the database is consumed again: longer than a message may have
/// waited for its last attempt, or the service for the broker.
const SAFETY_MARGIN: Duration = Duration::from_mins(10);

/// What a restored database still lacks.
pub(crate) struct RecoveryPlan {
    /// The recovery from the journal, before the service may use the database; `None` if the journal is applied.
    pub(crate) journal: Option<Recovery>,
    /// The time since when changes are published again, while the service runs; `None` means all.
    pub(crate) republish_since: Option<Timestamp>,
}

/// Returns the plan of the recovery that the database needs, if any. `done` becomes true when the service may use the
/// database: at the end of the recovery from the journal, or at once.
pub(crate) async fn plan<S: Service>(
    db: &Db,
    done: watch::Sender<bool>,
) -> Result<Option<RecoveryPlan>, OperatorError> {
    let marked = db.read_internal(|conn| {
        if !db::restored::is_marked(conn)? {
            return Ok::<_, db::Error>(None);
        }
        Ok(Some((db::restored::is_outdated(conn)?, S::newest_record_at(conn)?)))
    });
    let Some((is_outdated, newest)) = marked.await? else {
        done.send_replace(true);
        return Ok(None);
    };
    if !is_outdated {
        done.send_replace(true);
    }
    let is_unconcerned = |route: &events::Route| route.publisher != S::NAME && !route.consumers.contains(&S::NAME);
    if events::ROUTES.iter().all(is_unconcerned) {
        // It neither publishes nor consumes events: rows that the backup lacks are lost.
        db.write(db::restored::clear).await?;
        done.send_replace(true);
        return Ok(None);
    }
    let newest = newest.map(Timestamp::millis);
    let newest = db.write(move |tx| db::restored::recover_from(tx, newest)).await?;
    let since = newest.map(|newest| Timestamp::from_millis(newest) - SAFETY_MARGIN);
    Ok(Some(RecoveryPlan {
        journal: is_outdated.then_some(Recovery {
            recover: S::recover,
            since,
            done,
        }),
        republish_since: since,
    }))
}
