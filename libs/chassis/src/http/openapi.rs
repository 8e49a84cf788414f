use input::Strict;
use poem_openapi::OpenApiService;
use serde_json::{Map, Value, json};

use crate::Service;

/// Returns the OpenAPI document of a service, with the refusals that every operation can answer.
pub fn openapi_document<S: Service>() -> Value {
    let text = openapi_service::<S>().spec();
    // poem-openapi prints JSON; were it not, the drift test would show an empty document.
    let mut document = problem::complete(serde_json::from_str(&text).unwrap_or_default());
    plain_references(&mut document);
    document
}

/// Writes a described reference as `{"allOf": [{"$ref": …}], "description": …}`. poem-openapi repeats the description
/// inside `allOf`, which generators of clients take for a second type.
fn plain_references(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(parts)) = fields.get_mut("allOf")
                && parts.len() == 2
                && parts[0].get("$ref").is_some()
                && parts[1].get("type").is_none()
            {
                let beside = parts.pop();
                for (name, value) in beside.as_ref().and_then(Value::as_object).into_iter().flatten() {
                    fields.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            fields.values_mut().for_each(plain_references);
        }
        Value::Array(items) => items.iter_mut().for_each(plain_references),
        _ => {}
    }
}

pub(crate) fn openapi_service<S: Service>() -> OpenApiService<Strict<S::Api>, ()> {
    OpenApiService::new(
        Strict(S::api()),
        format!("Ticketing: {}", S::NAME),
        env!("CARGO_PKG_VERSION"),
    )
    .description(S::ABOUT)
    .server("/")
}

/// Merges several documents into one: for one Swagger UI of all services, and for generated clients.
pub fn merge_documents(specs: &[Value]) -> Value {
    let mut whole = json!({
        "openapi": "3.0.0",
        "info": {
            "title": "Ticketing",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An open-source marketplace for buying and selling event tickets.",
        },
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    });
    for spec in specs {
        for place in ["/paths", "/components/schemas", "/components/securitySchemes"] {
            let part = spec
                .pointer(place)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            if let Some(into) = whole.pointer_mut(place).and_then(Value::as_object_mut) {
                merge(into, part);
            }
        }
        let tags = spec["tags"].as_array().cloned().unwrap_or_default();
        if let Some(into) = whole["tags"].as_array_mut() {
            into.extend(tags);
        }
    }
    whole
}

/// Merges schemas by name. Two different schemas of one name make the drift test fail.
fn merge(into: &mut Map<String, Value>, part: Map<String, Value>) {
    for (name, value) in part {
        match into.get(&name) {
            Some(known) if *known != value => {
                into.insert(format!("{name}_CONFLICT"), value);
            }
            Some(_) => {}
            None => {
                into.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_described_reference_is_one_type() {
        let mut document = json!({"price": {"allOf": [{"$ref": "#/Money"}, {"description": "of one", "default": 1}]}});
        plain_references(&mut document);
        assert_eq!(
            document,
            json!({"price": {"allOf": [{"$ref": "#/Money"}], "description": "of one", "default": 1}})
        );
    }

    #[test]
    fn documents_merge_and_a_conflict_shows() {
        let one = json!({"paths": {"/a": {}}, "components": {"schemas": {"Money": {"type": "object"}}}, "tags": [{"name": "a"}]});
        let two = json!({"paths": {"/b": {}}, "components": {"schemas": {"Money": {"type": "string"}}}});
        let whole = merge_documents(&[one.clone(), one, two]);
        assert_eq!(whole["paths"].as_object().unwrap().len(), 2);
        assert!(whole["components"]["schemas"]["Money_CONFLICT"].is_object());
    }
}
