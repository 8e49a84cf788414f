//! Reads that are short, whatever the size of the database, and their progress.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};

/// The duration at which a read ends and the next one continues. The write-ahead log cannot be reused during a read.
const READ_TARGET: Duration = Duration::from_millis(20);

/// The duration at which a read that does not end by itself is interrupted.
const READ_LIMIT: Duration = Duration::from_millis(250);

/// The number of instructions of SQLite's virtual machine between two checks of the time.
const INSTRUCTIONS_PER_CHECK: i32 = 2000;

/// The number of rows in the first range of a table.
const FIRST_RANGE: i64 = 1000;

/// The time between two reports of a check that takes long.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

/// The progress of a check.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The check: the name of an invariant, `integrity of <table>`, `references of <table>`, `sums of <table>`.
    pub check: &'a str,
    /// The time since it began.
    pub elapsed: Duration,
    /// The number of rows that it has read, of those that it reads one by one.
    pub rows: u64,
    /// Whether it has ended.
    pub is_done: bool,
}

/// A connection whose reads are measured and reported.
pub(super) struct ShortReads<'a> {
    pub(super) conn: &'a Connection,
    longest: Cell<Duration>,
    check: RefCell<String>,
    began: Cell<Instant>,
    reported: Cell<Instant>,
    rows: Cell<u64>,
    report: RefCell<&'a mut dyn FnMut(Progress<'_>)>,
}

impl<'a> ShortReads<'a> {
    pub(super) fn new(conn: &'a Connection, report: &'a mut dyn FnMut(Progress<'_>)) -> Self {
        Self {
            conn,
            longest: Cell::new(Duration::ZERO),
            check: RefCell::default(),
            began: Cell::new(Instant::now()),
            reported: Cell::new(Instant::now()),
            rows: Cell::new(0),
            report: RefCell::new(report),
        }
    }

    /// Returns the duration of the longest read.
    pub(super) const fn longest(&self) -> Duration {
        self.longest.get()
    }

    /// Begins a check.
    pub(super) fn begin(&self, check: &str) {
        self.check.replace(check.to_owned());
        self.began.set(Instant::now());
        self.reported.set(Instant::now());
        self.rows.set(0);
    }

    /// Returns the name of the check that runs.
    pub(super) fn current_check(&self) -> String {
        self.check.borrow().clone()
    }

    /// Reports the end of a check.
    pub(super) fn end(&self) {
        self.report(true);
    }

    fn report(&self, is_done: bool) {
        self.reported.set(Instant::now());
        (self.report.borrow_mut())(Progress {
            check: &self.check.borrow(),
            elapsed: self.began.get().elapsed(),
            rows: self.rows.get(),
            is_done,
        });
    }

    fn record(&self, began: Instant) {
        self.longest.set(self.longest.get().max(began.elapsed()));
        if self.reported.get().elapsed() > REPORT_INTERVAL {
            self.report(false);
        }
    }

    /// Runs a query, however long it takes.
    pub(super) fn once<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let began = Instant::now();
        let outcome = query(self.conn);
        self.record(began);
        outcome
    }

    /// Runs a query. Returns `None` if it took too long and was interrupted.
    fn try_once<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
        let began = Instant::now();
        let is_over = move || began.elapsed() > READ_LIMIT;
        self.conn.progress_handler(INSTRUCTIONS_PER_CHECK, Some(is_over))?;
        let outcome = query(self.conn);
        self.conn.progress_handler(0, None::<fn() -> bool>)?;
        self.record(began);
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a query. Returns `None` if it took too long twice: a machine that stood still for a moment makes no query long.
    pub(super) fn try_twice<T>(
        &self,
        mut query: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        match self.try_once(&mut query)? {
            None => self.try_once(query),
            done => Ok(done),
        }
    }

    /// Calls `examine` for ranges of `rowid` that cover the table, from the first to the last id. It runs again with a part of a
    /// range if that took too long.
    pub(super) fn for_each_range(
        &self,
        table: &str,
        mut examine: impl FnMut(&Connection, [i64; 2]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let ends = format!("SELECT (SELECT min(rowid) FROM \"{table}\"), (SELECT max(rowid) FROM \"{table}\")");
        let ends = self.conn.query_row(&ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(mut first), Some(end)): (Option<i64>, Option<i64>) = ends else {
            return Ok(());
        };
        let mut size = FIRST_RANGE;
        loop {
            let last = first.saturating_add(size - 1).min(end);
            let began = Instant::now();
            let is_done = if size == 1 {
                self.once(|conn| examine(conn, [first, last]))?;
                true
            } else {
                self.try_once(|conn| examine(conn, [first, last]))?.is_some()
            };
            let took = began.elapsed();
            if is_done {
                if last == end {
                    return Ok(());
                }
                first = last + 1;
            }
            if !is_done {
                size = (size / 16).max(1);
            } else if took < READ_TARGET / 2 {
                size = size.saturating_mul(2);
            } else if took > READ_TARGET {
                size = (size / 2).max(1);
            }
        }
    }

    /// Calls `visit` with the values of `columns` in each row of a table, in the order of its primary key or `rowid`. A row that
    /// is inserted or deleted meanwhile may be missing.
    pub(super) fn for_each_row(
        &self,
        table: &str,
        columns: &[&str],
        mut visit: impl FnMut(&TableRow<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let key = self.storage_key(table)?;
        let (names, marks) = (key.join(", "), vec!["?"; key.len()].join(", "));
        let select = format!("SELECT {names}, {} FROM \"{table}\"", columns.join(", "));
        let mut sql = format!("{select} ORDER BY {names}");
        let mut after: Vec<Value> = Vec::new();
        'reads: loop {
            let mut statement = self.conn.prepare_cached(&sql)?;
            let began = Instant::now();
            let mut rows = statement.query(params_from_iter(&after))?;
            while let Some(row) = rows.next()? {
                self.rows.set(self.rows.get() + 1);
                visit(&TableRow { row, offset: key.len() })?;
                if began.elapsed() > READ_TARGET {
                    after = (0..key.len()).map(|index| row.get(index)).collect::<Result<_, _>>()?;
                    sql = format!("{select} WHERE ({names}) > ({marks}) ORDER BY {names}");
                    drop(rows);
                    self.record(began);
                    continue 'reads;
                }
            }
            self.record(began);
            return Ok(());
        }
    }

    /// Returns the columns by which the rows of a table are stored.
    fn storage_key(&self, table: &str) -> rusqlite::Result<Vec<String>> {
        if !is_without_rowid(self.conn, table)? {
            return Ok(vec!["rowid".to_owned()]);
        }
        let mut columns = self
            .conn
            .prepare("SELECT format('\"%w\"', name) FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk")?;
        columns.query_map([table], |row| row.get(0))?.collect()
    }
}

/// Whether the rows of a table are stored by its primary key instead of a `rowid`.
pub(super) fn is_without_rowid(conn: &Connection, table: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?";
    conn.query_row(sql, [table], |row| row.get(0))
}

/// The columns of a row.
pub(super) struct TableRow<'a> {
    row: &'a Row<'a>,
    /// The number of columns before the first one.
    offset: usize,
}

impl TableRow<'_> {
    pub(super) fn integer(&self, index: usize) -> rusqlite::Result<i64> {
        self.row.get(self.offset + index)
    }

    /// Returns the bytes of a text.
    pub(super) fn bytes(&self, index: usize) -> rusqlite::Result<&[u8]> {
        let bytes = self.row.get_ref(self.offset + index)?.as_bytes_or_null()?;
        Ok(bytes.unwrap_or_default())
    }
}
