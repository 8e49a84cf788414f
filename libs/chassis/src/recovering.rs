//! While a restored database catches up: nobody is answered from it, nothing is done with it.

use std::time::Duration;

use bus::Recovery;
use db::Db;
use poem::{Endpoint, IntoResponse, Request, Response, http::StatusCode};
use problem::Problem;
use tokio::sync::watch;

use crate::{OperatorError, Service, observed::OWN};

/// How far before the newest moment that the database knows the journal is heard again: longer than a message may have
/// waited for its last attempt, or a service for the broker, before it was heard.
const SLACK: Duration = Duration::from_mins(10);

/// When a client may try again.
const AGAIN: Duration = Duration::from_secs(5);

/// What is to be done before the service may use its database; `done` becomes true when that is over, which may be at
/// once.
pub(crate) async fn plan<S: Service>(db: &Db, done: watch::Sender<bool>) -> Result<Option<Recovery>, OperatorError> {
    let marked = db
        .read(|conn| Ok::<_, db::Error>((db::restored::is_marked(conn)?, S::newest_record_at(conn)?)))
        .await?;
    let (true, known) = marked else {
        done.send_replace(true);
        return Ok(None);
    };
    let silent = |route: &events::Route| route.publisher != S::NAME && !route.consumers.contains(&S::NAME);
    if events::ROUTES.iter().all(silent) {
        // It neither says nor hears anything: what the backup does not know is gone.
        db.write(db::restored::clear).await?;
        done.send_replace(true);
        return Ok(None);
    }
    Ok(Some(Recovery {
        recover: S::recover,
        republish: S::republish,
        since: known.map(|known| known - SLACK),
        done,
    }))
}

/// Refuses all requests but those for the service's state, until the database has caught up.
pub(crate) struct Gate<E> {
    inner: E,
    recovered: watch::Receiver<bool>,
}

impl<E> Gate<E> {
    pub(crate) const fn new(inner: E, recovered: watch::Receiver<bool>) -> Self {
        Self { inner, recovered }
    }
}

impl<E: Endpoint> Endpoint for Gate<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if *self.recovered.borrow() || OWN.contains(&request.uri().path()) {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let refusal = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now")
            .detail(
                "the service was restored from a backup and catches up with what it has missed; nothing was changed",
            )
            .retry_after(AGAIN);
        Err(refusal.into())
    }
}

/// Whether the database may be used.
#[derive(Clone, Debug)]
pub struct RecoveryStatus(pub(crate) watch::Receiver<bool>);

/// It may.
impl Default for RecoveryStatus {
    fn default() -> Self {
        Self(watch::Sender::new(true).subscribe())
    }
}

impl RecoveryStatus {
    /// Waits for it. It never comes to one that has to stop before.
    pub(crate) async fn wait(mut self) {
        if self.0.wait_for(|recovered| *recovered).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
