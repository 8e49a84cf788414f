//! The schemas of requests describe what the services accept: no less, and no more.

use serde_json::{Value, json};

use crate::{
    operations::{Operation, UNKNOWN_ID, mutations, operations},
    test_app::TestApp,
};

/// The operation for Stripe: its body is an event of Stripe.
pub(crate) const STRIPE: &str = "hearStripe";

/// Texts without a limit but that of the body: credentials, which are compared and not stored.
const UNBOUNDED_TEXTS: [&str; 4] = ["email", "password", "currentPassword", "refreshToken"];

/// Turns a schema of OpenAPI 3.0 into one of JSON Schema.
pub(crate) fn json_schema(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        for value in fields.values_mut() {
            *value = json_schema(value.take());
        }
        if fields.remove("nullable") == Some(json!(true)) {
            return json!({"anyOf": [{"type": "null"}, schema]});
        }
    } else if let Some(items) = schema.as_array_mut() {
        for item in items {
            *item = json_schema(item.take());
        }
    }
    schema
}

fn validator(operation: &Operation<'_>) -> jsonschema::Validator {
    let mut schema = json_schema(operation.body_schema().unwrap().clone());
    schema["components"] = json_schema(operation.document["components"].clone());
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// Returns a violation of each bound of a field, and the value at the bound.
fn at_and_beyond_bounds(field: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    for bound in ["minimum", "maximum"] {
        if let Some(bound) = field[bound].as_f64() {
            let bound = format!("{bound:.0}").parse::<i64>().unwrap();
            values.extend([bound - 1, bound, bound + 1].map(Value::from));
        }
    }
    for bound in ["minLength", "maxLength"] {
        if let Some(bound) = field[bound].as_u64().map(|bound| usize::try_from(bound).unwrap()) {
            for length in [bound - 1, bound, bound + 1] {
                values.extend([Value::from("x".repeat(length)), Value::from("é".repeat(length))]);
            }
        }
    }
    for bound in ["minItems", "maxItems"] {
        if let Some(bound) = field[bound].as_u64().map(|bound| usize::try_from(bound).unwrap()) {
            values.extend([bound.saturating_sub(1), bound + 1].map(|length| json!(vec![0; length])));
        }
    }
    values.extend(field["enum"].as_array().into_iter().flatten().cloned());
    let unusual: &[&str] = match field["format"].as_str() {
        Some("date-time") => &UNUSUAL_TIMES,
        Some("uuid") => &UNUSUAL_IDS,
        Some("uri") => &UNUSUAL_URLS,
        _ => &[],
    };
    values.extend(unusual.iter().map(|text| json!(text)));
    values
}

pub(crate) const UNUSUAL_TIMES: [&str; 12] = [
    "2099-06-01T19:30:00Z",
    "2099-06-01t19:30:00z",
    "2099-06-01 19:30:00Z",
    "2099-06-01T19:30:00",
    "2099-06-01T19:30Z",
    "2099-06-01T19:30:00.123456789012Z",
    "2099-06-01T19:30:00.Z",
    "2099-06-01T19:30:00+23:59",
    "2099-06-01T19:30:00+24:00",
    "2099-06-01T24:00:00Z",
    "2099-02-29T19:30:00Z",
    "20990601T193000Z",
];

pub(crate) const UNUSUAL_IDS: [&str; 6] = [
    "01936F5E-8C1A-7C3E-9D2B-4F6A8B0C2D4E",
    "01936f5e8c1a7c3e9d2b4f6a8b0c2d4e",
    "{01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e}",
    "urn:uuid:01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e",
    "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4g",
    "00000000-0000-0000-0000-000000000000",
];

const UNUSUAL_URLS: [&str; 27] = [
    "https://shop.example/paid?order=1#top",
    "https://shop.example:8443",
    "http://localhost:3000/paid",
    "http://127.0.0.1",
    "http://localhost.attacker.example/",
    "http://shop.example/",
    "HTTPS://shop.example/",
    "https:shop.example",
    "https:///paid",
    "https://",
    "https://\\attacker.example",
    "https://user@shop.example/",
    "http://user@localhost/",
    "http://LOCALHOST/",
    "http://localhost:/",
    "http://[::1]:3000?a=b",
    "https://shop.example/ paid",
    "javascript:alert(1)",
    "https://größe.example/",
    "https://shop.example:65535",
    "https://shop.example:65536",
    "https://1.2.3.4/",
    "https://1.2.3.256/",
    "https://shop.0x7f/",
    "https://shop..example/",
    "https://shop.example/%zz",
    "https://shop.example/[a]",
];

/// Returns whether every error is of a rule that a schema cannot express.
fn is_beyond_schemas(reply: &Value) -> bool {
    let errors = reply["errors"].as_array();
    errors.is_some_and(|errors| {
        errors.iter().all(|error| {
            let (field, message) = (error["field"].as_str().unwrap(), error["message"].as_str().unwrap());
            // A field of an item of a list: `scans.0.code`.
            let field = field.split_once(".0.").map_or(field, |(_, field)| field);
            match field {
                // Depends on the currency.
                "price.amount" | "expectedPrice.amount" => {
                    message.starts_with("must be 0, or") || message.starts_with("must be a multiple")
                }
                // Depends on the clock.
                "startsAt" | "refundableUntil" => message == "must be in the future",
                // Depends on the properties of characters.
                "title" | "venue" | "description" | "reason" => message == "must contain a visible character",
                // Depends on a setting.
                "quantity" => message.starts_with("must be a whole number from 1 to") && !message.ends_with("1000000"),
                // Depends on another field.
                "returnUrl" => message.starts_with("needs a token"),
                // A domain is an entry of the DNS.
                "email" => message.starts_with("must be an email address"),
                // Has check symbols, or a signature.
                "code" => message.starts_with("is no code of a ticket"),
                // An entry of the IANA database.
                "timeZone" => message.starts_with("must be the name of a time zone"),
                // Depend on the clock, or on another field.
                "salesBegin" | "salesEnd" | "expiresAt" => message.starts_with("must "),
                // Depends on a list of words, or on another field.
                "password" | "newPassword" => message.starts_with("must not be"),
                // Depends on the properties of characters.
                "name" => message.starts_with("must not "),
                _ => false,
            }
        })
    })
}

#[tokio::test]
async fn a_service_accepts_a_body_if_its_schema_does() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    let mut bodies = 0;
    for operation in operations(&document)
        .iter()
        .filter(|operation| operation.id() != STRIPE)
    {
        let (Some(example), Some(schema)) = (operation.example_body(), operation.body_schema()) else {
            continue;
        };
        let (validator, path) = (validator(operation), operation.path(UNKNOWN_ID));
        assert!(
            validator.is_valid(&example),
            "{}: its example is invalid",
            operation.name
        );
        let mut all = mutations(&example);
        for (name, field) in schema["properties"].as_object().unwrap() {
            for value in at_and_beyond_bounds(field) {
                let mut body = example.clone();
                body[name] = value;
                all.push(body);
            }
        }
        let user = app.user().await;
        // Its example has the password of these users, and one with tickets on sale stays.
        if operation.id() == "requestDeletion" {
            let _ = user.list_ticket(json!({})).await;
        }
        for body in all {
            let reply = operation.request(user.client(), &path, Some(body.to_string())).await;
            let text = body.to_string().chars().take(300).collect::<String>();
            let is_refused = reply.status == 422 && reply.problem().0 == "invalid-fields";
            if is_refused && validator.is_valid(&body) {
                assert!(
                    is_beyond_schemas(&reply.json()),
                    "{} with {text}: {}",
                    operation.name,
                    reply.text
                );
            } else {
                let errors = validator
                    .iter_errors(&body)
                    .map(|error| error.to_string())
                    .collect::<Vec<_>>();
                assert_eq!(
                    is_refused,
                    !errors.is_empty(),
                    "{} with {text}: {} {}, the schema: {errors:?}",
                    operation.name,
                    reply.status,
                    reply.text
                );
            }
            bodies += 1;
        }
    }
    assert!(bodies > 500, "{bodies}");
}

/// Returns the schema that a schema refers to, with or without a description beside the reference.
pub(crate) fn resolve<'a>(document: &'a Value, schema: &Value) -> Option<&'a Value> {
    let reference = schema["$ref"]
        .as_str()
        .or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    document.pointer(reference.trim_start_matches('#'))
}

/// Returns every schema of a property inside a schema, with its name.
fn properties<'a>(document: &'a Value, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let mut found = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        match resolve(document, property) {
            Some(nested) => {
                assert_eq!(nested["additionalProperties"], false, "{name}");
                found.extend(properties(document, nested));
            }
            None if property["type"] == "array" => {
                assert!(property["maxItems"].is_u64(), "{name}");
                match resolve(document, &property["items"]) {
                    Some(item) => {
                        assert_eq!(item["additionalProperties"], false, "{name}");
                        found.extend(properties(document, item));
                    }
                    None => found.push((name.as_str(), &property["items"])),
                }
            }
            None => found.push((name.as_str(), property)),
        }
    }
    found
}

#[test]
fn every_value_of_a_request_has_documented_bounds() {
    let document = stack::specs::merged();
    let mut values = 0;
    for operation in operations(&document) {
        let mut all = Vec::new();
        if let Some(schema) = operation.body_schema().filter(|_| operation.id() != STRIPE) {
            assert_eq!(schema["additionalProperties"], false, "{}", operation.name);
            all = properties(&document, schema);
        }
        let parameters = operation.spec["parameters"].as_array().into_iter().flatten();
        all.extend(parameters.map(|parameter| (parameter["name"].as_str().unwrap(), &parameter["schema"])));
        for (name, schema) in all {
            values += 1;
            let schema = resolve(&document, schema).unwrap_or(schema);
            let has = |keyword: &str| schema.get(keyword).is_some();
            let is_bounded = match schema["type"].as_str() {
                Some("integer") => has("minimum") && has("maximum"),
                Some("string") => ["enum", "maxLength", "pattern", "format"].into_iter().any(has),
                kind => kind == Some("boolean"),
            };
            let is_stripes = name == "Stripe-Signature";
            assert!(
                is_bounded || is_stripes || UNBOUNDED_TEXTS.contains(&name),
                "{}: {name}: {schema}",
                operation.name
            );
        }
    }
    assert!(values > 50, "{values}");
}
