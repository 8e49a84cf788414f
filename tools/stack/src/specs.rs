//! The interface documents as files, generated from the code: OpenAPI of each service and of all, AsyncAPI of the events.

use std::{fs, path::Path};

use chassis::OperatorError;
use serde_json::Value;

use crate::services::SERVICES;

/// The command that writes the committed files.
const REFRESH: &str = "./justw specs";

/// Returns one OpenAPI document over all services.
pub fn merged() -> Value {
    chassis::merge_documents(&SERVICES.map(|service| (service.document)()))
}

/// Returns every file as name and content.
pub fn files() -> Vec<(String, String)> {
    let services = SERVICES.iter().map(|service| (service.name, (service.document)()));
    let whole = [("ticketing", merged()), ("events.asyncapi", events::asyncapi())];
    services
        .chain(whole)
        .map(|(name, document)| (format!("{name}.json"), format!("{document:#}\n")))
        .collect()
}

/// Writes every file into `folder`.
pub fn write(folder: &Path) -> Result<(), OperatorError> {
    let unwritable = |path: &Path, error| OperatorError(format!("{} cannot be written: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    for (name, content) in files() {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|error| unwritable(&path, error))?;
    }
    Ok(())
}

/// Fails unless every file in `folder` equals what the code generates.
pub fn check(folder: &Path) -> Result<(), OperatorError> {
    let stale = files()
        .into_iter()
        .filter(|(name, content)| fs::read_to_string(folder.join(name)).ok().as_deref() != Some(content));
    let stale = stale.map(|(name, _)| name).collect::<Vec<_>>();
    if stale.is_empty() {
        return Ok(());
    }
    let (folder, stale) = (folder.display(), stale.join(", "));
    Err(OperatorError(format!(
        "files in {folder} differ from what the code generates: {stale}; update them with `{REFRESH}`"
    )))
}
