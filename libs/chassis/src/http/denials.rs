use audit::{Entry, Refusals};
use poem::{Endpoint, FromRequest, Request, RequestBody, Response, http::Uri};
use problem::Denied;
use token::AuthenticatedUser;
use values::UserId;

use crate::{ClientAddress, ClientNetwork};

/// The length of a path in the audit log. Paths of operations are shorter.
const MAX_PATH: usize = 200;

/// Counts the requests of signed-in users that were denied, for the audit log. A request does not wait for it.
pub(crate) struct Denials<E> {
    inner: E,
    refusals: Refusals,
}

impl<E> Denials<E> {
    pub(crate) const fn new(inner: E, refusals: Refusals) -> Self {
        Self { inner, refusals }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Denials<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let user = AuthenticatedUser::default();
        request.set_data(user.clone());
        let client = ClientAddress::from_request(&request, &mut RequestBody::default()).await?;
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.inner.call(request).await?;
        if let (Some(_), Some(user)) = (response.extensions().get::<Denied>(), user.get()) {
            let subject = format!("{method} {}", path(&uri));
            self.refusals.count(denial(user, client, subject));
        }
        Ok(response)
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
fn path(uri: &Uri) -> &str {
    let path = uri.path();
    path.get(..MAX_PATH).unwrap_or(path)
}
