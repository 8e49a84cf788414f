//! Migrating a copy of a database before a release migrates the database itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::backup::copy_database;
use super::partial_file::{PartialFile, require_room};
use super::{Error, Finding, Invariant, check};
use crate::{OpenError, Schema, open};

/// The result of a rehearsed migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// The schema version of the database.
    pub from: usize,
    /// The schema version after the migration.
    pub to: usize,
    /// The migrations that would run, in order.
    pub migrations: Vec<RehearsedMigration>,
    /// The size of the copy before the migration.
    pub bytes_before: u64,
    /// The size of the copy after the migration, without a log.
    pub bytes_after: u64,
    /// The violations that a check finds afterwards.
    pub findings: Vec<Finding>,
    /// The path of the migrated copy, if it is kept.
    pub copy: Option<PathBuf>,
}

/// A migration of a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RehearsedMigration {
    /// The version after the migration.
    pub to: usize,
    /// The duration, with the check of all references and the commit.
    pub duration: Duration,
}

/// Copies the database at `path`, also while its service runs, migrates the copy and [checks](super::check) it. The
/// database itself is only read.
///
/// The copy is `copy_to`, else `<path>.rehearsal`, and must not exist. It is deleted, unless `keep` is set and the
/// migrations succeed.
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
    let target = copy_to.map_or_else(|| open::sibling(path, ".rehearsal"), Path::to_owned);
    if target.exists() {
        return Err(Error::Exists(target));
    }
    // A migration may rewrite every table in the copy, and in its log.
    require_room(path, &target, 3)?;
    let copy = PartialFile::beside(&target)?;
    let mut conn = copy_database(path, &copy.path)?;
    let from = open::identify(&conn, path, schema)?;
    if from == 0 {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
            service: schema.service,
        }
        .into());
    }
    let bytes_before = size(&copy.path)?;
    let migrations = migrate(&mut conn, path, schema, from)?;
    // Without a log, so that the size of the file is that of the database.
    conn.pragma_update(None, "journal_mode", "DELETE")
        .map_err(Error::sql(&copy.path))?;
    drop(conn);
    let bytes_after = size(&copy.path)?;
    let findings = check(&copy.path, schema, invariants)?;
    if keep {
        copy.publish(&target)?;
    }
    Ok(Rehearsal {
        from,
        to: schema.version().max(from),
        migrations,
        bytes_before,
        bytes_after,
        findings,
        copy: keep.then_some(target),
    })
}

fn migrate(conn: &mut Connection, path: &Path, schema: &Schema, from: usize) -> Result<Vec<RehearsedMigration>, Error> {
    open::prepare_writer(conn, schema).map_err(Error::sql(path))?;
    let mut migrations = Vec::new();
    for to in from + 1..=schema.version() {
        let began = Instant::now();
        open::migrate(conn, path, schema, to)?;
        migrations.push(RehearsedMigration {
            to,
            duration: began.elapsed(),
        });
    }
    if from <= schema.version() {
        open::migrate_to_newest(conn, path, schema)?;
    }
    Ok(migrations)
}

fn size(path: &Path) -> Result<u64, Error> {
    Ok(fs::metadata(path).map_err(Error::io(path))?.len())
}
