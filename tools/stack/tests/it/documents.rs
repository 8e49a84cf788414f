//! The documents in `openapi/` and their completeness.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use crate::{
    operations::{Operation, operations},
    support::repository_root,
};

#[test]
fn the_committed_documents_equal_those_of_the_code() {
    if let Err(stale) = stack::specs::check(&repository_root().join("openapi")) {
        panic!("{stale}");
    }
}

#[test]
fn the_committed_definitions_of_the_broker_equal_those_of_the_code() {
    let window = expiration::Settings::default().order_window;
    let definitions = stack::broker_definitions::text(&bus::Namespace::default(), "/", window);
    let file = repository_root().join("nomad/rabbitmq/definitions.json");
    if let Err(stale) = stack::broker_definitions::check(&file, &definitions) {
        panic!("{stale}");
    }
    // The job replaces the default order window by its own, wherever it stands in the file.
    let millis = window.as_millis().to_string();
    let an_hour = stack::broker_definitions::text(&bus::Namespace::default(), "/", Duration::from_hours(1));
    assert_eq!(definitions.replace(&millis, "3600000"), an_hour);
}

#[test]
fn the_merged_document_has_no_conflicts() {
    let merged = stack::specs::merged();
    for section in ["/components/schemas", "/components/securitySchemes", "/paths"] {
        for name in merged.pointer(section).and_then(Value::as_object).unwrap().keys() {
            assert!(!name.ends_with("_CONFLICT"), "two services define {name} differently");
        }
    }
    let tags = merged["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect::<Vec<_>>();
    assert_eq!(
        tags,
        [
            "Auth",
            "Admissions",
            "Tickets",
            "Orders",
            "Expirations",
            "Payments",
            "Notifications"
        ]
    );
    // "Try it out" works at every address of the page, and with access tokens.
    assert_eq!(merged.pointer("/servers/0/url").unwrap(), "/");
    assert_eq!(
        merged.pointer("/components/securitySchemes/bearer/scheme").unwrap(),
        "bearer"
    );
}

#[test]
fn every_operation_has_a_name_a_summary_and_a_list_of_its_errors() {
    let merged = stack::specs::merged();
    let (mut ids, all) = (BTreeSet::new(), operations(&merged));
    assert!(all.len() >= 18, "{}", all.len());
    for operation in &all {
        let Operation { name, spec, .. } = operation;
        assert!(ids.insert(operation.id()), "{name}: its operationId is used twice");
        assert!(
            spec["summary"].as_str().is_some_and(|summary| !summary.is_empty()),
            "{name}: no summary"
        );
        assert_eq!(spec["tags"].as_array().map(Vec::len), Some(1), "{name}: not one tag");
        let listed = |status: &str| spec["responses"].get(status).is_some();
        assert!(listed("500") && listed("503"), "{name}");
        assert!(!operation.is_secured() || listed("401"), "{name}");
        for parameter in spec["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["required"] != true)
        {
            // Swagger UI would send the example.
            assert_eq!(
                parameter.pointer("/schema/example"),
                None,
                "{name}: {}",
                parameter["name"]
            );
        }
        let has_input = operation.has_body() || !operation.parameters("path").is_empty();
        assert!(!has_input || listed("400"), "{name}");
        for status in ["413", "415", "422"] {
            assert!(!operation.has_body() || listed(status), "{name}: no {status}");
        }
        for (status, response) in spec["responses"].as_object().unwrap() {
            let is_error = status.starts_with('4') || status.starts_with('5');
            let media_types = response["content"]
                .as_object()
                .into_iter()
                .flat_map(|content| content.keys());
            let media_types = media_types.map(String::as_str).collect::<Vec<_>>();
            assert!(
                !is_error || media_types == ["application/problem+json"],
                "{name}, {status}: {media_types:?}"
            );
            assert!(
                response["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}, {status}"
            );
        }
    }
}
