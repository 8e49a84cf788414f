//! Checking a database: damage, dangling references, violated invariants.

use std::fmt;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::Error;
use crate::{OpenError, Schema, open};

/// The number of rows that are reported per check.
const MAX_FINDINGS: usize = 20;

/// A condition on every state of a service's database.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// The condition, as a sentence: `no listing is oversold`.
    pub name: &'static str,
    /// A query for the rows that violate it.
    pub sql: &'static str,
}

/// A violation that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check: the name of an invariant, `integrity`, `references`, `schema version`.
    pub check: String,
    /// The violation: a row as `column=value, …`, or the message of SQLite.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.detail)
    }
}

/// Checks the database at `path`, also while the service runs: SQLite's integrity check, foreign keys, the schema's
/// version, and each of `invariants`. Returns the violations.
pub fn check(path: &Path, schema: &Schema, invariants: &[Invariant]) -> Result<Vec<Finding>, Error> {
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
    run_checks(&conn, schema, (found, usable), invariants).map_err(Error::sql(path))
}

fn run_checks(
    conn: &Connection,
    schema: &Schema,
    (version, usable): (usize, bool),
    invariants: &[Invariant],
) -> rusqlite::Result<Vec<Finding>> {
    open::prepare_reader(conn)?;
    // All checks see the same state.
    let snapshot = conn.unchecked_transaction()?;
    let mut findings = integrity(&snapshot)?;
    if !usable {
        findings.push(Finding {
            check: "schema version".to_owned(),
            detail: format!("the database has {version}, this program {}", schema.version()),
        });
        // The invariants are queries over the schema of this program.
        return Ok(findings);
    }
    for invariant in invariants {
        findings.extend(violating_rows(&snapshot, invariant.name, invariant.sql)?);
    }
    Ok(findings)
}

/// Runs the checks of SQLite.
pub(super) fn integrity(conn: &Connection) -> rusqlite::Result<Vec<Finding>> {
    let mut findings = violating_rows(
        conn,
        "integrity",
        "SELECT integrity_check AS message FROM pragma_integrity_check WHERE message <> 'ok'",
    )?;
    findings.extend(violating_rows(
        conn,
        "references",
        "SELECT \"table\", rowid AS row, parent FROM pragma_foreign_key_check",
    )?);
    Ok(findings)
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
