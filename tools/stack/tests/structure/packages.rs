//! Dependencies between packages.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// Returns the folder that each package of the workspace lies in: `libs`, `svc` or `tools`.
fn folders(metadata: &Metadata) -> BTreeMap<&str, &str> {
    let folder = |package: &Package| match package.manifest_path.components().rev().nth(2) {
        Some(folder) => match folder.as_str() {
            "libs" => "libs",
            "svc" => "svc",
            "tools" => "tools",
            other => panic!("{} lies in {other}", package.name),
        },
        None => panic!("{} lies nowhere", package.name),
    };
    let packages = metadata.workspace_packages();
    packages
        .into_iter()
        .map(|package| (package.name.as_str(), folder(package)))
        .collect()
}

#[test]
fn services_depend_on_libraries_and_never_on_each_other() {
    let metadata = metadata();
    let folders = folders(&metadata);
    assert_eq!(
        folders.values().filter(|folder| **folder == "svc").count(),
        stack::SERVICES.len() + stack::SITES.len()
    );
    assert!(!folders.contains_key("common"), "a library is named for what it does");
    for package in metadata.workspace_packages() {
        let (name, folder) = (package.name.as_str(), folders[package.name.as_str()]);
        for dependency in &package.dependencies {
            let Some(target) = folders.get(dependency.name.as_str()) else {
                continue;
            };
            let edge = format!("{name} depends on {}", dependency.name);
            let in_tests = dependency.kind == DependencyKind::Development;
            match (folder, *target) {
                (_, "libs") | ("tools", _) => {}
                ("svc" | "libs", "tools") => assert!(in_tests, "{edge}: tools are for tests"),
                ("svc", "svc") => panic!("{edge}: services share contracts, not code"),
                (_, other) => panic!("{edge}: a library depends on {other}"),
            }
        }
    }
}

#[test]
fn no_package_enables_the_deliberate_bugs() {
    const BUGS: &str = "torture-bugs";
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    assert!(packages.iter().any(|package| package.features.contains_key(BUGS)));
    for package in packages {
        for (feature, enabled) in &package.features {
            let enables = enabled.iter().any(|other| other.ends_with(BUGS));
            assert!(!enables, "the feature {feature} of {} enables {BUGS}", package.name);
        }
        for dependency in &package.dependencies {
            let enables = dependency.features.iter().any(|feature| feature == BUGS);
            assert!(!enables, "{} enables {BUGS} of {}", package.name, dependency.name);
        }
    }
}
