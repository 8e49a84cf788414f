use std::{
    borrow::Cow,
    collections::HashMap,
    future::{Future, ready},
};

use percent_encoding::percent_decode_str;
use poem::{
    Endpoint, EndpointExt, Request, Response,
    endpoint::{BoxEndpoint, DynEndpoint},
    http::{HeaderMap, HeaderName, Method, header},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaOperation, MetaParamIn, Registry},
};
use problem::Problem;

use crate::extractors::{Check, with_checks};

/// An API whose operations accept the parameters and headers that they document, and no others.
///
/// Before a handler runs, and before its client is authenticated, these are refused with 400, all of them by name:
///
/// * a query parameter that the operation does not have, that comes twice, that is no UTF-8, that is invalid, or that is
///   required and missing;
/// * a header that an operation reads and that is not ASCII (poem-openapi takes it for absent), that comes twice although it
///   has one value, that is invalid, or that is required and missing.
///
/// The operations declare their parameters as [`Query`](crate::Query) and [`Header`](crate::Header).
///
/// The headers with credentials, `Authorization` and `Cookie`, are read in `token`: if unreadable, the answer is 401. Of
/// `X-Forwarded-For`, the chassis reads the entries that trusted proxies wrote.
#[derive(Debug)]
pub struct Strict<A>(pub A);

/// Headers that are read outside the handlers or by several operations, each with its name as errors show it, and
/// whether it is a list and may be repeated.
static COMMON_HEADERS: [(HeaderName, &str, bool); 6] = [
    (header::HOST, "Host", false),
    (header::ORIGIN, "Origin", false),
    (HeaderName::from_static("sec-fetch-site"), "Sec-Fetch-Site", false),
    (header::CONTENT_TYPE, "Content-Type", false),
    (header::CONTENT_ENCODING, "Content-Encoding", true),
    (header::ACCEPT, "Accept", true),
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
        let (apis, checks) = with_checks(A::meta);
        let mut rules = operations(apis, checks);
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
///
/// # Panics
///
/// Panics if a query parameter or a header is declared with an extractor of poem-openapi.
fn operations(apis: Vec<MetaApi>, checks: Vec<(MetaParamIn, Check)>) -> HashMap<(String, Method), Parameters> {
    let mut checks = checks.into_iter();
    let paths = apis.into_iter().flat_map(|api| api.paths);
    let operations = paths.flat_map(|path| {
        let places = positions(&path.path);
        let operations = path.operations.into_iter();
        operations.map(move |operation| ((places.clone(), operation.method.clone()), operation))
    });
    let operations = operations
        .map(|(place, operation)| (place, Parameters::of(&operation, &mut checks)))
        .collect();
    assert!(checks.next().is_none(), "a parameter is described more than once");
    operations
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
    query: Vec<DeclaredParameter>,
    headers: Vec<DeclaredHeader>,
}

/// A header of an operation.
#[derive(Debug)]
struct DeclaredHeader {
    name: HeaderName,
    is_list: bool,
    declared: DeclaredParameter,
}

/// A query parameter or a header of an operation.
#[derive(Debug)]
struct DeclaredParameter {
    name: String,
    is_required: bool,
    check: Check,
}

impl DeclaredParameter {
    /// Adds the error of the values that were sent, if they are invalid. A parameter that was not sent has none.
    fn check(&self, sent: &[String], add: &mut impl FnMut(&str, &str)) {
        if sent.is_empty() {
            if self.is_required {
                add(&self.name, "is required");
            }
        } else if let Err(reason) = (self.check)(sent) {
            add(&self.name, problem::parameter_error(&reason));
        }
    }
}

impl DeclaredHeader {
    /// # Panics
    ///
    /// Panics if no header can have this name.
    fn of(declared: DeclaredParameter) -> Option<Self> {
        let name = HeaderName::try_from(&declared.name);
        assert!(name.is_ok(), "{} is no name of a header", declared.name);
        let is_list = LISTS.iter().any(|list| declared.name.eq_ignore_ascii_case(list));
        name.ok().map(|name| Self {
            name,
            is_list,
            declared,
        })
    }
}

impl Parameters {
    /// Takes the checks of an operation's parameters.
    fn of(operation: &MetaOperation, checks: &mut impl Iterator<Item = (MetaParamIn, Check)>) -> Self {
        let mut declared = Self::default();
        for parameter in &operation.params {
            let place = parameter.in_type;
            if ![MetaParamIn::Query, MetaParamIn::Header].contains(&place) {
                continue;
            }
            let name = parameter.name.clone();
            let check = checks.next().filter(|(checked, _)| *checked == place);
            assert!(
                check.is_some(),
                "{name} is not declared as input::Query or input::Header"
            );
            let parameter = check.map(|(_, check)| DeclaredParameter {
                name,
                is_required: parameter.required,
                check,
            });
            match place {
                MetaParamIn::Header => declared.headers.extend(parameter.and_then(DeclaredHeader::of)),
                _ => declared.query.extend(parameter),
            }
        }
        declared
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
        let mut sent = HashMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            let shown = name.clone().unwrap_or_else(|| "query".to_owned());
            let is_known = name.is_some_and(|name| self.query.iter().any(|known| known.name == name));
            let values = sent.entry(shown.clone()).or_insert_with(Vec::new);
            values.push(value);
            match (is_known, &values[..]) {
                (false, [_]) => add(&shorten(&shown), "is no parameter of this operation"),
                (true, [_, _]) => add(&shown, "comes twice"),
                (true, [None]) => add(&shown, "must be UTF-8"),
                _ => {}
            }
        }
        for known in &self.query {
            match sent.remove(&known.name).as_deref() {
                None => known.check(&[], add),
                Some([Some(value)]) => known.check(std::slice::from_ref(value), add),
                // Named above.
                Some(_) => {}
            }
        }
    }

    fn check_headers(&self, headers: &HeaderMap, add: &mut impl FnMut(&str, &str)) {
        let own = self.headers.iter().map(|header| {
            (
                &header.name,
                &*header.declared.name,
                header.is_list,
                Some(&header.declared),
            )
        });
        let common = COMMON_HEADERS
            .iter()
            .map(|(name, shown, is_list)| (name, *shown, *is_list, None));
        for (name, shown, is_list, known) in own.chain(common) {
            let lines = headers.get_all(name).iter();
            let lines = lines.map(|line| line.to_str().map(ToOwned::to_owned));
            match lines.collect::<Result<Vec<_>, _>>() {
                Err(_) => add(shown, "must consist of visible ASCII characters"),
                Ok(lines) if !is_list && lines.len() > 1 => add(shown, "comes twice"),
                Ok(lines) => {
                    if let Some(known) = known {
                        known.check(&lines, add);
                    }
                }
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

    // An `async fn` would hold two more copies of the request.
    fn call(&self, request: Request) -> impl Future<Output = poem::Result<Response>> + Send {
        match self.rules.check(&request) {
            Ok(()) => DynEndpoint::call(&*self.endpoint, request),
            Err(error) => Box::pin(ready(Err(error.into()))),
        }
    }
}
