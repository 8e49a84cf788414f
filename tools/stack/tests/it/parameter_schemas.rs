//! The schemas of parameters describe what the services accept: no less, and no more.

use serde_json::json;

use crate::{
    operations::{UNKNOWN_ID, operations},
    schemas::{STRIPE, UNUSUAL_IDS, UNUSUAL_TIMES, json_schema, resolve},
    test_app::TestApp,
};

#[tokio::test]
async fn a_service_accepts_a_parameter_if_its_schema_does() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    let long = [255, 256, 200, 201].map(|length| "a".repeat(length));
    let values = [
        "",
        "0",
        "1",
        "-1",
        "+1",
        "1.0",
        "1e1",
        "100",
        "101",
        "99999999",
        "100000000",
        "true",
        "false",
        "TRUE",
        "newest",
        "-price",
        "PRICE",
        "usd",
        "USD",
        "xyz",
        "complete",
        "csv",
        "*",
        "\"a\"",
        "W/\"a\", \"b\",",
        "\"a",
        "a,b",
        "a b",
        UNKNOWN_ID,
    ];
    let values = values
        .into_iter()
        .chain(UNUSUAL_IDS)
        .chain(UNUSUAL_TIMES)
        .chain(long.iter().map(String::as_str));
    let values = values.collect::<Vec<_>>();
    for operation in operations(&document)
        .iter()
        .filter(|operation| operation.id() != STRIPE)
    {
        let (user, body) = (app.user().await, operation.example_body().map(|body| body.to_string()));
        for parameter in operation.spec["parameters"].as_array().into_iter().flatten() {
            let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            let mut schema = json_schema(parameter["schema"].clone());
            schema["components"] = json_schema(document["components"].clone());
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap();
            let kind = resolve(&document, &parameter["schema"]).unwrap_or(&parameter["schema"])["type"].clone();
            for value in &values {
                let instance = match kind.as_str() {
                    Some("integer" | "boolean") => serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
                    _ => json!(value),
                };
                // The notation of a parameter is not that of JSON: a whole number consists of digits.
                let is_valid = validator.is_valid(&instance) && !(kind == "integer" && value.contains(['.', 'e']));
                let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
                let path = operation.path(UNKNOWN_ID);
                let (client, path) = match place {
                    "query" => (user.client().clone(), format!("{path}?{name}={encoded}")),
                    "header" => (user.client().clone().with(name, value), path),
                    _ if value.is_empty() => continue,
                    _ => (user.client().clone(), operation.path(&encoded.replace('+', "%20"))),
                };
                let reply = operation.request(&client, &path, body.clone()).await;
                let text = reply.text.clone();
                let errors = if reply.status == 400 {
                    reply.json()["errors"].clone()
                } else {
                    json!([])
                };
                let is_refused = errors
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|error| place == "path" || error["field"] == name);
                // Only a list knows its cursors.
                let is_opaque = name == "cursor" && is_refused;
                assert!(
                    is_opaque || is_refused != is_valid,
                    "{} with {name}: {value}: {text}",
                    operation.name
                );
            }
        }
    }
}
