//! How SQLite executes a statement: for tests, which assert that statements use indexes.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::open::{connect, prepare_reader};

/// Returns the steps of the plan by which SQLite executes a statement, such as `SEARCH order USING INDEX …`: tests assert that
/// a query uses an index (<https://sqlite.org/eqp.html>). Parameters are not bound: no plan depends on their values.
pub fn query_plan(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    explain.raw_query().mapped(|row| row.get("detail")).collect()
}

/// Returns the tables and indexes that a statement reads from one of their ends, instead of searching them by a key; those of
/// the triggers that it fires as well.
///
/// Such a read may end soon, because of a `LIMIT`; the plan does not show it. An index has the name of its table before it:
/// `order.order_open_by_ticket`. Names are those of the schema, whatever aliases the statement has
/// (<https://sqlite.org/opcode.html>).
pub fn scans(conn: &Connection, sql: &str) -> rusqlite::Result<BTreeSet<String>> {
    read_ends(conn, sql, Programs::All)
}

/// The programs of a statement: its own, which comes first, and those of the triggers that it fires.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Programs {
    All,
    Triggers,
}

fn read_ends(conn: &Connection, sql: &str, programs: Programs) -> rusqlite::Result<BTreeSet<String>> {
    let mut names = conn.prepare(
        "SELECT rootpage, iif(type = 'index', format('%s.%s', tbl_name, name), name) FROM sqlite_schema WHERE rootpage > 0
         UNION ALL SELECT 1, 'sqlite_schema'",
    )?;
    let names: HashMap<i64, String> = names
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut explain = conn.prepare(&format!("EXPLAIN {sql}"))?;
    let mut program = explain.raw_query();
    let mut open: HashMap<i64, &String> = HashMap::new();
    let mut found = BTreeSet::new();
    let mut programs_begun = 0;
    while let Some(instruction) = program.next()? {
        // Each program counts its instructions from zero.
        if instruction.get::<_, i64>("addr")? == 0 {
            programs_begun += 1;
        }
        if programs == Programs::Triggers && programs_begun < 2 {
            continue;
        }
        let (opcode, cursor, operand): (String, i64, i64) = (
            instruction.get("opcode")?,
            instruction.get("p1")?,
            instruction.get("p2")?,
        );
        match opcode.as_str() {
            "OpenRead" | "OpenWrite" | "ReopenIdx" => {
                // The third operand is the database: 1 for temporary tables.
                let is_main = instruction.get::<_, i64>("p3")? == 0;
                match names.get(&operand).filter(|_| is_main) {
                    Some(name) => open.insert(cursor, name),
                    None => open.remove(&cursor),
                };
            }
            "OpenEphemeral" | "OpenAutoindex" | "OpenPseudo" | "SorterOpen" | "VOpen" => {
                open.remove(&cursor);
            }
            "Rewind" | "Last" => found.extend(open.get(&cursor).map(|name| (*name).clone())),
            _ => {}
        }
    }
    Ok(found)
}

/// What a statement may read without a key, or sort, because it is bounded otherwise.
#[derive(Clone, Copy, Debug)]
pub struct BoundedRead {
    /// A part of the statement, with single spaces; empty for all statements.
    statement: &'static str,
    /// `None` for a sort of rows that were found by a key.
    table: Option<&'static str>,
    /// What bounds the rows.
    reason: &'static str,
}

impl BoundedRead {
    /// A table that is small: statements may scan it.
    pub const fn of_table(table: &'static str, reason: &'static str) -> Self {
        Self {
            statement: "",
            table: Some(table),
            reason,
        }
    }

    /// Statements with this part may scan a table, or only one of its indexes: `order.order_open_by_ticket`.
    pub const fn in_statement(statement: &'static str, table: &'static str, reason: &'static str) -> Self {
        Self {
            statement,
            table: Some(table),
            reason,
        }
    }

    /// Statements with this part may sort, because they find few rows by a key.
    pub const fn sorted(statement: &'static str, reason: &'static str) -> Self {
        Self {
            statement,
            table: None,
            reason,
        }
    }

    /// Returns what bounds the rows.
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

/// A statement that reads a table without a key, or sorts rows.
#[derive(Debug)]
pub struct UnboundedRead {
    /// The statement, with single spaces.
    pub statement: String,
    /// The tables and indexes that it reads from one of their ends ([`scans`]).
    pub scans: BTreeSet<String>,
    /// Whether it sorts rows.
    pub sorts: bool,
    /// Its plan ([`query_plan`]).
    pub plan: Vec<String>,
}

/// Returns those of the statements that read a table of the database without a key, or sort rows, and that none of `bounded`
/// allows. Statements of other databases are left out.
///
/// The plans are those of the readers, whose settings are those of the writer.
pub fn unbounded_reads(
    path: &Path,
    statements: &BTreeSet<String>,
    bounded: &[BoundedRead],
) -> rusqlite::Result<Vec<UnboundedRead>> {
    let conn = connect(path, OpenFlags::empty())?;
    prepare_reader(&conn)?;
    let mut found = Vec::new();
    for statement in statements {
        // Not prepared: a statement of another service's database, or of transaction control.
        let Ok(plan) = query_plan(&conn, statement) else {
            continue;
        };
        let read = UnboundedRead::new(&conn, statement, plan, bounded)?;
        if read.sorts || !read.scans.is_empty() {
            found.push(read);
        }
    }
    Ok(found)
}

impl UnboundedRead {
    fn new(conn: &Connection, statement: &str, plan: Vec<String>, bounded: &[BoundedRead]) -> rusqlite::Result<Self> {
        // A search that begins at an end of its index, such as that for the greatest key, is no scan; the plan tells them
        // apart, but it leaves out triggers.
        let is_table_scanned = |step: &String| {
            step.strip_prefix("SCAN ")
                .is_some_and(|what| what != "CONSTANT ROW" && !what.starts_with('(') && !what.contains("VIRTUAL TABLE"))
        };
        let programs = if plan.iter().any(is_table_scanned) {
            Programs::All
        } else {
            Programs::Triggers
        };
        let mut scans = read_ends(conn, statement, programs)?;
        scans.extend(plan.iter().filter_map(|step| whole_virtual_table(step)));
        // What SQLite itself keeps: one row for each table, index or column.
        scans.retain(|name| !name.starts_with("sqlite_") && !name.starts_with("pragma_"));
        let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_allowed = |table: Option<&str>| {
            bounded
                .iter()
                .any(|read| read.table == table && words.contains(read.statement))
        };
        scans.retain(|name| !is_allowed(Some(name)) && !is_allowed(name.split('.').next()));
        let sorts = plan.iter().any(|step| step.starts_with("USE TEMP B-TREE")) && !is_allowed(None);
        Ok(Self {
            statement: words,
            scans,
            sorts,
            plan,
        })
    }
}

/// Returns the virtual table that a step reads without any constraint, except the functions of JSON, whose argument bounds them.
///
/// FTS5 names its constraints in a text after the number of the index; `fts5vocab` counts them from this number on, above the
/// columns that it reads.
fn whole_virtual_table(step: &str) -> Option<String> {
    const VOCABULARY_CONSTRAINTS: u32 = 0x100;
    let (table, index) = step.strip_prefix("SCAN ")?.split_once(" VIRTUAL TABLE INDEX ")?;
    let (number, text) = index.split_once(':')?;
    let is_bound = !text.is_empty()
        || number.parse::<u32>().ok()? >= VOCABULARY_CONSTRAINTS
        || matches!(table, "json_each" | "json_tree");
    (!is_bound).then(|| table.to_owned())
}

impl fmt::Display for UnboundedRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.statement)?;
        if !self.scans.is_empty() {
            writeln!(
                f,
                "  reads without a key: {}",
                self.scans.iter().cloned().collect::<Vec<_>>().join(", ")
            )?;
        }
        if self.sorts {
            writeln!(f, "  sorts")?;
        }
        self.plan.iter().try_for_each(|step| writeln!(f, "  | {step}"))
    }
}
