use std::path::Path;

use chassis::{OperatorError, Service};
use db::admin;

use crate::data_folder::database;

/// Looks for anything that must not be in the five databases of a folder. Nothing may be running with them.
pub fn check(folder: &Path) -> Result<Vec<String>, OperatorError> {
    let found = [
        findings::<auth::Auth>(folder)?,
        findings::<ticket::Ticket>(folder)?,
        findings::<order::Orders>(folder)?,
        findings::<expiration::Expiration>(folder)?,
        findings::<payment::Payments>(folder)?,
    ];
    Ok(found.concat())
}

fn findings<S: Service>(folder: &Path) -> Result<Vec<String>, OperatorError> {
    let found = admin::check(&database(folder, S::NAME), &S::SCHEMA, S::INVARIANTS).map_err(OperatorError::new)?;
    Ok(found.iter().map(|finding| format!("{}: {finding}", S::NAME)).collect())
}
