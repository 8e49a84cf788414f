use poem::{Endpoint, Request, Response};
use tokio::sync::OnceCell;

use super::asset::Asset;
use crate::OperatorError;

/// A file that is made at its first request, on a thread for blocking work.
pub(super) struct LazyAsset<F> {
    cell: OnceCell<Asset>,
    make: F,
}

impl<F> LazyAsset<F> {
    pub(super) const fn new(make: F) -> Self {
        Self {
            cell: OnceCell::const_new(),
            make,
        }
    }
}

impl<F: Fn() -> Asset + Clone + Send + Sync + 'static> Endpoint for LazyAsset<F> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let made = self
            .cell
            .get_or_try_init(|| tokio::task::spawn_blocking(self.make.clone()));
        match made.await {
            Ok(asset) => Ok(asset.response(&request)),
            Err(panic) => Err(problem::Problem::internal(&OperatorError::new(panic)).into()),
        }
    }
}
