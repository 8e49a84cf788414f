//! Opening a database: its owner, its version, and the setup of its connections.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::{constraints, statements};

/// The time that a statement waits for a lock of another process, such as a backup or a check.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of statements that stay prepared per connection.
const STATEMENT_CACHE_CAPACITY: usize = 64;

/// The first line of a migration that the previous release tolerates begins with this.
const ADDITIVE_MARKER: &str = "-- additive";

/// The schema of a service's database.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The owner. Marked in the file, so that the database of another service is refused.
    pub service: &'static str,
    /// SQL scripts. The index of a script is the version that it migrates. Append only.
    ///
    /// They run with foreign keys off, so that a table can be rebuilt; all references are checked afterwards.
    ///
    /// After a script whose first line begins with `-- additive`, the previous release can still use the database. That is
    /// recorded in the file. After any other script, all earlier releases refuse the database.
    pub migrations: &'static [&'static str],
}

impl Schema {
    /// Returns the version that this program uses.
    pub fn version(&self) -> usize {
        self.migrations.len()
    }

    /// Returns the oldest schema version whose programs can use a database of `version`.
    fn oldest_compatible(&self, version: usize) -> usize {
        let scripts = self.migrations.iter().take(version);
        let mut breaking = scripts.enumerate().filter(|(_, sql)| !sql.starts_with(ADDITIVE_MARKER));
        breaking.next_back().map_or(0, |(index, _)| index + 1)
    }

    /// Returns the service's mark in the file header, <https://sqlite.org/pragma.html#pragma_application_id>: FNV-1a of its
    /// name, positive, because 0 means unmarked.
    fn application_id(&self) -> i32 {
        let hash = self.service.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        i32::try_from(hash >> 1).unwrap_or(i32::MAX).max(1)
    }
}

/// A database cannot be used. The file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing.
    #[error("the database {path} cannot be opened: the folder {folder} does not exist", path = .path.display(), folder = .folder.display())]
    NoFolder {
        /// The path of the database.
        path: PathBuf,
        /// The missing folder.
        folder: PathBuf,
    },
    /// The file or its folder is not writable.
    #[error("the database {path} cannot be written: check the permissions of the file and of its folder", path = .path.display())]
    NotWritable {
        /// The path of the database.
        path: PathBuf,
    },
    /// The file is not an SQLite database.
    #[error("{path} is not an SQLite database", path = .path.display())]
    NotADatabase {
        /// The path of the file.
        path: PathBuf,
    },
    /// The file is an SQLite database, but not one of this service.
    #[error("{path} is not a database of the {service} service; nothing in it was changed", path = .path.display())]
    Foreign {
        /// The path of the file.
        path: PathBuf,
        /// The service that tried to open it.
        service: &'static str,
    },
    /// A newer release has migrated it.
    #[error("the database {path} has schema version {found}, but this program supports only up to {known}: start a newer release, or restore an older backup; nothing in it was changed", path = .path.display())]
    TooNew {
        /// The path of the file.
        path: PathBuf,
        /// Its schema version.
        found: usize,
        /// The newest version that this program supports.
        known: usize,
    },
    /// A migration failed; it was undone.
    #[error("the database {path} cannot be migrated: {source}", path = .path.display())]
    Migration {
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        source: rusqlite_migration::Error,
    },
    /// SQLite failed: damaged, locked, or a disk error.
    #[error("the database {path} cannot be opened: {source}", path = .path.display())]
    Sql {
        /// The path of the file.
        path: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The writer's thread did not start.
    #[error("the database {path} cannot be opened: no thread for its writer: {source}", path = .path.display())]
    Thread {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn from_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path }
            }
            _ => Self::Sql { path, source: error },
        }
    }
}

/// Opens or creates the database and migrates it to the newest version. Also returns the version that it had.
pub(crate) fn open_migrated(path: &Path, schema: &Schema) -> Result<(Connection, usize), OpenError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(OpenError::NoFolder {
            path: path.to_owned(),
            folder: folder.to_owned(),
        });
    }
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(|error| OpenError::from_sqlite(path, error))?;
    let found = identify(&conn, path, schema)?;
    prepare_writer(&mut conn, schema).map_err(|error| OpenError::from_sqlite(path, error))?;
    if found > schema.version() {
        tracing::warn!(
            database = %path.display(),
            found,
            known = schema.version(),
            "database migrated by a newer release that this one is compatible with, schema left unchanged"
        );
    } else {
        migrate_to_newest(&mut conn, path, schema)?;
    }
    conn.pragma_update(None, "foreign_keys", true)
        .map_err(|error| OpenError::from_sqlite(path, error))?;
    Ok((conn, found))
}

/// Opens a private database in memory, with the constraints of one in a file.
#[cfg(feature = "model")]
pub(crate) fn in_memory(schema: &Schema) -> Result<Connection, OpenError> {
    let path = Path::new(":memory:");
    let sql = |error| OpenError::from_sqlite(path, error);
    let mut conn = Connection::open_in_memory().map_err(sql)?;
    harden(&conn).map_err(sql)?;
    migrate_to_newest(&mut conn, path, schema)?;
    conn.pragma_update(None, "foreign_keys", true).map_err(sql)?;
    Ok(conn)
}

/// Opens a database without changing it; `extra` may allow its creation.
pub(crate) fn connect(path: &Path, extra: OpenFlags) -> rusqlite::Result<Connection> {
    if extra.contains(OpenFlags::SQLITE_OPEN_CREATE) {
        create_private(path);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let conn = Connection::open_with_flags(path, flags)?;
    // First, because every other statement may wait for a lock.
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // Until the owner of the file is known, closing must not checkpoint a log that a crash has left. (Without such a log,
    // closing only removes the empty log of this connection.)
    let log = std::fs::metadata(sibling(path, "-wal")).is_ok_and(|log| log.len() > 0);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, log)?;
    Ok(conn)
}

/// Creates an empty file that only its owner can read, if there is none. SQLite gives its log the same permissions.
/// Errors are ignored here, because SQLite reports them.
fn create_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let _ = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
}

/// Returns the path of a file beside the one at `path`, such as SQLite's `-wal`.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Checks that this program may use the database. Returns its schema version.
pub(crate) fn identify(conn: &Connection, path: &Path, schema: &Schema) -> Result<usize, OpenError> {
    let sql = |error| OpenError::from_sqlite(path, error);
    let application_id: i32 = conn
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(sql)?;
    let found = version(conn).map_err(sql)?;
    if application_id != schema.application_id() {
        let empty: bool = conn
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
            .map_err(sql)?;
        if application_id != 0 || found != 0 || !empty {
            return Err(OpenError::Foreign {
                path: path.to_owned(),
                service: schema.service,
            });
        }
    }
    if found > schema.version()
        && recorded_compatibility(conn)
            .map_err(sql)?
            .is_none_or(|oldest| oldest > schema.version())
    {
        return Err(OpenError::TooNew {
            path: path.to_owned(),
            found,
            known: schema.version(),
        });
    }
    if conn.is_readonly("main").map_err(sql)? {
        return Err(OpenError::NotWritable { path: path.to_owned() });
    }
    Ok(found)
}

/// Returns the number of migrations that were applied to the database.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // Never written as a negative number by this library: then it belongs to another program.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Returns the oldest schema version whose programs can use the file, as recorded by the last migration.
fn recorded_compatibility(conn: &Connection) -> rusqlite::Result<Option<usize>> {
    if !conn.table_exists(Some("main"), "readable_since")? {
        return Ok(None);
    }
    conn.query_row("SELECT max(version) FROM readable_since", [], |row| row.get(0))
}

/// Records it in the file. Later releases read it: neither the table nor its meaning may change.
fn record_compatibility(conn: &Connection, oldest: usize) -> rusqlite::Result<()> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS readable_since (version INTEGER NOT NULL) STRICT; DELETE FROM readable_since;",
    )?;
    conn.execute("INSERT INTO readable_since (version) VALUES (?1)", [oldest])?;
    Ok(())
}

pub(crate) fn prepare_writer(conn: &mut Connection, schema: &Schema) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    harden(conn)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // A completed write survives a power failure, not only a crash of the process.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Kibibytes when negative. Grows only with use.
    conn.pragma_update(None, "cache_size", -1024)?;
    // Truncates the log before it is reused, for Litestream. The writer thread does without where there is none.
    conn.pragma_update(None, "journal_size_limit", 0)?;
    // The checkpointer does it.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.set_transaction_behavior(TransactionBehavior::Immediate);
    let application_id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application_id != schema.application_id() {
        conn.pragma_update(None, "application_id", schema.application_id())?;
    }
    Ok(())
}

/// Sets up the writing connection for commands, once the database is migrated.
pub(crate) fn prepare_commands(conn: &Connection) -> rusqlite::Result<()> {
    // For the pages that the commands of a group change. Else they are written to the log before the commit, and read again.
    conn.pragma_update(None, "cache_size", -4096)?;
    // Each command has a savepoint, which copies the pages that it changes. In memory: else into a file from 64 KiB on.
    // A migration may need more space to sort.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    statements::trace(conn);
    Ok(())
}

/// Sets up a connection that only reads.
pub(crate) fn prepare_reader(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    harden(conn)?;
    conn.pragma_update(None, "cache_size", -512)?;
    conn.pragma_update(None, "query_only", true)
}

/// Sets up a connection that only moves the log into the database. It syncs both.
pub(crate) fn prepare_checkpointer(conn: &Connection) -> rusqlite::Result<()> {
    harden(conn)?;
    conn.pragma_update(None, "synchronous", "FULL")
}

/// Distrusts the content of the file, refuses to read a misspelt column as a string, and keeps the plans of statements.
fn harden(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Plans do not depend on the values of parameters. Else each new value of a `LIMIT ?` compiles its statement again, and a
    // small one can select a plan that scans.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE_CAPACITY);
    Ok(())
}

/// Migrates the database to the version of this program, and replaces the lists in its constraints.
pub(crate) fn migrate_to_newest(conn: &mut Connection, path: &Path, schema: &Schema) -> Result<(), OpenError> {
    migrate(conn, path, schema, schema.version())?;
    constraints::replace_lists(conn, path);
    Ok(())
}

/// Migrates the database to `version`, which is not below its own, in one transaction.
pub(crate) fn migrate(conn: &mut Connection, path: &Path, schema: &Schema, version: usize) -> Result<(), OpenError> {
    run_migrations(conn, schema, version).map_err(|source| OpenError::Migration {
        path: path.to_owned(),
        source,
    })
}

fn run_migrations(conn: &mut Connection, schema: &Schema, version: usize) -> rusqlite_migration::Result<()> {
    // Off while tables are rebuilt (https://sqlite.org/lang_altertable.html, section 7); each script ends with a check.
    conn.pragma_update(None, "foreign_keys", false)?;
    if schema.migrations.is_empty() {
        return Ok(());
    }
    let migrations: Migrations<'_> = (1..)
        .zip(schema.migrations)
        .map(|(reached, sql)| {
            let oldest = schema.oldest_compatible(reached);
            M::up_with_hook(sql, move |tx: &Transaction<'_>| Ok(record_compatibility(tx, oldest)?)).foreign_key_check()
        })
        .collect();
    migrations.to_version(conn, version)
}
