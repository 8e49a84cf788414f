//! Copies of rows, whatever their columns are.

use std::path::Path;

use rusqlite::Connection as Database;

use crate::BenchResult;

/// A commit of all copies would need as much space again for the log. Few in tests, so that there are several commits.
const COPIES_PER_COMMIT: i64 = if cfg!(test) { 2 } else { 100_000 };

/// Inserts `copies` of the row `id`. `changes` are columns with an expression over `n`, the number of the copy, from 1 on;
/// all others are copied, so that later columns are as well.
///
/// # Errors
///
/// A table without one of the columns to change, and a violated constraint.
pub(crate) fn multiply(
    database: &Database,
    table: &str,
    id: &str,
    copies: u64,
    changes: &[(&str, String)],
) -> BenchResult<()> {
    let insert = insert_like(database, table, changes)?;
    let numbers = "WITH RECURSIVE number (n) AS (SELECT ?2 UNION ALL SELECT n + 1 FROM number WHERE n < ?3)";
    let sql = format!("{numbers} {insert}, number WHERE template.id = ?1");
    let (mut first, copies) = (1, i64::try_from(copies)?);
    while first <= copies {
        let last = copies.min(first + COPIES_PER_COMMIT - 1);
        database.execute(&sql, (id, first, last))?;
        first = last + 1;
    }
    empty_log(database)
}

/// The disk for a listing and an order, with their indexes and what is needed while they are inserted.
const BYTES_PER_ROW: u64 = 1600;

/// Checks that the disk of `folder` has room for so many listings and orders.
///
/// # Errors
///
/// It has not.
pub(crate) fn require_room(folder: &Path, rows: u64) -> BenchResult<()> {
    let stats = rustix::fs::statvfs(folder)?;
    let (needed, free) = (rows * BYTES_PER_ROW, stats.f_bavail.saturating_mul(stats.f_frsize));
    if free < needed {
        let message = format!(
            "{}: {} GiB are free, and {} GiB are needed: name another --folder, or leave --large out",
            folder.display(),
            free >> 30,
            (needed >> 30) + 1
        );
        return Err(message.into());
    }
    Ok(())
}

/// Moves the log into the database, so that nothing is left to move when a service opens it.
///
/// # Errors
///
/// A full disk.
pub(crate) fn empty_log(database: &Database) -> BenchResult<()> {
    Ok(database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// Returns the statement that inserts a changed copy of a row, up to the `FROM` with the row as `template`.
///
/// # Errors
///
/// A table without one of the columns to change.
pub(crate) fn insert_like(database: &Database, table: &str, changes: &[(&str, String)]) -> BenchResult<String> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")?;
    let columns: Vec<String> = statement
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let Some((missing, _)) = changes
        .iter()
        .find(|(name, _)| columns.iter().all(|column| column != name))
    {
        return Err(format!("{table} has no column {missing}").into());
    }
    let value = |column: &String| {
        let change = changes.iter().find(|(name, _)| name == column);
        change.map_or_else(
            || format!("template.\"{column}\""),
            |(_, expression)| expression.clone(),
        )
    };
    let names: Vec<_> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let values: Vec<_> = columns.iter().map(value).collect();
    Ok(format!(
        "INSERT INTO \"{table}\" ({}) SELECT {} FROM \"{table}\" AS template",
        names.join(", "),
        values.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_row_keep_the_columns_that_are_not_changed() {
        let database = Database::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, later TEXT, twice INTEGER AS (a * 2));
                 INSERT INTO t VALUES ('x', 10, 'kept'), ('other', 1, 'other');",
            )
            .unwrap();
        multiply(
            &database,
            "t",
            "x",
            3,
            &[("id", "'c' || n".to_owned()), ("a", "a + n".to_owned())],
        )
        .unwrap();
        let rows: String = database
            .query_row(
                "SELECT group_concat(id || a || later || twice, ' ') FROM t",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(rows, "x10kept20 other1other2 c111kept22 c212kept24 c313kept26");
        multiply(&database, "t", "x", 0, &[("id", "'d'".to_owned())]).unwrap();
        assert_eq!(crate::targets::count(&database, "t").unwrap(), 5);
        assert!(multiply(&database, "t", "x", 1, &[("gone", "1".to_owned())]).is_err());
    }
}
