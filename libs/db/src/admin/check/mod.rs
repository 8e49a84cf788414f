//! Checking a database: damage, dangling references, violated invariants.

mod findings;
mod invariant;
mod short_reads;
mod structure;
mod sums;

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Error;
use super::backup::copy_pages_to;
use super::partial_file::{PartialFile, require_room};
use crate::{OpenError, Schema, open};
use findings::Violations;
use invariant::ALL_ROWS;
use short_reads::ShortReads;
use structure::{RangedReferences, Thoroughness};

pub use findings::Finding;
pub use invariant::{Invariant, Part, Scope, Sums};
pub use short_reads::Progress;

/// The page cache of a check, in kibibytes.
const CACHE_KIBIBYTES: i64 = 64 << 10;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The violations.
    pub findings: Vec<Finding>,
    /// The checks that would have needed a long read of a database in use: [`check_full`] makes them.
    pub unverified: Vec<String>,
    /// The duration of the longest read transaction.
    pub longest_read: Duration,
}

impl CheckReport {
    fn add(&mut self, check: &str, is_complete: bool, violations: Violations) {
        if !is_complete {
            self.unverified.push(check.to_owned());
        }
        self.findings.extend(violations.into_findings(check));
    }
}

/// Checks everything in the database at `path`, and that what [`check_online`] does finds the same.
pub fn check(path: &Path, schema: &Schema, invariants: &[Invariant]) -> Result<Vec<Finding>, Error> {
    let checker = Checker::open(path, schema, invariants)?;
    let mut report = |_: Progress<'_>| {};
    let full = checker.run(&mut report, Checker::run_full)?;
    let online = checker.run(&mut report, Checker::run_online)?;
    let mut findings = full.findings;
    let is_found = |name: &str, findings: &[Finding]| findings.iter().any(|finding| finding.check == name);
    for invariant in invariants {
        let (by_query, by_parts) = (
            is_found(invariant.name, &findings),
            is_found(invariant.name, &online.findings),
        );
        if by_query != by_parts {
            findings.push(Finding {
                check: invariant.name.to_owned(),
                detail: format!("a violation is found by the query: {by_query}, by parts: {by_parts}"),
            });
        }
    }
    Ok(findings)
}

/// Checks the database at `path` while the service runs, whatever its size: its references, the schema's version, and each of
/// `invariants`. Calls `report` with the progress.
///
/// Each read transaction is short, because the write-ahead log grows meanwhile: tables are read in ranges. What cannot be
/// verified so is reported as unverified: the structure of large tables, and invariants about whole tables.
pub fn check_online(
    path: &Path,
    schema: &Schema,
    invariants: &[Invariant],
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<CheckReport, Error> {
    Checker::open(path, schema, invariants)?.run(report, Checker::run_online)
}

/// Checks the database at `path` in full: also its structure, and each entry of each index.
///
/// A database that a process has open is copied first, to a file beside it that is deleted afterwards. That is one read
/// transaction, as long as the disk needs to write the copy.
pub fn check_full(
    path: &Path,
    schema: &Schema,
    invariants: &[Invariant],
    report: &mut dyn FnMut(Progress<'_>),
) -> Result<CheckReport, Error> {
    // An open database has a file of shared memory.
    if !open::sibling(path, "-shm").exists() {
        return Checker::open(path, schema, invariants)?.run(report, Checker::run_full);
    }
    let target = open::sibling(path, ".check");
    require_room(path, &target, 1)?;
    let copy = PartialFile::beside(&target)?;
    copy_pages_to(path, &copy.path)?;
    Checker::open(&copy.path, schema, invariants)?.run(report, Checker::run_full)
}

/// An open database, and what is checked in it.
struct Checker<'a> {
    path: &'a Path,
    conn: Connection,
    /// `None` if the schema is older than the program's: invariants are queries over the schema of this program.
    invariants: Option<&'a [Invariant]>,
    version: Option<Finding>,
}

impl<'a> Checker<'a> {
    fn open(path: &'a Path, schema: &Schema, invariants: &'a [Invariant]) -> Result<Self, Error> {
        if !path.is_file() {
            return Err(Error::Missing(path.to_owned()));
        }
        let conn = open::connect(path, OpenFlags::empty()).map_err(Error::sql(path))?;
        // A newer database that this program is compatible with must satisfy its invariants, too.
        let (found, usable) = match open::identify(&conn, path, schema) {
            Ok(found) => (found, found >= schema.version()),
            Err(OpenError::TooNew { found, .. }) => (found, false),
            Err(error) => return Err(error.into()),
        };
        prepare(&conn).map_err(Error::sql(path))?;
        let version = (!usable).then(|| Finding {
            check: "schema version".to_owned(),
            detail: format!("the database has {found}, this program {}", schema.version()),
        });
        Ok(Self {
            path,
            conn,
            invariants: usable.then_some(invariants),
            version,
        })
    }

    fn run(
        &self,
        report: &mut dyn FnMut(Progress<'_>),
        run: fn(&Self, &ShortReads<'_>, &mut CheckReport) -> rusqlite::Result<()>,
    ) -> Result<CheckReport, Error> {
        let reads = ShortReads::new(&self.conn, report);
        let mut checked = CheckReport {
            findings: self.version.iter().cloned().collect(),
            ..CheckReport::default()
        };
        match run(self, &reads, &mut checked) {
            // So damaged that the check cannot go on.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
                checked.findings.push(Finding {
                    check: reads.current_check(),
                    detail: error.to_string(),
                });
            }
            outcome => outcome.map_err(Error::sql(self.path))?,
        }
        checked.longest_read = reads.longest();
        Ok(checked)
    }

    /// Runs each check in one read.
    fn run_full(&self, reads: &ShortReads<'_>, checked: &mut CheckReport) -> rusqlite::Result<()> {
        for table in structure::tables(&self.conn)? {
            run_once(reads, checked, &format!("integrity of {table}"), |conn, violations| {
                structure::check_integrity(conn, &table, Thoroughness::Full, violations)
            })?;
            run_once(reads, checked, &format!("references of {table}"), |conn, violations| {
                structure::check_references(conn, &table, violations)
            })?;
        }
        for invariant in self.invariants.unwrap_or_default() {
            run_once(reads, checked, invariant.name, |conn, violations| {
                match invariant.scope {
                    Scope::Row(_) => violations.query(conn, invariant.sql, ALL_ROWS),
                    Scope::Whole | Scope::Key(_) => violations.query(conn, invariant.sql, []),
                }
            })?;
        }
        Ok(())
    }

    /// Runs each check in short reads.
    fn run_online(&self, reads: &ShortReads<'_>, checked: &mut CheckReport) -> rusqlite::Result<()> {
        for table in structure::tables(&self.conn)? {
            try_in_one_read(reads, checked, &format!("integrity of {table}"), |conn, violations| {
                structure::check_integrity(conn, &table, Thoroughness::Quick, violations)
            })?;
            let name = format!("references of {table}");
            let Some(references) = RangedReferences::of_table(&self.conn, &table)? else {
                try_in_one_read(reads, checked, &name, |conn, violations| {
                    structure::check_references(conn, &table, violations)
                })?;
                continue;
            };
            for references in references {
                run_in_ranges(reads, checked, &name, &table, |conn, range, violations| {
                    references.check(conn, range, violations)
                })?;
            }
        }
        let invariants = self.invariants.unwrap_or_default();
        for invariant in invariants {
            match invariant.scope {
                Scope::Whole => try_in_one_read(reads, checked, invariant.name, |conn, violations| {
                    violations.query(conn, invariant.sql, [])
                })?,
                Scope::Row(table) => {
                    run_in_ranges(reads, checked, invariant.name, table, |conn, range, violations| {
                        violations.query(conn, invariant.sql, range)
                    })?;
                }
                // All of them together, below.
                Scope::Key(_) => {}
            }
        }
        for compared in sums::compare(reads, invariants, pages(&self.conn)?)? {
            checked.add(compared.invariant.name, compared.is_complete, compared.violations);
        }
        Ok(())
    }
}

fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    open::prepare_reader(conn)?;
    conn.pragma_update(None, "cache_size", -CACHE_KIBIBYTES)
}

/// Returns the number of pages: in proportion to that of rows.
fn pages(conn: &Connection) -> rusqlite::Result<u64> {
    let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    Ok(pages.unsigned_abs())
}

/// Runs a check in one read, however long it takes.
fn run_once(
    reads: &ShortReads<'_>,
    checked: &mut CheckReport,
    name: &str,
    check: impl FnOnce(&Connection, &mut Violations) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    run(reads, checked, name, |violations| {
        reads.once(|conn| check(conn, violations))?;
        Ok(true)
    })
}

/// Runs a check in one short read, if that suffices.
fn try_in_one_read(
    reads: &ShortReads<'_>,
    checked: &mut CheckReport,
    name: &str,
    mut check: impl FnMut(&Connection, &mut Violations) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    run(reads, checked, name, |violations| {
        Ok(reads.try_twice(|conn| check(conn, violations))?.is_some())
    })
}

/// Runs a check in short reads of ranges of a table.
fn run_in_ranges(
    reads: &ShortReads<'_>,
    checked: &mut CheckReport,
    name: &str,
    table: &str,
    mut check: impl FnMut(&Connection, [i64; 2], &mut Violations) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    run(reads, checked, name, |violations| {
        reads.for_each_range(table, |conn, range| check(conn, range, violations))?;
        Ok(true)
    })
}

/// Runs a check, which returns whether it is complete, and adds its result to the report.
fn run(
    reads: &ShortReads<'_>,
    checked: &mut CheckReport,
    name: &str,
    check: impl FnOnce(&mut Violations) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    reads.begin(name);
    let mut violations = Violations::default();
    let is_complete = check(&mut violations)?;
    reads.end();
    checked.add(name, is_complete, violations);
    Ok(())
}

/// Runs all checks of SQLite.
pub(super) fn integrity(conn: &Connection) -> rusqlite::Result<Vec<Finding>> {
    let integrity = "SELECT integrity_check AS message FROM pragma_integrity_check WHERE message <> 'ok'";
    let references = "SELECT \"table\", rowid AS row, parent FROM pragma_foreign_key_check";
    let mut findings = Vec::new();
    for (name, sql) in [("integrity", integrity), ("references", references)] {
        let mut violations = Violations::default();
        violations.query(conn, sql, [])?;
        findings.extend(violations.into_findings(name));
    }
    Ok(findings)
}
