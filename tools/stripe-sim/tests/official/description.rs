//! Stripe's OpenAPI description, to validate responses.

use serde_json::{Map, Value};

/// The document.
pub(crate) struct Description(pub(crate) Value);

impl Description {
    /// Returns the violations in the response to a request, such as `POST /v1/payment_intents/{intent}/capture`.
    pub(crate) fn violations(&self, method: &str, path: &str, body: &Value) -> Vec<String> {
        let schema =
            &self.0["paths"][path][method.to_lowercase()]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} is not described");
        let mut violations = Vec::new();
        self.check(schema, body, path, &mut violations);
        violations
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, violations: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.trim_start_matches('#');
            return self.check(self.0.pointer(pointer).unwrap(), value, at, violations);
        }
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let tried = choices.iter().map(|choice| {
                let mut found = Vec::new();
                self.check(choice, value, at, &mut found);
                found
            });
            violations.extend(tried.min_by_key(Vec::len).unwrap_or_default());
            return;
        }
        let fits = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            _ => true,
        };
        if !fits {
            violations.push(format!("{at}: {value} is no {}", schema["type"]));
            return;
        }
        if let (Some(words), true) = (schema["enum"].as_array(), schema["x-stripeBypassValidation"] != true)
            && !words.contains(value)
        {
            violations.push(format!("{at}: {value} is none of {words:?}"));
        }
        if let Some(items) = value.as_array() {
            for (index, item) in items.iter().enumerate() {
                self.check(&schema["items"], item, &format!("{at}[{index}]"), violations);
            }
        }
        if let Some(fields) = value.as_object() {
            self.check_fields(schema, fields, at, violations);
        }
    }

    fn check_fields(&self, schema: &Value, fields: &Map<String, Value>, at: &str, violations: &mut Vec<String>) {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                violations.push(format!("{at}: {name} is missing"));
            }
        }
        let Some(known) = schema["properties"].as_object() else {
            return;
        };
        for (name, value) in fields {
            match known.get(name) {
                Some(schema) => self.check(schema, value, &format!("{at}.{name}"), violations),
                None if schema.get("additionalProperties").is_some_and(|more| more != false) => {}
                None => violations.push(format!("{at}: {name} is unknown")),
            }
        }
    }
}

#[test]
fn missing_unknown_and_mistyped_fields_are_violations() {
    let description = Description(serde_json::json!({
        "paths": { "/v1/things": { "get": { "responses": { "200": { "content": { "application/json": { "schema": {
            "$ref": "#/components/schemas/thing"
        } } } } } } } },
        "components": { "schemas": { "thing": {
            "type": "object", "required": ["id", "status"],
            "properties": {
                "id": { "type": "string" }, "amount": { "type": "integer" },
                "status": { "type": "string", "enum": ["open"] },
                "of": { "anyOf": [{ "type": "string" }, { "$ref": "#/components/schemas/thing" }], "nullable": true },
            },
        } } },
    }));
    let violations = |value| description.violations("GET", "/v1/things", &value);
    let sound = serde_json::json!({ "id": "1", "status": "open", "of": { "id": "2", "status": "open", "of": null } });
    assert_eq!(violations(sound), Vec::<String>::new());
    let unsound = serde_json::json!({ "id": 1, "amount": "2", "status": "shut", "of": 3, "colour": "red" });
    assert_eq!(violations(unsound).len(), 5);
    assert_eq!(violations(serde_json::json!({})).len(), 2);
}
