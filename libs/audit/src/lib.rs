//! An append-only log of who did what, whose, when and from where, with what result.
//!
//! * What changes the database is [appended](append) in the transaction of the change.
//! * What changes nothing, such as a failed sign-in, is [counted](Refusals::count) in memory and appended once a minute: one
//!   row for each action, network and result, so that a flood of refusals cannot fill the disk.
//!
//! Triggers refuse changes, and deletions of rows that are to be retained. There are no secrets in it, but personal data:
//! users and their networks.

mod refusals;
mod table;

use std::time::Duration;

use chassis::{Context, Job};
use db::{Db, Tx};
use values::{Clock, Timestamp};

pub use refusals::Refusals;
pub use table::{Filter, Record, append, read};

/// The migration that creates the tables; a service lists it among its own.
pub const SCHEMA_V1: &str = include_str!("v1.sql");

/// What happened.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// The action, such as `sign-in`.
    pub action: &'static str,
    /// Who: a user, or [`OPERATOR`]; `None` if it is not known.
    pub actor: Option<String>,
    /// Whose, or which: a user, a session, a key.
    pub subject: Option<String>,
    /// From where: an IPv4 address, or an IPv6 network of 64 bits.
    pub network: Option<String>,
    /// `ok`, or why not.
    pub result: &'static str,
}

/// The actor of a subcommand.
pub const OPERATOR: &str = "operator";

/// The result of what was done.
pub const OK: &str = "ok";

/// The time between two writes of counted refusals.
const INTERVAL: Duration = Duration::from_mins(1);

/// Returns a job that appends the counted refusals, and deletes rows that are older than `retention`.
pub fn job(db: &Db, clock: &Clock, refusals: &Refusals, retention: Duration) -> Job {
    let (db, clock, refusals) = (db.clone(), clock.clone(), refusals.clone());
    Job::every(INTERVAL, "write and purge the audit log", move || {
        let (db, refusals, now) = (db.clone(), refusals.clone(), clock.now());
        async move {
            let counted = refusals.take();
            let written = db.write(move |tx| maintain(tx, now, &counted, retention)).await;
            if let Err(error) = written {
                tracing::warn!(%error, "audit log could not be written or purged");
            }
        }
    })
}

/// Appends the counted refusals when the service stops.
pub fn write_at_stop(context: &Context, refusals: &Refusals) {
    let (db, clock, refusals) = (context.db.clone(), context.clock.clone(), refusals.clone());
    let stopping = context.shutdown.clone();
    context.tasks.spawn(async move {
        stopping.cancelled().await;
        let (counted, now) = (refusals.take(), clock.now());
        let written = db.write(move |tx| append_all(tx, now, &counted)).await;
        if let Err(error) = written {
            tracing::warn!(%error, "audit log could not be written");
        }
    });
}

fn append_all(tx: &Tx, now: Timestamp, counted: &[(Entry, u32)]) -> Result<(), db::Error> {
    for (entry, count) in counted {
        table::append_count(tx, now, entry, *count)?;
    }
    Ok(())
}

fn maintain(tx: &Tx, now: Timestamp, counted: &[(Entry, u32)], retention: Duration) -> Result<(), db::Error> {
    append_all(tx, now, counted)?;
    table::purge(tx, now - retention)
}
