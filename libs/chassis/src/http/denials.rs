use std::sync::Arc;

use audit::{Entry, Refusals};
use futures_util::TryFutureExt;
use poem::{Endpoint, Request, Response};
use problem::Denied;
use token::AuthenticatedUser;
use values::UserId;

use super::{DocumentedPaths, loggable};
use crate::{ClientAddress, ClientNetwork};

/// The length of a path in the audit log. Paths of operations are shorter.
const MAX_PATH: usize = 200;

/// Counts the requests of signed-in users that were denied, for the audit log. A request does not wait for it.
pub(crate) struct Denials<E> {
    inner: E,
    refusals: Refusals,
    paths: Arc<DocumentedPaths>,
}

impl<E> Denials<E> {
    pub(crate) const fn new(inner: E, refusals: Refusals, paths: Arc<DocumentedPaths>) -> Self {
        Self { inner, refusals, paths }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Denials<E> {
    type Output = Response;

    // An `async fn` would hold a copy of the request.
    fn call(&self, mut request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        let user = AuthenticatedUser::default();
        request.set_data(user.clone());
        let client = ClientAddress::of(&request);
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let called = self.inner.call(request);
        called.map_ok(move |response| {
            if let (Some(_), Some(user)) = (response.extensions().get::<Denied>(), user.get()) {
                let subject = format!(
                    "{method} {}",
                    bounded(loggable(self.paths.route(uri.path()), uri.path()))
                );
                self.refusals.count(denial(user, client, subject));
            }
            response
        })
    }
}

fn denial(user: UserId, client: ClientAddress, subject: String) -> Entry {
    Entry {
        action: "denied",
        actor: Some(user.to_string()),
        subject: Some(subject),
        network: Some(ClientNetwork::narrowest(client.0).to_string()),
        result: "not-yours",
    }
}

/// Returns the path, which has the id of the resource, up to a length. It is ASCII.
fn bounded(path: &str) -> &str {
    path.get(..MAX_PATH).unwrap_or(path)
}
