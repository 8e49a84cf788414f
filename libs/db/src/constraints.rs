//! Lists in the constraints of tables.
//!
//! SQLite builds a temporary table for a list of more than two values, each time it checks one: for nine lists of an order,
//! that took a fifth of the processor time of the order. Comparisons need none. Migrations keep the lists, which are easier to
//! read; the schema in the file has the comparisons.

use std::{borrow::Cow, path::Path};

use regex::{Captures, Regex};
use rusqlite::{Connection, config::DbConfig};

/// Returns the pattern of a list of more than two texts without quotes in them, whose column follows `(` or `OR` directly:
/// nothing around such a list binds more tightly.
///
/// It is used while a database opens, so it is not kept in memory.
#[expect(clippy::expect_used, reason = "a constant, which tests use")]
fn list_pattern() -> Regex {
    Regex::new(r"(\([ \n]*|OR )([A-Za-z0-9_.]+) (NOT )?IN \([ \n]*('[^']*'(?:,[ \n]*'[^']*'){2,})[ \n]*\)")
        .expect("the pattern is valid")
}

/// Replaces the lists in the definitions of all tables by comparisons, as <https://sqlite.org/lang_altertable.html>,
/// section 7, describes it. Rows are neither read nor written: the constraints allow the same values as before.
///
/// If that fails, the lists stay, and a warning is logged.
pub(crate) fn replace_lists(conn: &mut Connection, path: &Path) {
    if let Err(error) = try_to_replace_lists(conn) {
        tracing::warn!(database = %path.display(), %error, "lists in constraints kept, writing takes longer with them");
    }
}

fn try_to_replace_lists(conn: &mut Connection) -> rusqlite::Result<()> {
    if tables_with_lists(conn)?.is_empty() {
        return Ok(());
    }
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    let replaced = update_schema(conn);
    // Also after an error: no longer writable, and as it is in the file.
    let reset = conn.execute_batch("PRAGMA writable_schema = RESET");
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    replaced.and(reset)
}

fn update_schema(conn: &mut Connection) -> rusqlite::Result<()> {
    let tx = conn.transaction()?;
    tx.execute_batch("PRAGMA writable_schema = ON")?;
    for (id, sql) in tables_with_lists(&tx)? {
        tx.execute("UPDATE sqlite_schema SET sql = ?2 WHERE rowid = ?1", (id, sql))?;
    }
    // Other connections read the schema again if its version has changed.
    let version: i64 = tx.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    tx.pragma_update(None, "schema_version", version + 1)?;
    tx.execute_batch("PRAGMA writable_schema = RESET")?;
    // Fails if SQLite cannot parse the new schema.
    tx.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    tx.commit()
}

/// Returns the tables whose definitions have lists: their rows in `sqlite_schema`, and the definitions without lists.
fn tables_with_lists(conn: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let list = list_pattern();
    let mut found = Vec::new();
    let mut find_tables = conn.prepare("SELECT rowid, sql FROM sqlite_schema WHERE type = 'table'")?;
    let mut tables = find_tables.query([])?;
    while let Some(table) = tables.next()? {
        let sql: String = table.get(1)?;
        if let Some(sql) = with_comparisons(&sql, &list) {
            found.push((table.get(0)?, sql));
        }
    }
    Ok(found)
}

/// Returns the definition of a table with its lists written as comparisons, or nothing if it has none.
fn with_comparisons(sql: &str, list: &Regex) -> Option<String> {
    let replaced = list.replace_all(sql, |list: &Captures<'_>| {
        let (before, column, values) = (&list[1], &list[2], &list[4]);
        // The values are in quotes, and contain none.
        let comparisons: Vec<_> = (values.split('\'').skip(1).step_by(2))
            .map(|value| format!("{column} = '{value}'"))
            .collect();
        let comparisons = comparisons.join(" OR ");
        match list.get(3) {
            None => format!("{before}({comparisons})"),
            Some(_) => format!("{before}(NOT ({comparisons}))"),
        }
    });
    match replaced {
        Cow::Borrowed(_) => None,
        Cow::Owned(sql) => Some(sql),
    }
}

#[cfg(test)]
mod tests {
    use super::{list_pattern, with_comparisons};

    #[test]
    fn lists_of_more_than_two_texts_become_comparisons() {
        let pattern = list_pattern();
        for (list, comparisons) in [
            (
                "CHECK (status IN ('open', 'won:late', 'lost'))",
                "CHECK ((status = 'open' OR status = 'won:late' OR status = 'lost'))",
            ),
            (
                "CHECK ((\n a_b IN (\n 'x',\n 'y', 'z'\n)) = (c IS NULL))",
                "CHECK ((\n (a_b = 'x' OR a_b = 'y' OR a_b = 'z')) = (c IS NULL))",
            ),
            (
                "CHECK (b IS NULL OR a NOT IN ('x', 'y', 'z'))",
                "CHECK (b IS NULL OR (NOT (a = 'x' OR a = 'y' OR a = 'z')))",
            ),
        ] {
            assert_eq!(with_comparisons(list, &pattern).unwrap(), comparisons);
        }
        for kept in [
            "CHECK (status IN ('open', 'closed'))",
            "CHECK (status IN ('it''s', 'b', 'c'))",
            "CHECK (a || b IN ('x', 'y', 'z'))",
            "CHECK (number IN (1, 2, 3))",
        ] {
            assert_eq!(with_comparisons(kept, &pattern), None, "{kept}");
        }
    }
}
