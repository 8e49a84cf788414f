use serde_json::Value;

/// The paths of a service as its document writes them: `/api/v1/orders/{id}`, with their methods.
pub(crate) struct Paths(Vec<(String, String)>);

impl Paths {
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

    /// The name of a path's parameter, by its number counted from 0.
    pub(crate) fn parameter(&self, path: &str, number: usize) -> Option<String> {
        self.find(path)?
            .0
            .split('/')
            .filter_map(name)
            .nth(number)
            .map(ToOwned::to_owned)
    }

    /// The methods that a path knows, as the header `Allow` lists them (RFC 9110).
    pub(crate) fn methods(&self, path: &str) -> Option<String> {
        self.find(path).map(|(_, methods)| methods.clone())
    }

    /// A path as the document writes it: one of a few, whatever clients ask for.
    pub(crate) fn route(&self, path: &str) -> Option<&str> {
        self.find(path).map(|(template, _)| template.as_str())
    }

    fn find(&self, path: &str) -> Option<&(String, String)> {
        let asked: Vec<_> = path.trim_end_matches('/').split('/').collect();
        self.0.iter().find(|(template, _)| {
            let parts: Vec<_> = template.split('/').collect();
            parts.len() == asked.len()
                && parts
                    .iter()
                    .zip(&asked)
                    .all(|(part, asked)| part == asked || name(part).is_some())
        })
    }
}

fn name(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_found_by_what_was_asked() {
        let paths = Paths::of(&json!({"paths": {
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
