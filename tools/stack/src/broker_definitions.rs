//! The broker's definitions as a file, generated from the code.

use std::{fs, path::Path, time::Duration};

use bus::{BrokerDefinitions, Namespace, RETRY_DELAYS};
use chassis::{OperatorError, Service};
use expiration::Expiration;

use crate::services::SERVICES;

/// The command that writes the committed file.
const REFRESH: &str = "./justw specs";

/// Returns the definitions to import into the broker of a namespace, as JSON.
pub fn text(namespace: &Namespace, vhost: &str, order_window: Duration) -> String {
    let settings = expiration::Settings {
        order_window,
        ..expiration::Settings::default()
    };
    let definitions = BrokerDefinitions {
        namespace,
        vhost,
        services: &SERVICES.map(|service| service.name),
        timers: Some((Expiration::NAME, &settings.delay_ladder())),
        retry_delays: &RETRY_DELAYS,
    };
    format!("{:#}\n", definitions.to_json())
}

/// Writes the definitions to `file`.
pub fn write(file: &Path, definitions: &str) -> Result<(), OperatorError> {
    fs::write(file, definitions)
        .map_err(|error| OperatorError(format!("{} cannot be written: {error}", file.display())))
}

/// Fails unless `file` has the definitions of the code.
pub fn check(file: &Path, definitions: &str) -> Result<(), OperatorError> {
    if fs::read_to_string(file).ok().as_deref() == Some(definitions) {
        return Ok(());
    }
    Err(OperatorError(format!(
        "{} differs from what the code generates; update it with `{REFRESH}`",
        file.display()
    )))
}
