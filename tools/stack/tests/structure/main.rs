//! Which package may depend on which, and which module may import which.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod constraints;
mod documents;
mod imports;
mod invariants;
mod modules;
mod packages;
mod rooms;
mod services;

use chassis::Service;
use rusqlite::Connection;
use tempfile::TempDir;

/// Returns a migrated database of a service, in a folder that is deleted with it.
pub(crate) fn empty_database<S: Service>() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.db");
    db::admin::migrate(&path, &S::SCHEMA).unwrap();
    let conn = Connection::open(&path).unwrap();
    (folder, conn)
}
