//! The write-ahead log, as a process that copies it sees it.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use db::Db;
use rusqlite::Connection;

use super::{Folder, notes, write_note};

/// <https://sqlite.org/fileformat2.html#the_write_ahead_log>: a header, then frames of a header and a page each. The
/// header and each frame carry the salts of the log that they belong to.
const HEADER: u64 = 32;
const FRAME: u64 = 24 + 4096;

/// The salts of the log, and those of the last frame in its file. `None` if the checkpointer has just truncated it.
fn salts(log: &File) -> Option<([u8; 8], [u8; 8])> {
    let last = log.metadata().unwrap().len().checked_sub(FRAME)?;
    let salts_at = |offset| {
        let mut salts = [0; 8];
        log.read_exact_at(&mut salts, offset).is_ok().then_some(salts)
    };
    let found = salts_at(16).zip(salts_at(last + 8))?;
    assert_eq!((last - HEADER) % FRAME, 0, "whole frames");
    Some(found)
}

/// Creates what Litestream creates before it reads the log.
fn attach_litestream(folder: &Folder) {
    let litestream = Connection::open(folder.file("box-office.db")).unwrap();
    litestream.busy_timeout(Duration::from_secs(5)).unwrap();
    litestream
        .execute_batch("CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        .unwrap();
}

/// The salts and sizes of logs, as observed after each write.
#[derive(Default)]
struct Observed {
    logs: Vec<[u8; 8]>,
    /// Whether a log was shorter than its file.
    has_old_frames: bool,
    /// Whether the file became shorter.
    is_cut: bool,
    size: u64,
}

impl Observed {
    /// Writes notes until the log was restarted `restarts` times.
    async fn write_until_restarted(&mut self, folder: &Folder, db: &Db, ids: &mut Range<i64>, restarts: usize) {
        let logs = self.logs.len();
        while self.logs.len() <= logs + restarts {
            let id = ids.next().unwrap();
            db.write(move |tx| write_note(tx, id)).await.unwrap();
            let file = File::open(folder.file("box-office.db-wal")).unwrap();
            let Some((log, last_frame)) = salts(&file) else {
                self.is_cut |= self.size > 0;
                self.size = 0;
                continue;
            };
            let size = file.metadata().unwrap().len();
            self.has_old_frames |= log != last_frame;
            self.is_cut |= size < self.size;
            self.size = size;
            if self.logs.last() != Some(&log) {
                self.logs.push(log);
            }
        }
    }
}

#[tokio::test]
async fn a_restarted_log_that_litestream_copies_contains_no_frame_of_the_previous_one() {
    let folder = Folder::new();
    let db = folder.open();
    attach_litestream(&folder);
    let mut observed = Observed::default();
    observed.write_until_restarted(&folder, &db, &mut (0..100_000), 2).await;
    assert!(!observed.has_old_frames);
    db.close().await;
}

#[tokio::test]
async fn a_log_that_nothing_copies_is_overwritten_in_place() {
    let folder = Folder::new();
    let db = folder.open();
    let mut observed = Observed::default();
    observed.write_until_restarted(&folder, &db, &mut (0..100_000), 3).await;
    assert!(observed.has_old_frames && !observed.is_cut);
    let mut ids = notes(&db).await.into_iter();
    assert!((0..).zip(&mut ids).all(|(expected, id)| expected == id));
    db.close().await;
}

#[tokio::test]
async fn a_log_is_truncated_from_the_moment_at_which_litestream_begins_to_copy_it() {
    let folder = Folder::new();
    let db = folder.open();
    let mut ids = 0..100_000;
    let mut before = Observed::default();
    before.write_until_restarted(&folder, &db, &mut ids, 2).await;
    assert!(before.has_old_frames);

    attach_litestream(&folder);
    let mut restart = Observed::default();
    restart.write_until_restarted(&folder, &db, &mut ids, 1).await;
    let mut after = Observed::default();
    after.write_until_restarted(&folder, &db, &mut ids, 2).await;
    assert!(!after.has_old_frames);
    db.close().await;

    // Also when the service starts again.
    let db = folder.open();
    let mut later = Observed::default();
    later.write_until_restarted(&folder, &db, &mut ids, 2).await;
    assert!(!later.has_old_frames);
    db.close().await;
}
