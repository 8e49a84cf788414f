//! Every operation of the OpenAPI document refuses what the document does not describe, by name.

use serde_json::{Value, json};

use crate::{
    Reply,
    operations::{Operation, UNKNOWN_ID, operations},
    test_app::TestApp,
};

/// The operation for Stripe: its body and its signature are Stripe's.
const STRIPE: &str = "hearStripe";

/// Asserts the status, and that exactly these fields are named.
#[track_caller]
fn assert_named(operation: &Operation<'_>, reply: &Reply, status: u16, fields: &[&str], input: &str) {
    let name = &operation.name;
    assert_eq!(reply.status.as_u16(), status, "{name} with {input}: {}", reply.text);
    let errors = reply.json()["errors"].clone();
    let errors = errors
        .as_array()
        .unwrap_or_else(|| panic!("{name} with {input}: {}", reply.text));
    let named = errors.iter().map(|error| error["field"].as_str().unwrap());
    assert_eq!(named.collect::<Vec<_>>(), fields, "{name} with {input}");
    for error in errors {
        let message = error["message"].as_str().unwrap();
        for word in [
            "expected",
            "invalid type",
            "struct",
            "digit",
            "u32",
            "i64",
            "Option",
            "parse",
        ] {
            assert!(!message.contains(word), "{name} with {input}: {message}");
        }
    }
}

fn required_fields(schema: &Value) -> Vec<&str> {
    schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|name| name.as_str().unwrap())
        .collect()
}

/// Returns the paths of the objects inside an example.
fn nested_objects(example: &Value) -> Vec<String> {
    let fields = example.as_object().unwrap().iter();
    fields
        .filter(|(_, value)| value.is_object())
        .map(|(name, _)| name.clone())
        .collect()
}

#[tokio::test]
async fn a_body_is_an_object_with_the_documented_fields() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    for operation in operations(&document)
        .iter()
        .filter(|operation| operation.id() != STRIPE)
    {
        let (Some(example), Some(schema)) = (operation.example_body(), operation.body_schema()) else {
            continue;
        };
        let (user, path) = (app.user().await, operation.path(UNKNOWN_ID));
        let send = |body: String| operation.request(user.client(), &path, Some(body));
        let values = example.as_object().unwrap().values().collect::<Vec<_>>();
        for array in [json!([]), json!(values), json!([example])] {
            let reply = send(array.to_string()).await;
            assert_named(operation, &reply, 422, &["body"], &array.to_string());
        }
        for name in nested_objects(&example) {
            let mut body = example.clone();
            body[&name] = json!(body[&name].as_object().unwrap().values().collect::<Vec<_>>());
            let reply = send(body.to_string()).await;
            assert_named(operation, &reply, 422, &[&name], &body.to_string());
            body = example.clone();
            body[&name] = json!({"unknown": 1});
            let reply = send(body.to_string()).await;
            let nested = operation.document.pointer("/components/schemas/Price").unwrap();
            let mut fields = required_fields(nested)
                .iter()
                .map(|field| format!("{name}.{field}"))
                .collect::<Vec<_>>();
            fields.push(format!("{name}.unknown"));
            let fields = fields.iter().map(String::as_str).collect::<Vec<_>>();
            assert_named(operation, &reply, 422, &fields, &body.to_string());
        }
        // Everything at once: nothing that is required, and unknown fields.
        let fields = [required_fields(schema), vec!["unknown", "__proto__"]].concat();
        let reply = send(r#"{"unknown": 1, "__proto__": {}}"#.to_owned()).await;
        assert_named(operation, &reply, 422, &fields, "unknown fields");
        for (name, value) in example.as_object().unwrap() {
            let text = example.to_string();
            let twice = format!("{},{}:{value}}}", &text[..text.len() - 1], json!(name));
            assert_named(operation, &send(twice.clone()).await, 422, &[name], &twice);
        }
    }
}

#[tokio::test]
async fn a_number_that_nothing_holds_is_an_invalid_value_of_its_field() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    for operation in operations(&document)
        .iter()
        .filter(|operation| operation.id() != STRIPE)
    {
        let Some(schema) = operation.body_schema() else {
            continue;
        };
        let (user, path) = (app.user().await, operation.path(UNKNOWN_ID));
        let example = operation.example_body().unwrap();
        for name in schema["properties"].as_object().unwrap().keys() {
            for number in ["1e400", "-1e400", "1e-400", "99999999999999999999999", "1.5"] {
                let mut body = example.clone();
                body[name] = json!("NUMBER");
                let body = body.to_string().replace("\"NUMBER\"", number);
                let reply = operation.request(user.client(), &path, Some(body.clone())).await;
                assert_named(operation, &reply, 422, &[name], &body);
            }
        }
    }
}

#[tokio::test]
async fn a_parameter_is_one_of_those_documented_and_comes_once() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    for operation in operations(&document) {
        let (user, path) = (app.user().await, operation.path(UNKNOWN_ID));
        let body = operation.example_body().map(|body| body.to_string());
        let get = |query: String| {
            let (operation, user, body) = (&operation, &user, body.clone());
            let path = format!("{path}?{query}");
            async move { operation.request(user.client(), &path, body).await }
        };
        assert_named(
            &operation,
            &get("sellar=1".to_owned()).await,
            400,
            &["sellar"],
            "sellar",
        );
        for name in operation.parameters("path") {
            assert_named(&operation, &get(format!("{name}=1")).await, 400, &[name], name);
        }
        for name in operation.parameters("query") {
            let reply = get(format!("{name}=1&{name}=1&unknown&{name}=2")).await;
            assert_named(&operation, &reply, 400, &[name, "unknown"], name);
            let reply = get(format!("{name}=%ff")).await;
            assert_named(&operation, &reply, 400, &[name], name);
        }
    }
}

#[tokio::test]
async fn all_invalid_parameters_are_named_at_once() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    let mut operations_with_several = 0;
    for operation in operations(&document) {
        let parameters = operation.spec["parameters"].as_array().into_iter().flatten();
        // Every text is a search word.
        let restricted = parameters.filter(|parameter| parameter["in"] == "query" && parameter["name"] != "q");
        let names = restricted
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect::<Vec<_>>();
        if names.is_empty() {
            continue;
        }
        operations_with_several += usize::from(names.len() > 1);
        let (user, path) = (app.user().await, operation.path(UNKNOWN_ID));
        let body = operation.example_body().map(|body| body.to_string());
        let values = names
            .iter()
            .map(|name| format!("{name}=%00!&"))
            .collect::<Vec<_>>()
            .concat();
        let reply = operation
            .request(user.client(), &format!("{path}?{values}unknown=1"), body)
            .await;
        let all = [&["unknown"], &names[..]].concat();
        assert_named(&operation, &reply, 400, &all, &values);
    }
    assert!(operations_with_several > 4, "{operations_with_several}");
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_not_taken_for_absent() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    for operation in operations(&document) {
        let (user, path) = (app.user().await, operation.path(UNKNOWN_ID));
        let body = operation.example_body().map(|body| body.to_string());
        let common = ["Origin", "Sec-Fetch-Site", "Content-Type", "Content-Encoding", "Accept"];
        let own = operation.parameters("header");
        for name in own.iter().chain(&common) {
            for value in ["ключ", "\"ä\""] {
                let client = user.client().clone().with(&name.to_lowercase(), value);
                let reply = operation.request(&client, &path, body.clone()).await;
                assert_eq!(
                    reply.status, 400,
                    "{} with {name}: {value}: {}",
                    operation.name, reply.text
                );
                let errors = reply.json()["errors"].clone();
                let is_named = errors.as_array().unwrap().iter().any(|error| error["field"] == *name);
                assert!(is_named, "{} with {name}: {value}: {}", operation.name, reply.text);
            }
        }
        for name in own.iter().filter(|name| !name.starts_with("If-")) {
            let client = user.client().clone().with(name, "a").with(name, "b");
            let reply = operation.request(&client, &path, body.clone()).await;
            assert_named(&operation, &reply, 400, &[name], "two of it");
        }
        if operation.is_secured() {
            for client in [
                app.client().with("authorization", "Bearer ключ"),
                app.client().with("cookie", "ticketing_session=ключ"),
                user.client().clone().with("authorization", "Bearer ключ"),
            ] {
                let reply = operation.request(&client, &path, body.clone()).await;
                assert_eq!(reply.status, 401, "{}: {}", operation.name, reply.text);
            }
        }
    }
}

#[tokio::test]
async fn a_body_is_uncompressed_json_in_utf_8() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    for operation in operations(&document) {
        let Some(example) = operation.example_body() else {
            continue;
        };
        let (user, path) = (app.user().await, operation.path(UNKNOWN_ID));
        for (name, value) in [
            ("content-type", "application/vnd.api+json"),
            ("content-type", "application/problem+json"),
            ("content-type", "application/json; charset=utf-16"),
            ("content-type", "text/json"),
            ("content-type", "application/jsonp"),
            ("content-type", ""),
            ("content-encoding", "gzip"),
            ("content-encoding", "br"),
        ] {
            let client = user.client().clone().with(name, value);
            let reply = operation.request(&client, &path, Some(example.to_string())).await;
            assert_eq!(
                reply.status, 415,
                "{} with {name}: {value}: {}",
                operation.name, reply.text
            );
        }
        for value in [
            "Application/JSON",
            "application/json;charset=\"UTF-8\"",
            "application/json; x=y",
        ] {
            let client = user.client().clone().with("content-type", value);
            let reply = operation.request(&client, &path, Some(example.to_string())).await;
            assert_ne!(reply.status, 415, "{} with {value}", operation.name);
        }
    }
}
