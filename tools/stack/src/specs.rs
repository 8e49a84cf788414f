//! The interfaces as files: OpenAPI of each service and of all, AsyncAPI of the events. Written from the code.

use std::{fs, path::Path};

use chassis::{OperatorError, Service};
use serde_json::Value;

/// What writes the committed files anew.
const REFRESH: &str = "./justw specs";

/// The OpenAPI document of each service.
fn services() -> [(&'static str, Value); 5] {
    [
        of::<auth::Auth>(),
        of::<ticket::Ticket>(),
        of::<order::Orders>(),
        of::<expiration::Expiration>(),
        of::<payment::Payments>(),
    ]
}

fn of<S: Service>() -> (&'static str, Value) {
    (S::NAME, chassis::spec::<S>())
}

/// One OpenAPI document over all services.
pub fn merged() -> Value {
    chassis::merged(&services().map(|(_, document)| document))
}

/// Every file: its name and its content.
pub fn files() -> Vec<(String, String)> {
    let services = services()
        .into_iter()
        .map(|(name, document)| (name.to_owned(), document));
    let whole = [
        ("ticketing".to_owned(), merged()),
        ("events.asyncapi".to_owned(), events::asyncapi()),
    ];
    services
        .chain(whole)
        .map(|(name, document)| (format!("{name}.json"), format!("{document:#}\n")))
        .collect()
}

/// Writes every file into a folder.
pub fn write(folder: &Path) -> Result<(), OperatorError> {
    let unwritable = |path: &Path, error| OperatorError(format!("{} cannot be written: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    for (name, content) in files() {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|error| unwritable(&path, error))?;
    }
    Ok(())
}

/// Fails with a sentence unless every file in a folder is what the code says.
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
        "in {folder} these are not what the code says: {stale}; `{REFRESH}` writes them anew"
    )))
}
