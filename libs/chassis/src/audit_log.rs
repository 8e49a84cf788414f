//! The audit log of a service: written, purged, and recorded commands of operators.

use std::{path::Path, time::Duration};

use audit::{Author, Entry, Refusals};
use db::Db;
use values::{Clock, Timestamp};

use crate::{Job, OperatorError};

/// The time between two writes of counted refusals.
const INTERVAL: Duration = Duration::from_mins(1);

/// Returns a job that writes the counted refusals, and deletes rows that are older than `retention`.
pub(crate) fn audit_job(db: &Db, clock: &Clock, refusals: &Refusals, retention: Duration) -> Job {
    let (db, clock, refusals) = (db.clone(), clock.clone(), refusals.clone());
    Job::every(INTERVAL, "write and purge the audit log", move || {
        let (db, refusals, now) = (db.clone(), refusals.clone(), clock.now());
        async move { audit::maintain(&db, &refusals, now, retention).await }
    })
}

/// Appends what the operator does to the log in a database file. A machine without the database has no log.
pub(crate) fn record_command(
    database: &Path,
    action: &'static str,
    subject: &(impl ToString + ?Sized),
    result: &'static str,
) -> Result<(), OperatorError> {
    let entry = Entry {
        result,
        ..Author::operator().did(action, subject)
    };
    let recorded = audit::append_to_file(database, Clock::system().now(), &entry).map_err(|error| {
        OperatorError(format!(
            "{}: the audit log cannot be written: {error}",
            database.display()
        ))
    })?;
    if !recorded {
        tracing::warn!(database = %database.display(), action, "not recorded: no database with an audit log");
    }
    Ok(())
}

/// Which rows of the audit log to print.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct AuditFilter {
    /// From this time on, such as 2027-06-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = crate::parsed::<Timestamp>)]
    since: Option<Timestamp>,
    /// An action, such as sign-in, denied, refund-approve or keys-rotate.
    #[arg(long)]
    action: Option<String>,
    /// Who did it, or whose it is: the id of a user, a session or another resource; `operator` for all operators.
    #[arg(long)]
    who: Option<String>,
    /// A network as it is printed, such as 192.0.2.1/32.
    #[arg(long)]
    network: Option<String>,
    /// A result, such as ok or wrong-credentials.
    #[arg(long)]
    result: Option<String>,
}

impl From<AuditFilter> for audit::Filter {
    fn from(filter: AuditFilter) -> Self {
        Self {
            since: filter.since,
            action: filter.action,
            who: filter.who,
            network: filter.network,
            result: filter.result,
        }
    }
}
