//! Checking a database: damage, dangling references, violated invariants.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::Error;
use crate::{OpenError, Schema, open};

/// The number of rows that are reported per check.
const MAX_FINDINGS: usize = 20;

/// The page cache of a check, in kibibytes: it reads every page, some of them several times.
const CACHE_KIBIBYTES: i64 = 64 << 10;

/// A condition on every state of a service's database.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// The condition, as a sentence: `no listing is oversold`.
    pub name: &'static str,
    /// A query for the rows that violate it.
    ///
    /// It runs beside the service on databases with millions of rows. Its cost must grow with their number, not with its
    /// square: it compares sets (`GROUP BY`, joins over keys), and has no subquery per row without an index.
    pub sql: &'static str,
}

/// How thoroughly SQLite's own structures are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoroughness {
    /// Each page and row (`PRAGMA quick_check`).
    Quick,
    /// Also each entry of each index (`PRAGMA integrity_check`): takes several times as long.
    Full,
}

/// A violation that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check: the name of an invariant, `integrity of <table>`, `references of <table>`, `schema version`.
    pub check: String,
    /// The violation: a row as `column=value, …`, or the message of SQLite.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.detail)
    }
}

/// Checks the database at `path` in full, see [`check_with_progress`].
pub fn check(path: &Path, schema: &Schema, invariants: &[Invariant]) -> Result<Vec<Finding>, Error> {
    check_with_progress(path, schema, invariants, Thoroughness::Full, |_, _| {})
}

/// Checks the database at `path`, also while the service runs: its pages, foreign keys, the schema's version, and each of
/// `invariants`. Returns the violations. Calls `report` after each check, with its name and duration.
///
/// Each check has a read transaction of its own, so that none lasts for the sum of all: meanwhile the log grows.
pub fn check_with_progress(
    path: &Path,
    schema: &Schema,
    invariants: &[Invariant],
    thoroughness: Thoroughness,
    mut report: impl FnMut(&str, Duration),
) -> Result<Vec<Finding>, Error> {
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
    let mut findings = Vec::new();
    let mut run = |name: &str, sql: &str| {
        let began = Instant::now();
        findings.extend(violating_rows(&conn, name, sql).map_err(Error::sql(path))?);
        report(name, began.elapsed());
        Ok::<_, Error>(())
    };
    for (name, sql) in structure_checks(&conn, thoroughness).map_err(Error::sql(path))? {
        run(&name, &sql)?;
    }
    if usable {
        for invariant in invariants {
            run(invariant.name, invariant.sql)?;
        }
    } else {
        // The invariants are queries over the schema of this program.
        findings.push(Finding {
            check: "schema version".to_owned(),
            detail: format!("the database has {found}, this program {}", schema.version()),
        });
    }
    Ok(findings)
}

fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    open::prepare_reader(conn)?;
    conn.pragma_update(None, "cache_size", -CACHE_KIBIBYTES)
}

/// Runs all checks of SQLite.
pub(super) fn integrity(conn: &Connection) -> rusqlite::Result<Vec<Finding>> {
    let integrity = "SELECT integrity_check AS message FROM pragma_integrity_check WHERE message <> 'ok'";
    let references = "SELECT \"table\", rowid AS row, parent FROM pragma_foreign_key_check";
    let mut findings = violating_rows(conn, "integrity", integrity)?;
    findings.extend(violating_rows(conn, "references", references)?);
    Ok(findings)
}

/// Returns SQLite's own checks, table by table: their names and queries.
fn structure_checks(conn: &Connection, thoroughness: Thoroughness) -> rusqlite::Result<Vec<(String, String)>> {
    let pragma = match thoroughness {
        Thoroughness::Quick => "quick_check",
        Thoroughness::Full => "integrity_check",
    };
    // With the name of the schema itself, the list of free pages is checked, too.
    let mut tables = conn.prepare(
        "SELECT 'sqlite_schema' UNION ALL SELECT name FROM pragma_table_list WHERE schema = 'main'
         AND type IN ('table', 'shadow', 'virtual') AND name NOT LIKE 'sqlite\\_schema' ESCAPE '\\'",
    )?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut checks = Vec::new();
    for table in tables {
        let quoted = table.replace('\'', "''");
        checks.push((
            format!("integrity of {table}"),
            format!("SELECT {pragma} AS message FROM pragma_{pragma}('{quoted}') WHERE message <> 'ok'"),
        ));
        checks.push((
            format!("references of {table}"),
            format!("SELECT \"table\", rowid AS row, parent FROM pragma_foreign_key_check('{quoted}')"),
        ));
    }
    Ok(checks)
}

fn violating_rows(conn: &Connection, check: &str, sql: &str) -> rusqlite::Result<Vec<Finding>> {
    let mut statement = conn.prepare(sql)?;
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let finding = |detail| Finding {
        check: check.to_owned(),
        detail,
    };
    let mut rows = statement.query([])?;
    let mut findings = Vec::new();
    let mut more: usize = 0;
    while let Some(row) = rows.next()? {
        if findings.len() < MAX_FINDINGS {
            findings.push(finding(format_row(row, &columns)?));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        findings.push(finding(format!("and {more} more")));
    }
    Ok(findings)
}

fn format_row(row: &Row<'_>, columns: &[String]) -> rusqlite::Result<String> {
    let mut values = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let value = match row.get_ref(index)? {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(value) => value.to_string(),
            ValueRef::Real(value) => value.to_string(),
            ValueRef::Text(value) => String::from_utf8_lossy(value).into_owned(),
            ValueRef::Blob(value) => format!("{} bytes", value.len()),
        };
        values.push(format!("{column}={value}"));
    }
    Ok(values.join(", "))
}
