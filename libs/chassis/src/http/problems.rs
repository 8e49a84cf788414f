use std::{future::ready, sync::Arc};

use futures_util::{FutureExt, future::Either};
use poem::{Endpoint, IntoResponse, Request, Response};
use problem::Problem;

use super::DocumentedPaths;

/// Renders the errors of an API as problem documents.
pub(crate) struct Problems<E> {
    inner: E,
    paths: Arc<DocumentedPaths>,
}

impl<E> Problems<E> {
    pub(crate) const fn new(inner: E, paths: Arc<DocumentedPaths>) -> Self {
        Self { inner, paths }
    }
}

impl<E: Endpoint> Endpoint for Problems<E> {
    type Output = Response;

    // An `async fn` would hold a copy of the request.
    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let uri = request.uri().clone();
        if let Some(part) = self.paths.undecodable(uri.path()) {
            let problem = Problem::malformed("A part of the path is not as it must be.")
                .field(part, "must be UTF-8 in percent-encoding");
            return Either::Left(ready(Ok(problem.into_response())));
        }
        Either::Right(self.inner.call(request).map(move |result| {
            Ok(match result {
                Ok(response) => response.into_response(),
                Err(error) => problem::from_error(error, |number| self.paths.parameter(uri.path(), number)),
            })
        }))
    }
}
