//! Programs that are no part of the repository.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::support::repository_root;

/// Returns the path of a tool. `scripts/tool` installs it if it is missing.
pub(crate) fn tool(name: &str) -> PathBuf {
    let output = Command::new(repository_root().join("scripts/tool"))
        .arg(name)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "scripts/tool {name}: {}", output.status);
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Returns whether the tests run as root.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}
