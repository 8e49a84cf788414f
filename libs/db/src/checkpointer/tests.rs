//! Statements of the checkpointer that fail.

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use tempfile::TempDir;

use super::*;

/// A database with a long log, the connection that writes it, and a checkpointer that does not run by itself.
struct TestLog {
    writer: Connection,
    checkpointer: Checkpointer,
    _folder: TempDir,
}

impl TestLog {
    /// Writes a log of more than `size` bytes.
    fn longer_than(size: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box-office.db");
        let writer = Connection::open(&path).unwrap();
        writer.busy_timeout(Duration::ZERO).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        writer.execute_batch("CREATE TABLE note (text BLOB) STRICT").unwrap();
        let checkpointer = Checkpointer {
            log: sibling(&path, "-wal"),
            frame_size: FRAME_HEADER_SIZE + 4096,
            conn: connect(&path).unwrap(),
            path,
            is_stopping: Arc::default(),
            has_failed: false,
        };
        let test_log = Self {
            writer,
            checkpointer,
            _folder: folder,
        };
        while test_log.checkpointer.log_size() <= size {
            test_log.write(1 << 20).unwrap();
        }
        test_log
    }

    fn write(&self, size: i64) -> rusqlite::Result<()> {
        let insert = "INSERT INTO note (text) VALUES (zeroblob(?1))";
        self.writer.execute(insert, [size]).map(drop)
    }

    /// Has SQLite refuse the statements of the checkpointer that match.
    fn refuse(&self, matches: fn(&AuthAction<'_>) -> bool) {
        let hook = move |context: AuthContext<'_>| {
            if matches(&context.action) {
                Authorization::Deny
            } else {
                Authorization::Allow
            }
        };
        self.checkpointer.conn.authorizer(Some(hook)).unwrap();
    }

    fn permit_all(&self) {
        let none: Option<fn(AuthContext<'_>) -> Authorization> = None;
        self.checkpointer.conn.authorizer(none).unwrap();
    }

    /// Asserts that the attempt fails with an error that is logged, and returns it.
    fn fails(&self) -> rusqlite::Error {
        let error = self.checkpointer.shorten_log().unwrap_err();
        assert!(!is_busy(&error), "{error}");
        error
    }
}

fn reads_version(action: &AuthAction<'_>) -> bool {
    matches!(action, AuthAction::Pragma { pragma_name, pragma_value: None } if *pragma_name == "user_version")
}

const fn rolls_back(action: &AuthAction<'_>) -> bool {
    matches!(
        action,
        AuthAction::Transaction {
            operation: TransactionOperation::Rollback
        }
    )
}

#[test]
fn a_failed_restart_of_the_log_does_not_lock_out_the_writer() {
    let test_log = TestLog::longer_than(CUT_SIZE);
    test_log.refuse(reads_version);
    test_log.fails();
    test_log.write(1).unwrap();
    test_log.permit_all();
    test_log.checkpointer.shorten_log().unwrap();
    assert!(test_log.checkpointer.log_size() < CUT_SIZE);
}

#[test]
fn a_failed_rollback_is_reported_and_repeated() {
    let test_log = TestLog::longer_than(CUT_SIZE);
    // The log is restarted, and then its file is cut under a lock that is rolled back.
    test_log.refuse(rolls_back);
    test_log.fails();
    let locked_out = test_log.write(1).unwrap_err();
    assert!(is_busy(&locked_out), "{locked_out}");
    test_log.fails();

    test_log.permit_all();
    test_log.checkpointer.shorten_log().unwrap();
    test_log.write(1).unwrap();
    assert!(test_log.checkpointer.log_size() < CUT_SIZE);
}

#[test]
fn a_lock_of_another_connection_is_no_failure() {
    let test_log = TestLog::longer_than(CUT_SIZE);
    test_log.writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = test_log.checkpointer.shorten_log().unwrap_err();
    assert!(is_busy(&error), "{error}");
    test_log.writer.execute_batch("ROLLBACK").unwrap();
    test_log.checkpointer.shorten_log().unwrap();
}
