//! The invariants that a check verifies, and how it can read them.

use rusqlite::Connection;

/// The range of `rowid` that has all rows.
pub(super) const ALL_ROWS: [i64; 2] = [i64::MIN, i64::MAX];

/// A condition on every state of a service's database.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// The condition, as a sentence: `no listing is oversold`.
    pub name: &'static str,
    /// A query for the rows that violate it.
    ///
    /// Its cost must grow with the number of rows, not with its square: it compares sets (`GROUP BY`, joins over keys), and has
    /// no subquery per row without an index.
    pub sql: &'static str,
    /// The verification while the service runs, on databases with millions of rows.
    pub scope: Scope,
}

/// The rows that an [`Invariant`] relates to each other: they must be read within one transaction.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    /// Any of them: the query runs at once. It must read little, or belong to a table that stays small.
    Whole,
    /// Each row of this table by itself, with what it refers to by keys: the query examines those whose `rowid` is between
    /// `?1` and `?2`. All invariants of this scope are verified range by range.
    Row(&'static str),
    /// The rows with the same key, of any tables.
    Key(Sums),
}

/// An invariant of the kind "the numbers of these rows are counted in that row": for each key, the numbers of all `parts` sum
/// to zero. The sums are computed in one pass over each table, whatever the order of its rows.
#[derive(Clone, Copy, Debug)]
pub struct Sums {
    /// The rows that are counted, and with negative numbers the rows that count them.
    pub parts: &'static [Part],
    /// A query for the violation of the key `?1` (`?2` …): it uses indexes, and decides about keys that other processes write
    /// during the pass. Without one, the query of the invariant decides.
    pub of_key: Option<&'static str>,
}

/// The contribution of the rows of one table to [`Sums`].
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The name of the table.
    pub table: &'static str,
    /// Expressions over a row: a key of texts.
    pub key: &'static [&'static str],
    /// Expressions over a row: integers, as many as in the other parts.
    pub numbers: &'static [&'static str],
}

impl Invariant {
    /// Whether a row violates the invariant.
    pub fn is_violated(&self, conn: &Connection) -> rusqlite::Result<bool> {
        let mut violations = conn.prepare_cached(self.sql)?;
        match self.scope {
            Scope::Row(_) => violations.exists(ALL_ROWS),
            Scope::Whole | Scope::Key(_) => violations.exists([]),
        }
    }
}
