//! The files under `openapi/`, and what is promised in them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    home::repository,
    operations::{Operation, operations},
};

#[test]
fn the_committed_documents_are_what_the_code_says() {
    if let Err(stale) = stack::specs::check(&repository().join("openapi")) {
        panic!("{stale}");
    }
}

#[test]
fn one_document_over_all_services_has_no_conflicts() {
    let merged = stack::specs::merged();
    for place in ["/components/schemas", "/components/securitySchemes", "/paths"] {
        for name in merged.pointer(place).and_then(Value::as_object).unwrap().keys() {
            assert!(
                !name.ends_with("_CONFLICT"),
                "two services mean different things by {name}"
            );
        }
    }
    let tags = merged["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect::<Vec<_>>();
    assert_eq!(tags, ["Auth", "Tickets", "Orders", "Expirations", "Payments"]);
    // So that trying out works wherever the page comes from, and with which tokens.
    assert_eq!(merged.pointer("/servers/0/url").unwrap(), "/");
    assert_eq!(
        merged.pointer("/components/securitySchemes/bearer/scheme").unwrap(),
        "bearer"
    );
}

#[test]
fn every_operation_is_named_explained_and_lists_its_refusals() {
    let merged = stack::specs::merged();
    let (mut ids, all) = (BTreeSet::new(), operations(&merged));
    assert!(all.len() >= 18, "{}", all.len());
    for operation in &all {
        let Operation { name, spec, .. } = operation;
        assert!(ids.insert(operation.id()), "{name}: its operationId is another's");
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
            .filter(|given| given["required"] != true)
        {
            // Swagger UI would send it.
            assert_eq!(
                parameter.pointer("/schema/example"),
                None,
                "{name}: {}",
                parameter["name"]
            );
        }
        let takes_something = operation.has_body() || !operation.parameters("path").is_empty();
        assert!(!takes_something || listed("400"), "{name}");
        for status in ["413", "415", "422"] {
            assert!(!operation.has_body() || listed(status), "{name}: no {status}");
        }
        for (status, response) in spec["responses"].as_object().unwrap() {
            let refusal = status.starts_with('4') || status.starts_with('5');
            let kinds = response["content"]
                .as_object()
                .into_iter()
                .flat_map(|content| content.keys());
            let kinds = kinds.map(String::as_str).collect::<Vec<_>>();
            assert!(
                !refusal || kinds == ["application/problem+json"],
                "{name}, {status}: {kinds:?}"
            );
            assert!(
                response["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}, {status}"
            );
        }
    }
}
