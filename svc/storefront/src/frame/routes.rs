use std::sync::Arc;

use chassis::{ClientAddress, site::Pages};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, EndpointExt, FromRequest, Request, RequestBody, Response, Route};
use token::CsrfGuard;

use super::{App, Failure, PageResult, Visit, arrival};
use crate::session::Session;

type Handler = Arc<dyn Fn(Visit) -> BoxFuture<'static, PageResult> + Send + Sync>;

/// The handlers of a path: one shows the page, one accepts its form.
#[derive(Clone, Default)]
pub(crate) struct Methods {
    get: Option<Handler>,
    post: Option<Handler>,
}

/// Returns the methods of a path that is shown.
pub(crate) fn get<F>(handler: impl Fn(Visit) -> F + Send + Sync + 'static) -> Methods
where
    F: Future<Output = PageResult> + Send + 'static,
{
    Methods {
        get: Some(boxed(handler)),
        post: None,
    }
}

/// Returns the methods of a path that only receives a form.
pub(crate) fn post<F>(handler: impl Fn(Visit) -> F + Send + Sync + 'static) -> Methods
where
    F: Future<Output = PageResult> + Send + 'static,
{
    Methods::default().post(handler)
}

impl Methods {
    /// Adds the handler of the form that is sent to the path.
    pub(crate) fn post<F>(self, handler: impl Fn(Visit) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = PageResult> + Send + 'static,
    {
        Self {
            post: Some(boxed(handler)),
            ..self
        }
    }

    fn handler(&self, method: &Method) -> Option<&Handler> {
        match *method {
            Method::GET | Method::HEAD => self.get.as_ref(),
            Method::POST => self.post.as_ref(),
            _ => None,
        }
    }

    /// As the header `Allow` lists them (RFC 9110).
    fn allowed(&self) -> &'static str {
        match (&self.get, &self.post) {
            (Some(_), Some(_)) => "GET, HEAD, POST",
            (None, Some(_)) => "POST",
            _ => "GET, HEAD",
        }
    }
}

fn boxed<F>(handler: impl Fn(Visit) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = PageResult> + Send + 'static,
{
    Arc::new(move |visit| Box::pin(handler(visit)))
}

/// The paths of the pages, with their handlers.
#[derive(Default)]
pub(crate) struct Routes(Vec<(&'static str, Methods)>);

impl Routes {
    /// Adds a path such as `/events/{id}`.
    #[must_use]
    pub(crate) fn at(mut self, path: &'static str, methods: Methods) -> Self {
        self.0.push((path, methods));
        self
    }

    /// Returns the paths with their methods, as the header `Allow` lists them.
    pub(crate) fn allowed(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|(path, methods)| (*path, methods.allowed()))
    }

    /// Builds the endpoint of all pages.
    pub(crate) fn build(self, app: Arc<App>) -> Pages {
        let paths = self.allowed().map(|(path, allowed)| (path.to_owned(), allowed));
        let paths = paths.collect();
        let mut route = Route::new();
        for (path, methods) in self.0 {
            let parameters = path.split('/').filter_map(parameter_name).collect();
            route = route.at(pattern(path), PathEndpoint { methods, parameters });
        }
        Pages {
            paths,
            endpoint: SiteEndpoint { app, route }.boxed(),
        }
    }
}

/// Returns the path as poem writes it: `/events/:id`.
fn pattern(path: &str) -> String {
    let part = |part: &str| match parameter_name(part) {
        Some(name) => format!(":{name}"),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn parameter_name(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// Responds to every request with a page, also where it fails.
struct SiteEndpoint {
    app: Arc<App>,
    route: Route,
}

impl Endpoint for SiteEndpoint {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let ClientAddress(client) = ClientAddress::from_request(&request, &mut RequestBody::default()).await?;
        let session = Session::new(Arc::clone(&self.app.api), client, request.headers());
        let (method, uri, headers) = (
            request.method().clone(),
            request.uri().clone(),
            request.headers().clone(),
        );
        let visit = Visit::new(Arc::clone(&self.app), session, method, uri, headers);
        let response = if CsrfGuard::check(&request).is_err() {
            Failure::Forbidden.into_response(&visit)
        } else if let Some(response) = arrival::respond(&visit) {
            response
        } else {
            request.set_data(visit.clone());
            match self.route.call(request).await {
                Ok(response) => response,
                // The router knows no other failure than an unknown path.
                Err(_) => Failure::NotFound.into_response(&visit),
            }
        };
        Ok(visit.finish(response))
    }
}

/// Responds to requests of one path.
struct PathEndpoint {
    methods: Methods,
    parameters: Vec<&'static str>,
}

impl Endpoint for PathEndpoint {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let Some(visit) = request.data::<Visit>().cloned() else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into());
        };
        let Some(handler) = self.methods.handler(request.method()) else {
            let mut response = Failure::MethodNotAllowed.into_response(&visit);
            let allowed = HeaderValue::from_static(self.methods.allowed());
            response.headers_mut().insert(header::ALLOW, allowed);
            return Ok(response);
        };
        let value = |name: &&'static str| Some((*name, request.raw_path_param(name)?.to_owned()));
        let parameters = self.parameters.iter().filter_map(value).collect();
        visit.routed(parameters, request.take_body());
        Ok(match handler(visit.clone()).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(&visit),
        })
    }
}
