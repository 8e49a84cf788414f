//! Names in documents that have to exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the sources of every test below `folder`.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}

#[test]
fn the_tests_that_the_readme_names_exist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let sources: String = ["libs", "svc", "tools"]
        .map(|folder| sources(&root().join(folder)))
        .concat();
    let is_test_name =
        |name: &&str| name.len() > 20 && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    let names: Vec<_> = readme.split('`').filter(is_test_name).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "README.md names the test {name}, which does not exist"
        );
    }
}
