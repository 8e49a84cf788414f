use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::CHASSIS_PATHS;

/// The methods that every resource with a representation has.
const READ: &str = "GET, HEAD";

/// Returns a path as it may be recorded: one that holds a secret token is replaced by its template.
pub(crate) fn loggable<'a>(route: Option<&'a str>, path: &'a str) -> &'a str {
    route.filter(|route| route.contains("{token}")).unwrap_or(path)
}

/// The paths of a service's OpenAPI document, such as `/api/v1/orders/{id}`, with their methods. Those with fewer parameters
/// come first: a request belongs to the most specific path, as in the router.
pub(crate) struct DocumentedPaths(Vec<DocumentedPath>);

struct DocumentedPath {
    template: &'static str,
    /// See [`prefix`].
    prefix: (&'static str, usize),
    parts: Vec<Part>,
    methods: String,
}

enum Part {
    Literal(String),
    Parameter(String),
}

impl DocumentedPaths {
    pub(crate) fn of(document: &Value) -> Self {
        let methods = |item: &Value| {
            let names = item
                .as_object()
                .into_iter()
                .flatten()
                .map(|(method, _)| method.to_uppercase());
            let mut names: Vec<_> = names.collect();
            // A HEAD is answered like a GET, without the body.
            if names.iter().any(|name| name == "GET") && !names.iter().any(|name| name == "HEAD") {
                names.push("HEAD".to_owned());
            }
            names.sort_unstable();
            names.join(", ")
        };
        let paths = document["paths"].as_object().into_iter().flatten();
        Self::sorted(paths.map(|(path, item)| (path.clone(), methods(item))))
    }

    /// Returns the paths of a site, with their methods.
    pub(crate) fn of_site(paths: &[(String, &'static str)]) -> Self {
        Self::sorted(
            paths
                .iter()
                .map(|(path, methods)| (path.clone(), (*methods).to_owned())),
        )
    }

    fn sorted(paths: impl Iterator<Item = (String, String)>) -> Self {
        let mut paths: Vec<_> = paths
            .map(|(template, methods)| {
                // Leaked: a service has one list of paths, as long as the process runs.
                let template: &'static str = template.leak();
                DocumentedPath {
                    template,
                    prefix: prefix(template),
                    parts: template.split('/').map(Part::parse).collect(),
                    methods,
                }
            })
            .collect();
        paths.sort_by_key(|path| path.parameters().count());
        Self(paths)
    }

    /// Returns the name of a path's parameter by its number, counted from 0.
    pub(crate) fn parameter(&self, path: &str, number: usize) -> Option<String> {
        self.find(path)?.parameters().nth(number).map(ToOwned::to_owned)
    }

    /// Returns the name of the first parameter of a requested path that is not UTF-8 once decoded, or `path` if another part
    /// of it is not.
    pub(crate) fn undecodable(&self, path: &str) -> Option<String> {
        if !path.contains('%') {
            return None;
        }
        let is_undecodable = |part: &str| percent_decode_str(part).decode_utf8().is_err();
        let part = path.split('/').position(is_undecodable)?;
        let part = self.find(path).and_then(|path| path.parts.get(part)?.parameter());
        Some(part.unwrap_or("path").to_owned())
    }

    /// Returns the methods of a path as the header `Allow` lists them (RFC 9110).
    pub(crate) fn methods(&self, path: &str) -> Option<&str> {
        if CHASSIS_PATHS.contains(&path) {
            return Some(READ);
        }
        self.find(path).map(|path| path.methods.as_str())
    }

    /// Returns the template of a requested path: one of a few, whatever path a client requests.
    pub(crate) fn route(&self, path: &str) -> Option<&'static str> {
        self.find(path).map(|path| path.template)
    }

    fn find(&self, path: &str) -> Option<&DocumentedPath> {
        let path = path.trim_end_matches('/');
        self.0.iter().find(|documented| documented.matches(path))
    }
}

/// Returns the text before the first parameter, and the number of parts in it.
fn prefix(template: &'static str) -> (&'static str, usize) {
    match template.split_once('{') {
        Some((prefix, _)) => (prefix, prefix.matches('/').count()),
        None => (template, template.split('/').count()),
    }
}

impl DocumentedPath {
    fn matches(&self, path: &str) -> bool {
        let (prefix, count) = self.prefix;
        let Some(rest) = path.strip_prefix(prefix) else {
            return false;
        };
        let mut requested = rest.split('/');
        let matches = |part: &Part| requested.next().is_some_and(|requested| part.matches(requested));
        match &self.parts[count..] {
            [] => rest.is_empty(),
            parts => parts.iter().all(matches) && requested.next().is_none(),
        }
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(Part::parameter)
    }
}

impl Part {
    fn parse(part: &str) -> Self {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        name.map_or_else(
            || Self::Literal(part.to_owned()),
            |name| Self::Parameter(name.to_owned()),
        )
    }

    /// Returns its name, if it is a parameter.
    fn parameter(&self) -> Option<&str> {
        match self {
            Self::Parameter(name) => Some(name),
            Self::Literal(_) => None,
        }
    }

    fn matches(&self, requested: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == requested,
            Self::Parameter(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_requested_path_matches_its_template() {
        let paths = DocumentedPaths::of(&json!({"paths": {
            "/api/v1/a": {"post": {}, "get": {}},
            "/api/v1/a/{id}": {"get": {}},
            "/api/v1/a/{id}/b/{orderId}": {"delete": {}},
        }}));
        assert_eq!(paths.parameter("/api/v1/a/42", 0).as_deref(), Some("id"));
        assert_eq!(paths.parameter("/api/v1/a/42/b/7", 1).as_deref(), Some("orderId"));
        assert_eq!(paths.parameter("/api/v1/c/42", 0), None);
        assert_eq!(paths.route("/api/v1/a/42"), Some("/api/v1/a/{id}"));
        assert_eq!(paths.methods("/api/v1/a"), Some("GET, HEAD, POST"));
    }

    #[test]
    fn a_part_that_is_not_utf8_is_named() {
        let paths = DocumentedPaths::of(&json!({"paths": {"/api/v1/a/{id}/b/{orderId}": {"delete": {}}}}));
        assert_eq!(paths.undecodable("/api/v1/a/7/b/%FF").as_deref(), Some("orderId"));
        assert_eq!(paths.undecodable("/api/v1/a/%c3/b/%FF").as_deref(), Some("id"));
        assert_eq!(paths.undecodable("/%80").as_deref(), Some("path"));
        assert_eq!(paths.undecodable("/api/v1/a/%C3%A9/b/%zz"), None);
    }

    #[test]
    fn a_literal_path_precedes_a_parameter() {
        let paths = DocumentedPaths::of(&json!({"paths": {
            "/api/v1/a/{id}": {"get": {}},
            "/api/v1/a/{id}/{name}": {"put": {}},
            "/api/v1/a/{id}/b": {"delete": {}},
            "/api/v1/a/webhook": {"post": {}},
        }}));
        assert_eq!(paths.methods("/api/v1/a/webhook"), Some("POST"));
        assert_eq!(paths.methods("/api/v1/a/7/b"), Some("DELETE"));
        assert_eq!(paths.methods("/metrics"), Some("GET, HEAD"));
    }
}
