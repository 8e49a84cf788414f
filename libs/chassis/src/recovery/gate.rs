use std::time::Duration;

use poem::{Endpoint, IntoResponse, Request, Response, http::StatusCode};
use problem::Problem;
use tokio::sync::watch;

use crate::http::CHASSIS_PATHS;

/// When a client may retry.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Refuses requests until the database has caught up, except those to the endpoints of the chassis.
pub(crate) struct RecoveryGate<E> {
    inner: E,
    recovered: watch::Receiver<bool>,
}

impl<E> RecoveryGate<E> {
    pub(crate) const fn new(inner: E, recovered: watch::Receiver<bool>) -> Self {
        Self { inner, recovered }
    }
}

impl<E: Endpoint> Endpoint for RecoveryGate<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if *self.recovered.borrow() || CHASSIS_PATHS.contains(&request.uri().path()) {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        let refusal = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now")
            .detail(
                "the service was restored from a backup and catches up with what it has missed; nothing was changed",
            )
            .retry_after(RETRY_AFTER);
        Err(refusal.into())
    }
}
