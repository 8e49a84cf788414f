//! Violations, and the rows that show them.

use std::fmt;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row};

/// The number of rows that are reported per check.
pub(super) const MAX_FINDINGS: usize = 20;

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

/// The violations that one check has found so far: the first ones, and the number of the others.
#[derive(Default)]
pub(super) struct Violations {
    first: Vec<String>,
    more: usize,
}

impl Violations {
    /// Runs a query for rows that violate the check, and adds them. If it fails, nothing is added.
    pub(super) fn query(&mut self, conn: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<()> {
        let mut statement = conn.prepare_cached(sql)?;
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query(params)?;
        let mut found = Self::default();
        while let Some(row) = rows.next()? {
            if self.first.len() + found.first.len() < MAX_FINDINGS {
                found.first.push(format_row(row, &columns)?);
            } else {
                found.more += 1;
            }
        }
        self.first.append(&mut found.first);
        self.more += found.more;
        Ok(())
    }

    /// Returns the findings of `check`.
    pub(super) fn into_findings(self, check: &str) -> Vec<Finding> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        let details = self.first.into_iter().chain(more);
        let finding = |detail| Finding {
            check: check.to_owned(),
            detail,
        };
        details.map(finding).collect()
    }
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
