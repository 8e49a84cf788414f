//! SQLite's own checks, and the references between tables.

use rusqlite::Connection;

use super::findings::Violations;
use super::short_reads::is_without_rowid;

/// How thoroughly the structure of a database is checked.
#[derive(Clone, Copy)]
pub(super) enum Thoroughness {
    /// Each page and row.
    Quick,
    /// Also each entry of each index.
    Full,
}

/// Returns the tables. The schema itself, with which the list of free pages is checked, is the first.
pub(super) fn tables(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut tables = conn.prepare(
        "SELECT 'sqlite_schema' UNION ALL SELECT name FROM pragma_table_list WHERE schema = 'main'
         AND type IN ('table', 'shadow', 'virtual') AND name NOT LIKE 'sqlite\\_schema' ESCAPE '\\'",
    )?;
    tables.query_map([], |row| row.get(0))?.collect()
}

/// Checks the pages of a table, and its rows.
pub(super) fn check_integrity(
    conn: &Connection,
    table: &str,
    thoroughness: Thoroughness,
    violations: &mut Violations,
) -> rusqlite::Result<()> {
    let pragma = match thoroughness {
        Thoroughness::Quick => "quick_check",
        Thoroughness::Full => "integrity_check",
    };
    let table = table.replace('\'', "''");
    let sql = format!("SELECT {pragma} AS message FROM pragma_{pragma}('{table}') WHERE message <> 'ok'");
    violations.query(conn, &sql, [])
}

/// Checks all references of a table.
pub(super) fn check_references(conn: &Connection, table: &str, violations: &mut Violations) -> rusqlite::Result<()> {
    let sql = "SELECT \"table\", rowid AS row, parent FROM pragma_foreign_key_check(?)";
    violations.query(conn, sql, [table])
}

/// A query for the dangling references of the rows whose `rowid` is between `?1` and `?2`.
pub(super) struct RangedReferences(String);

impl RangedReferences {
    /// Returns the queries for the references of a table, or `None` if its rows have no `rowid`.
    pub(super) fn of_table(conn: &Connection, table: &str) -> rusqlite::Result<Option<Vec<Self>>> {
        let mut columns = conn.prepare(
            "SELECT id, \"table\", \"from\", coalesce(\"to\", (
                 SELECT name FROM pragma_table_info(k.\"table\") WHERE pk = k.seq + 1
             )) FROM pragma_foreign_key_list(?) AS k ORDER BY id, seq",
        )?;
        let columns = columns.query_map([table], |row| {
            Ok((row.get(0)?, row.get(1)?, [row.get(2)?, row.get(3)?]))
        })?;
        let columns: Vec<(i64, String, [String; 2])> = columns.collect::<Result<_, _>>()?;
        if !columns.is_empty() && is_without_rowid(conn, table)? {
            return Ok(None);
        }
        let keys = columns.chunk_by(|one, next| one.0 == next.0);
        let queries = keys.filter_map(|key| {
            let (_, parent, _) = key.first()?;
            let is_set = key
                .iter()
                .map(|(_, _, [from, _])| format!("child.{} IS NOT NULL", quoted(from)));
            let is_same = key
                .iter()
                .map(|(_, _, [from, to])| format!("parent.{} = child.{}", quoted(to), quoted(from)));
            Some(Self(format!(
                "SELECT '{}' AS \"table\", child.rowid AS row, '{}' AS parent FROM {} AS child
                 WHERE child.rowid BETWEEN ?1 AND ?2 AND {}
                 AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})",
                table.replace('\'', "''"),
                parent.replace('\'', "''"),
                quoted(table),
                is_set.collect::<Vec<_>>().join(" AND "),
                quoted(parent),
                is_same.collect::<Vec<_>>().join(" AND "),
            )))
        });
        Ok(Some(queries.collect()))
    }

    pub(super) fn check(
        &self,
        conn: &Connection,
        range: [i64; 2],
        violations: &mut Violations,
    ) -> rusqlite::Result<()> {
        violations.query(conn, &self.0, range)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
