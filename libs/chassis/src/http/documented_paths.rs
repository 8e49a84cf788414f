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
pub(crate) struct DocumentedPaths(Vec<(String, String)>);

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
        let mut paths: Vec<_> = paths.collect();
        paths.sort_by_key(|(path, _)| path.split('/').filter_map(parameter_name).count());
        Self(paths)
    }

    /// Returns the name of a path's parameter by its number, counted from 0.
    pub(crate) fn parameter(&self, path: &str, number: usize) -> Option<String> {
        self.find(path)?
            .0
            .split('/')
            .filter_map(parameter_name)
            .nth(number)
            .map(ToOwned::to_owned)
    }

    /// Returns the name of the first parameter of a requested path that is not UTF-8 once decoded, or `path` if another part
    /// of it is not.
    pub(crate) fn undecodable(&self, path: &str) -> Option<String> {
        let is_undecodable = |part: &str| percent_decode_str(part).decode_utf8().is_err();
        let part = path.split('/').position(is_undecodable)?;
        let template = self.find(path).and_then(|(template, _)| template.split('/').nth(part));
        Some(template.and_then(parameter_name).unwrap_or("path").to_owned())
    }

    /// Returns the methods of a path as the header `Allow` lists them (RFC 9110).
    pub(crate) fn methods(&self, path: &str) -> Option<&str> {
        if CHASSIS_PATHS.contains(&path) {
            return Some(READ);
        }
        self.find(path).map(|(_, methods)| methods.as_str())
    }

    /// Returns the template of a requested path: one of a few, whatever path a client requests.
    pub(crate) fn route(&self, path: &str) -> Option<&str> {
        self.find(path).map(|(template, _)| template.as_str())
    }

    fn find(&self, path: &str) -> Option<&(String, String)> {
        let requested: Vec<_> = path.trim_end_matches('/').split('/').collect();
        self.0.iter().find(|(template, _)| {
            let parts: Vec<_> = template.split('/').collect();
            parts.len() == requested.len()
                && parts
                    .iter()
                    .zip(&requested)
                    .all(|(part, requested)| part == requested || parameter_name(part).is_some())
        })
    }
}

fn parameter_name(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
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
