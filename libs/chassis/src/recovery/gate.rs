use std::{future::ready, time::Duration};

use futures_util::future::Either;
use poem::{Endpoint, Request, Response, http::StatusCode};
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

impl<E: Endpoint<Output = Response>> Endpoint for RecoveryGate<E> {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        if *self.recovered.borrow() || CHASSIS_PATHS.contains(&request.uri().path()) {
            return Either::Left(self.inner.call(request));
        }
        let refusal = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible for now")
            .detail(
                "the service was restored from a backup and catches up with what it has missed; nothing was changed",
            )
            .retry_after(RETRY_AFTER);
        Either::Right(ready(Err(refusal.into())))
    }
}
