//! Migrating a copy, to see what a release is going to do to a database before it does.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::backup::{Partial, copy_database};
use super::{Error, Finding, Invariant, check};
use crate::{OpenError, Schema, open};

/// What a migration would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// The schema version that the database has.
    pub from: usize,
    /// The schema version that it would have.
    pub to: usize,
    /// Each migration that would run, in order.
    pub steps: Vec<Step>,
    /// Bytes of the copy before.
    pub before: u64,
    /// Bytes of the copy after, its log folded in.
    pub after: u64,
    /// What is not as it should be afterwards; nothing means that all is well.
    pub findings: Vec<Finding>,
    /// Where the migrated copy is, if it was to be kept.
    pub kept: Option<PathBuf>,
}

/// One migration of a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The version it leads to.
    pub to: usize,
    /// How long it took, the check of all references and its commit included.
    pub took: Duration,
}

/// Copies the database at `path`, also while its service runs, migrates the copy and [checks](super::check) it. `path`
/// itself is only read.
///
/// The copy is `copy_to`, else `<path>.rehearsal`, and must not exist. It is deleted, unless it is to be kept: then it
/// stays if the migrations have succeeded, whatever the check has found.
pub fn rehearse(
    path: &Path,
    schema: &Schema,
    invariants: &[Invariant],
    copy_to: Option<&Path>,
    keep: bool,
) -> Result<Rehearsal, Error> {
    if !path.is_file() {
        return Err(Error::Missing(path.to_owned()));
    }
    let target = copy_to.map_or_else(|| open::beside(path, ".rehearsal"), Path::to_owned);
    if target.exists() {
        return Err(Error::Exists(target));
    }
    make_sure_of_room(path, &target)?;
    let copy = Partial::beside(&target)?;
    let mut conn = copy_database(path, &copy.path)?;
    let from = open::recognise(&conn, path, schema)?;
    if from == 0 {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
            service: schema.service,
        }
        .into());
    }
    let before = size(&copy.path)?;
    let steps = migrate(&mut conn, path, schema, from)?;
    // One file again, so that its size tells the whole.
    conn.pragma_update(None, "journal_mode", "DELETE")
        .map_err(Error::sql(&copy.path))?;
    drop(conn);
    let after = size(&copy.path)?;
    let findings = check(&copy.path, schema, invariants)?;
    if keep {
        copy.publish(&target)?;
    }
    Ok(Rehearsal {
        from,
        to: schema.version().max(from),
        steps,
        before,
        after,
        findings,
        kept: keep.then_some(target),
    })
}

fn migrate(conn: &mut Connection, path: &Path, schema: &Schema, from: usize) -> Result<Vec<Step>, Error> {
    open::prepare_writer(conn, schema).map_err(Error::sql(path))?;
    let mut steps = Vec::new();
    for to in from + 1..=schema.version() {
        let began = Instant::now();
        open::migrate(conn, schema, to).map_err(|source| OpenError::Migration {
            path: path.to_owned(),
            source,
        })?;
        steps.push(Step {
            to,
            took: began.elapsed(),
        });
    }
    Ok(steps)
}

/// A migration may rewrite every table, so it may need the copy's size once more, and its log as much again.
fn make_sure_of_room(path: &Path, target: &Path) -> Result<(), Error> {
    let log = fs::metadata(open::beside(path, "-wal")).map_or(0, |log| log.len());
    let needed = size(path)?.saturating_add(log).saturating_mul(3);
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let room = rustix::fs::statvfs(folder).map_err(|error| Error::io(folder)(error.into()))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if free < needed {
        return Err(Error::NoRoom {
            folder: PathBuf::from(folder),
            needed,
            free,
        });
    }
    Ok(())
}

fn size(path: &Path) -> Result<u64, Error> {
    Ok(fs::metadata(path).map_err(Error::io(path))?.len())
}
