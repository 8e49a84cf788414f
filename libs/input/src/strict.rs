use std::{borrow::Cow, collections::HashMap};

use percent_encoding::percent_decode_str;
use poem::{
    Endpoint, EndpointExt, Request, Response,
    endpoint::BoxEndpoint,
    http::{HeaderMap, Method},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaOperation, MetaParamIn, Registry},
};
use problem::Problem;

/// An API whose operations accept the parameters and headers that they document, and no others.
///
/// Before a handler runs, and before its client is authenticated, these are refused with 400, by name:
///
/// * a query parameter that the operation does not have, that comes twice, or that is no UTF-8;
/// * a header that an operation reads and that is not ASCII (poem-openapi takes it for absent), or that comes twice although it
///   has one value.
///
/// The headers with credentials, `Authorization` and `Cookie`, are read in `token`: if unreadable, the answer is 401. Of
/// `X-Forwarded-For`, the chassis reads the entries that trusted proxies wrote.
#[derive(Debug)]
pub struct Strict<A>(pub A);

/// Headers that are read outside the handlers or by several operations, each with whether it is a list and may be repeated.
const COMMON_HEADERS: [(&str, bool); 6] = [
    ("Host", false),
    ("Origin", false),
    ("Sec-Fetch-Site", false),
    ("Content-Type", false),
    ("Content-Encoding", true),
    ("Accept", true),
];

/// The maximum number of errors in one response.
const MAX_ERRORS: usize = 20;

/// Documented headers that are lists and may be repeated (RFC 9110, section 5.3).
const LISTS: [&str; 2] = ["If-Match", "If-None-Match"];

impl<A: OpenApi> OpenApi for Strict<A> {
    fn meta() -> Vec<MetaApi> {
        A::meta()
    }

    fn register(registry: &mut Registry) {
        A::register(registry);
    }

    fn add_routes(self, routes: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        let mut rules = operations(A::meta());
        let mut lenient = HashMap::new();
        self.0.add_routes(&mut lenient);
        for (path, methods) in lenient {
            let places = positions(&path);
            for (method, endpoint) in methods {
                let rules = rules.remove(&(places.clone(), method.clone())).unwrap_or_default();
                let strict = StrictEndpoint { endpoint, rules };
                routes.entry(path.clone()).or_default().insert(method, strict.boxed());
            }
        }
    }
}

/// Returns the parameters of each operation, by path and method.
fn operations(apis: Vec<MetaApi>) -> HashMap<(String, Method), Parameters> {
    let paths = apis.into_iter().flat_map(|api| api.paths);
    let operations = paths.flat_map(|path| {
        let places = positions(&path.path);
        let operations = path.operations.into_iter();
        operations.map(move |operation| ((places.clone(), operation.method.clone()), operation))
    });
    operations
        .map(|(place, operation)| (place, Parameters::of(&operation)))
        .collect()
}

/// Returns a path with `*` for each parameter: poem writes `:param0`, the document `{id}`.
fn positions(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with([':', '{']) { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The parameters of an operation.
#[derive(Debug, Default)]
struct Parameters {
    query: Vec<String>,
    headers: Vec<String>,
}

impl Parameters {
    fn of(operation: &MetaOperation) -> Self {
        let names = |place: MetaParamIn| {
            let parameters = operation.params.iter();
            let here = parameters.filter(move |parameter| parameter.in_type == place);
            here.map(|parameter| parameter.name.clone()).collect()
        };
        Self {
            query: names(MetaParamIn::Query),
            headers: names(MetaParamIn::Header),
        }
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let (mut problem, mut count) = (None, 0_usize);
        let mut add = |field: &str, message: &str| {
            count += 1;
            let known = problem.take();
            let known = known.unwrap_or_else(|| Problem::malformed("A parameter or a header is not as it must be."));
            problem = Some(if count > MAX_ERRORS {
                known
            } else {
                known.field(field, message)
            });
        };
        self.check_query(request.uri().query().unwrap_or_default(), &mut add);
        self.check_headers(request.headers(), &mut add);
        problem.map_or(Ok(()), Err)
    }

    fn check_query(&self, query: &str, add: &mut impl FnMut(&str, &str)) {
        let mut seen = HashMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            let shown = name.clone().unwrap_or_else(|| "query".to_owned());
            let is_known = name.is_some_and(|name| self.query.contains(&name));
            let times = seen.entry(shown.clone()).or_insert(0_u32);
            *times += 1;
            match (is_known, *times) {
                (false, 1) => add(&shorten(&shown), "is no parameter of this operation"),
                (true, 2) => add(&shown, "comes twice"),
                (true, 1) if value.is_none() => add(&shown, "must be UTF-8"),
                _ => {}
            }
        }
    }

    fn check_headers(&self, headers: &HeaderMap, add: &mut impl FnMut(&str, &str)) {
        let own = self.headers.iter().map(|name| {
            let is_list = LISTS.iter().any(|list| name.eq_ignore_ascii_case(list));
            (name.as_str(), is_list)
        });
        for (name, is_list) in own.chain(COMMON_HEADERS) {
            let sent = headers.get_all(name);
            if sent.iter().any(|value| value.to_str().is_err()) {
                add(name, "must consist of visible ASCII characters");
            } else if !is_list && sent.iter().nth(1).is_some() {
                add(name, "comes twice");
            }
        }
    }
}

/// Decodes a part of a query (`application/x-www-form-urlencoded`). `None` if it is no UTF-8.
fn decode(part: &str) -> Option<String> {
    let part = part.replace('+', " ");
    percent_decode_str(&part).decode_utf8().ok().map(Cow::into_owned)
}

/// Returns at most 100 characters of a name that a client chose.
fn shorten(name: &str) -> String {
    name.chars().take(100).collect()
}

struct StrictEndpoint {
    endpoint: BoxEndpoint<'static>,
    rules: Parameters,
}

impl Endpoint for StrictEndpoint {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        self.rules.check(&request)?;
        self.endpoint.call(request).await
    }
}
