//! The guarantees of the library, on real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admin;
mod build_flags;
mod check;
mod constraints;
mod crash_recovery;
mod disk_full;
mod downgrade;
mod hand_over;
mod open;
mod other_process;
mod read;
mod read_cache;
mod rehearse;
mod restored;
mod row_waiters;
mod statements;
mod write;
mod write_ahead_log;

use std::path::PathBuf;

use db::{Db, Error, Schema};
use rusqlite::Connection;
use tempfile::TempDir;

/// Notes, and a listing of 100 tickets.
pub(crate) const BOX_OFFICE: Schema = Schema {
    service: "box-office",
    migrations: &[
        "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;",
        "CREATE TABLE stock (held INTEGER NOT NULL CHECK (held <= 100)) STRICT; INSERT INTO stock VALUES (0);",
    ],
};

/// A temporary folder for the files of one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn open(&self) -> Db {
        Db::open(&self.file("box-office.db"), &BOX_OFFICE).unwrap()
    }
}

pub(crate) fn write_note(conn: &Connection, id: i64) -> Result<(), Error> {
    conn.execute("INSERT INTO note (id, text) VALUES (?1, 'remember')", [id])?;
    Ok(())
}

pub(crate) async fn notes(db: &Db) -> Vec<i64> {
    db.read(|conn| -> Result<_, Error> {
        let mut statement = conn.prepare("SELECT id FROM note ORDER BY id")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    })
    .await
    .unwrap()
}
