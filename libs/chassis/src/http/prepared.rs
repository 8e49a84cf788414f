use std::future::Future;

use poem::{Endpoint, Request};

/// Prepares each request for an endpoint, for example by adding data. `EndpointExt::data` does the same for one value, with an
/// `async fn` for each.
pub(crate) struct Prepared<E, F> {
    inner: E,
    prepare: F,
}

impl<E, F> Prepared<E, F> {
    pub(crate) const fn new(inner: E, prepare: F) -> Self {
        Self { inner, prepare }
    }
}

impl<E: Endpoint, F: Fn(&mut Request) + Send + Sync> Endpoint for Prepared<E, F> {
    type Output = E::Output;

    fn call(&self, mut request: Request) -> impl Future<Output = poem::Result<E::Output>> + Send {
        (self.prepare)(&mut request);
        self.inner.call(request)
    }
}
