use serde_json::Value;

/// The paths of a service's OpenAPI document, such as `/api/v1/orders/{id}`, with their methods.
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
            names.sort_unstable();
            names.join(", ")
        };
        let paths = document["paths"].as_object().into_iter().flatten();
        Self(paths.map(|(path, item)| (path.clone(), methods(item))).collect())
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

    /// Returns the methods of a path as the header `Allow` lists them (RFC 9110).
    pub(crate) fn methods(&self, path: &str) -> Option<String> {
        self.find(path).map(|(_, methods)| methods.clone())
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
        assert_eq!(paths.methods("/api/v1/a").as_deref(), Some("GET, POST"));
    }
}
