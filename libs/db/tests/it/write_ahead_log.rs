//! The write-ahead log, as a process that copies it sees it.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::{Folder, write_note};

/// <https://sqlite.org/fileformat2.html#the_write_ahead_log>: a header, then frames of a header and a page each. The
/// header and each frame carry the salts of the log that they belong to.
const HEADER: u64 = 32;
const FRAME: u64 = 24 + 4096;

/// The salts of the log, and those of the last frame in its file.
fn salts(log: &File) -> ([u8; 8], [u8; 8]) {
    let last = log.metadata().unwrap().len() - FRAME;
    assert_eq!((last - HEADER) % FRAME, 0, "whole frames");
    let (mut own, mut of_last) = ([0; 8], [0; 8]);
    log.read_exact_at(&mut own, 16).unwrap();
    log.read_exact_at(&mut of_last, last + 8).unwrap();
    (own, of_last)
}

#[tokio::test]
async fn a_restarted_log_contains_no_frame_of_the_previous_one() {
    let folder = Folder::new();
    let db = folder.open();
    let mut logs = Vec::new();
    let mut file = None;
    for id in 0..2500 {
        db.write(move |tx| write_note(tx, id)).await.unwrap();
        let file = file.get_or_insert_with(|| File::open(folder.file("box-office.db-wal")).unwrap());
        let (log, last_frame) = salts(file);
        assert_eq!(log, last_frame, "after the note {id}");
        if logs.last() != Some(&log) {
            logs.push(log);
        }
    }
    assert!(logs.len() > 2, "the log restarted: {logs:?}");
    db.close().await;
}
