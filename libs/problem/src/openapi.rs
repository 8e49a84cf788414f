use std::collections::HashSet;

use serde_json::{Map, Value, json};

/// Completes an OpenAPI document of poem-openapi: adds the error responses from before or around the handlers, an example to
/// each error response, and `additionalProperties: false` to every object of a request.
#[must_use]
pub fn complete(mut spec: Value) -> Value {
    let paths = spec.get_mut("paths").and_then(Value::as_object_mut);
    for (_, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                complete_operation(method, operation);
            }
        }
    }
    let schemas = spec.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    if let Some(schemas) = schemas {
        for (name, schema) in problem_schemas() {
            schemas.entry(name).or_insert(schema);
        }
    }
    close_request_objects(&mut spec);
    spec
}

/// Declares that objects of requests have no other fields than those listed. poem-openapi cannot express it.
fn close_request_objects(spec: &mut Value) {
    let mut references = Vec::new();
    let items = spec["paths"].as_object().into_iter().flatten();
    for operation in items.filter_map(|(_, item)| item.as_object()).flatten() {
        find_references(&operation.1["requestBody"], &mut references);
    }
    let mut closed = HashSet::new();
    while let Some(reference) = references.pop() {
        let Some(schema) = spec.pointer_mut(reference.trim_start_matches('#')) else {
            continue;
        };
        if closed.insert(reference) {
            find_references(schema, &mut references);
            if schema["type"] == "object" {
                schema["additionalProperties"] = json!(false);
            }
        }
    }
}

fn find_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
            fields.values().for_each(|value| find_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| find_references(value, found)),
        _ => {}
    }
}

/// The schema of a problem, and those that it refers to.
fn problem_schemas() -> impl Iterator<Item = (String, Value)> {
    use poem_openapi::{registry::Registry, types::Type};
    let mut registry = Registry::new();
    crate::ProblemDocument::register(&mut registry);
    registry
        .schemas
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
}

fn complete_operation(method: &str, operation: &mut Map<String, Value>) {
    let writes = !matches!(method, "get" | "head");
    let secured = operation
        .get("security")
        .and_then(Value::as_array)
        .is_some_and(|schemes| !schemes.is_empty());
    let has_body = operation.contains_key("requestBody");
    remove_optional_examples(operation);
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    let mut add = |status: u16, description: &str| {
        responses.entry(status.to_string()).or_insert_with(|| {
            json!({
                "description": description,
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            })
        });
    };
    add(
        400,
        "A parameter is unknown, repeated or malformed, a header is unreadable, or the body is no JSON; the response names it.",
    );
    if secured {
        add(401, "Not signed in, or not any more.");
    }
    if secured && writes {
        add(
            403,
            "A cookie came with a write from another site, or this is not yours to change.",
        );
    }
    if has_body {
        add(408, "The body came too slowly.");
        add(413, "The body is too large.");
        add(415, "The body is not application/json in UTF-8, or compressed.");
        add(
            422,
            "Fields are missing, unknown, duplicate or invalid; the response names each.",
        );
    }
    add(500, "Something went wrong on our side.");
    add(
        503,
        "For now not possible, for instance because a disk is full; nothing was changed.",
    );
    for (status, response) in responses.iter_mut() {
        // A handler that returns plain JSON has no description.
        if response["description"] == "" {
            response["description"] = json!("As asked.");
        }
        let kind = response["description"]
            .as_str()
            .and_then(first_kind)
            .map(ToOwned::to_owned);
        if let Some(media) = response
            .pointer_mut("/content/application~1problem+json")
            .and_then(Value::as_object_mut)
        {
            media.insert("example".to_owned(), example(status, kind.as_deref()));
        }
    }
}

/// Swagger UI sends the example of a parameter unless its user deletes it: the same idempotency key each time, and filters
/// that match nothing.
fn remove_optional_examples(operation: &mut Map<String, Value>) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["required"] != true)
    {
        if let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) {
            schema.remove("example");
        }
    }
}

/// Returns the first problem type of a description such as "`sold-out`: …".
fn first_kind(description: &str) -> Option<&str> {
    let (kind, rest) = description.strip_prefix('`')?.split_once('`')?;
    rest.starts_with([':', ',', ' ']).then_some(kind)
}

fn example(status: &str, kind: Option<&str>) -> Value {
    let (slug, title) = match status {
        "400" => ("malformed", "The request is malformed"),
        "401" => ("unauthorized", "Sign in first"),
        "402" => ("card-declined", "The card was declined"),
        "403" => ("forbidden", "Not allowed"),
        "404" => ("not-found", "Not found"),
        "408" => ("request-timeout", "The request did not arrive in time"),
        "409" => ("conflict", "Not possible as things stand"),
        "412" => ("stale", "It was changed in the meantime"),
        "413" => ("payload-too-large", "The body is too large"),
        "415" => (
            "unsupported-media-type",
            "The body has a format that is not understood here",
        ),
        "422" => ("invalid-fields", "Some fields are not valid"),
        "429" => ("too-many-requests", "Too many requests"),
        "503" => ("unavailable", "Not possible for now"),
        _ => ("internal", "Something went wrong on our side"),
    };
    let mut example = json!({
        "type": format!("urn:ticketing:problem:{}", kind.unwrap_or(slug)),
        "title": title,
        "status": status.parse::<u16>().unwrap_or(500),
    });
    if status == "422" {
        example["errors"] = json!([{"field": "quantity", "message": "must be at least 1"}]);
    }
    example
}
