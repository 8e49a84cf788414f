use std::sync::Arc;

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

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path().to_owned();
        if let Some(part) = self.paths.undecodable(&path) {
            return Ok(Problem::malformed("A part of the path is not as it must be.")
                .field(part, "must be UTF-8 in percent-encoding")
                .into_response());
        }
        let response = match self.inner.call(request).await {
            Ok(response) => response.into_response(),
            Err(error) => problem::from_error(error, |number| self.paths.parameter(&path, number)),
        };
        Ok(response)
    }
}
