//! Who may depend on whom.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Our packages, and whether each is a library shared by all or a service.
fn ours(metadata: &Metadata) -> BTreeMap<&str, &str> {
    let kind = |package: &Package| {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.parent())
            .and_then(|parent| parent.file_name());
        if folder == Some("libs") { "lib" } else { "svc" }
    };
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.as_str(), kind(package)))
        .collect()
}

#[test]
fn the_arrows_point_from_services_to_libraries_and_never_sideways() {
    let metadata = MetadataCommand::new()
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let ours = ours(&metadata);
    assert!(ours.len() >= 17, "{ours:?}");
    assert!(!ours.contains_key("common"), "a library is named for what it does");
    for package in metadata.workspace_packages() {
        let (name, kind) = (package.name.as_str(), ours[package.name.as_str()]);
        for dependency in &package.dependencies {
            let Some(other) = ours.get(dependency.name.as_str()) else {
                continue;
            };
            let arrow = format!("{name} depends on {}", dependency.name);
            match kind {
                "lib" => assert_eq!(*other, "lib", "{arrow}: no library knows a service"),
                _ if name == "stack" => {}
                // It explores what two of them do together, and is nothing but tests.
                _ if name == "model" && dependency.kind == DependencyKind::Development => {}
                // It drills a stack in its tests, and knows what it drills by HTTP and SQL alone.
                _ if name == "drill" && dependency.kind == DependencyKind::Development => {}
                _ => assert_eq!(*other, "lib", "{arrow}: services share contracts, not code"),
            }
            if ["testkit", "stripe-sim"].contains(&dependency.name.as_str()) && name != "stack" {
                assert_eq!(
                    dependency.kind,
                    DependencyKind::Development,
                    "{arrow}: only its tests may"
                );
            }
        }
    }
}
