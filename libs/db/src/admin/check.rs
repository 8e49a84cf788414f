//! Looking for what should not be: damage, dangling references, violated invariants.

use std::fmt;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::Error;
use crate::{OpenError, Schema, open};

/// Rows reported per check; the first few tell what is wrong.
const SHOWN: usize = 20;

/// Something that holds for every state of a service's database.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// What holds, as a sentence: `no listing is oversold`.
    pub name: &'static str,
    /// A query for the rows that violate it.
    pub sql: &'static str,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked for: an invariant's name, `integrity`, `references`, `schema version`.
    pub check: String,
    /// What was found: a row as `column=value, …`, or SQLite's own words.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.detail)
    }
}

/// Checks the database at `path`, also while the service runs: SQLite's integrity check, foreign keys, the schema's
/// version, and each of `invariants`. No finding means that all is well.
pub fn check(path: &Path, schema: &Schema, invariants: &[Invariant]) -> Result<Vec<Finding>, Error> {
    if !path.is_file() {
        return Err(Error::Missing(path.to_owned()));
    }
    let conn = open::connect(path, OpenFlags::empty()).map_err(Error::sql(path))?;
    // A newer one that this program can work with must keep what this program promises.
    let (found, usable) = match open::recognise(&conn, path, schema) {
        Ok(found) => (found, found >= schema.version()),
        Err(OpenError::TooNew { found, .. }) => (found, false),
        Err(error) => return Err(error.into()),
    };
    look(&conn, schema, (found, usable), invariants).map_err(Error::sql(path))
}

fn look(
    conn: &Connection,
    schema: &Schema,
    (version, usable): (usize, bool),
    invariants: &[Invariant],
) -> rusqlite::Result<Vec<Finding>> {
    open::prepare_reader(conn)?;
    // All checks see the same moment.
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
        findings.extend(rows(&snapshot, invariant.name, invariant.sql)?);
    }
    Ok(findings)
}

/// What SQLite itself can tell to be wrong.
pub(super) fn integrity(conn: &Connection) -> rusqlite::Result<Vec<Finding>> {
    let mut findings = rows(
        conn,
        "integrity",
        "SELECT integrity_check AS said FROM pragma_integrity_check WHERE said <> 'ok'",
    )?;
    findings.extend(rows(
        conn,
        "references",
        "SELECT \"table\", rowid AS row, parent FROM pragma_foreign_key_check",
    )?);
    Ok(findings)
}

fn rows(conn: &Connection, check: &str, sql: &str) -> rusqlite::Result<Vec<Finding>> {
    let mut statement = conn.prepare(sql)?;
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let finding = |detail| Finding {
        check: check.to_owned(),
        detail,
    };
    let mut found = statement.query([])?;
    let mut findings = Vec::new();
    let mut more: usize = 0;
    while let Some(row) = found.next()? {
        if findings.len() < SHOWN {
            findings.push(finding(text(row, &columns)?));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        findings.push(finding(format!("and {more} more")));
    }
    Ok(findings)
}

fn text(row: &Row<'_>, columns: &[String]) -> rusqlite::Result<String> {
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
