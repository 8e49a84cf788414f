//! The services of the marketplace: the one list that the stack, the specifications, the checks and the pages are made
//! from.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use chassis::{CommonSettings, OperatorError, Running, SecretArg, Service, printable};
use db::admin;
use futures_util::future::BoxFuture;
use sealing::EncryptionKeys;
use serde_json::Value;
use values::Clock;

use crate::data_folder::database;

/// Every service, in the order in which the stack starts them.
pub const SERVICES: [ServiceEntry; 6] = [
    entry::<auth::Auth>(),
    entry::<ticket::Ticket>(),
    entry::<order::Orders>(),
    entry::<expiration::Expiration>(),
    entry::<payment::Payments>(),
    entry::<notification::Notification>(),
];

/// The programs that only show pages: without a database and without events.
pub const SITES: [&str; 1] = [<storefront::Storefront as chassis::site::Site>::NAME];

/// What can be done with a service without naming its type.
#[derive(Clone, Copy, Debug)]
pub struct ServiceEntry {
    /// Its name: that of its package, its database and its queue.
    pub name: &'static str,
    /// The port that it listens on by default.
    pub port: u16,
    /// Returns its OpenAPI document.
    pub document: fn() -> Value,
    /// Returns the command line of its binary.
    pub command_line: fn() -> clap::Command,
    findings: fn(&Path) -> Result<Vec<admin::Finding>, admin::Error>,
    /// Starts it: database file, common settings, all services' own settings, clock.
    pub(crate) start: fn(PathBuf, CommonSettings, &ServiceSettings, Clock) -> BoxFuture<'static, StartResult>,
}

type StartResult = Result<Running, OperatorError>;

/// The settings of the services that have settings of their own.
pub(crate) struct ServiceSettings {
    pub(crate) auth: auth::Settings,
    pub(crate) order: order::Settings,
    pub(crate) expiration: expiration::Settings,
    pub(crate) payment: payment::Settings,
    pub(crate) notification: notification::Settings,
    /// The key of the codes of admissions, which several services share.
    pub(crate) admission_key: EncryptionKeys,
}

impl ServiceSettings {
    /// Returns whether sellers and buyers must have confirmed their address: not in the stack, unless it is set.
    fn require_confirmed_address(&self) -> Option<bool> {
        self.order.require_confirmed_address.or(Some(false))
    }
}

/// A service that the stack can start.
trait InStack: Service {
    /// Returns its own settings.
    fn own(all: &ServiceSettings) -> Self::Settings;
}

impl InStack for auth::Auth {
    fn own(all: &ServiceSettings) -> auth::Settings {
        all.auth.clone()
    }
}

impl InStack for ticket::Ticket {
    /// It shows what the order service enforces.
    fn own(all: &ServiceSettings) -> ticket::Settings {
        ticket::Settings {
            sale: all.order.sale,
            require_confirmed_address: all.require_confirmed_address(),
            admission_key: Some(SecretArg::new(all.admission_key.clone())),
        }
    }
}

impl InStack for order::Orders {
    fn own(all: &ServiceSettings) -> order::Settings {
        order::Settings {
            require_confirmed_address: all.require_confirmed_address(),
            ..all.order
        }
    }
}

impl InStack for expiration::Expiration {
    fn own(all: &ServiceSettings) -> expiration::Settings {
        all.expiration
    }
}

impl InStack for payment::Payments {
    fn own(all: &ServiceSettings) -> payment::Settings {
        all.payment.clone()
    }
}

impl InStack for notification::Notification {
    fn own(all: &ServiceSettings) -> notification::Settings {
        all.notification.clone()
    }
}

const fn entry<S: InStack>() -> ServiceEntry {
    ServiceEntry {
        name: S::NAME,
        port: S::PORT,
        document: chassis::openapi_document::<S>,
        command_line: chassis::command_line::<S>,
        start: |database, common, all, clock| Box::pin(chassis::start::<S>(database, common, S::own(all), clock)),
        findings: |folder| admin::check(&database(folder, S::NAME), &S::SCHEMA, S::INVARIANTS),
    }
}

/// Checks every database of a data folder, and returns what is wrong, a line each. Services may use them: each database is
/// checked in one state, but not all in the same.
///
/// # Errors
///
/// A database that cannot be opened.
pub fn check(folder: &Path) -> Result<Vec<String>, OperatorError> {
    let mut lines = Vec::new();
    for service in &SERVICES {
        let findings = (service.findings)(folder).map_err(OperatorError::new)?;
        lines.extend(
            findings
                .iter()
                .map(|finding| format!("{}: {}", service.name, printable(&finding.to_string()))),
        );
    }
    Ok(lines)
}

/// Returns the prefixes of the paths in an OpenAPI document: `/api/v1/orders`.
pub(crate) fn path_prefixes(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let prefix = |path: &String| path.split('/').take(4).collect::<Vec<_>>().join("/");
    paths.map(|(path, _)| prefix(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_prefix_belongs_to_one_service() {
        let prefixes = SERVICES.map(|service| path_prefixes(&(service.document)()));
        let all: Vec<_> = prefixes.iter().flatten().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        assert!(prefixes.iter().all(|prefixes| !prefixes.is_empty()), "{prefixes:?}");
        assert!(all.iter().all(|prefix| prefix.starts_with("/api/v1/")), "{all:?}");
    }
}
