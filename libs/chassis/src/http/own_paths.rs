use std::sync::Arc;

use poem::{
    Endpoint, Request, Response,
    endpoint::{BoxEndpoint, DynEndpoint},
};

/// Serves some paths by an endpoint of their own, and all others by another one.
///
/// A `Route` that is nested below `/` builds the URI of each request anew.
pub(crate) struct OwnPaths {
    pub(crate) paths: &'static [&'static str],
    pub(crate) own: BoxEndpoint<'static, Response>,
    pub(crate) others: Arc<BoxEndpoint<'static, Response>>,
}

impl Endpoint for OwnPaths {
    type Output = Response;

    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let is_own = self.paths.contains(&request.uri().path());
        let endpoint = if is_own { &self.own } else { &self.others };
        DynEndpoint::call(&**endpoint, request)
    }
}
