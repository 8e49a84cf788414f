//! Opening a database: whose it is, which version it has, how its connections are set up.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

/// How long a statement waits for a lock that another process holds, a backup or a check.
const BUSY: Duration = Duration::from_secs(5);

/// Statements kept prepared per connection.
const STATEMENTS: usize = 64;

/// How a script begins that the release before can live with.
const ADDITIVE: &str = "-- additive";

/// What a service's database looks like.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The owner. It is marked in the file, so that another service's database is refused.
    pub service: &'static str,
    /// SQL scripts; the position of a script is the version it leads from. Only ever append.
    ///
    /// They run with foreign keys off, so that a table can be rebuilt; all references are checked afterwards.
    ///
    /// A script whose first line begins with `-- additive` leaves a database that the release before can go on working
    /// with; the file says so, and such a release opens it. Every other one shuts out all releases before it.
    pub migrations: &'static [&'static str],
}

impl Schema {
    /// The version this program works with.
    pub fn version(&self) -> usize {
        self.migrations.len()
    }

    /// The oldest version whose programs can work with a database that has just reached `version`.
    fn floor(&self, version: usize) -> usize {
        let steps = self.migrations.iter().take(version);
        let mut breaking = steps.enumerate().filter(|(_, sql)| !sql.starts_with(ADDITIVE));
        breaking.next_back().map_or(0, |(index, _)| index + 1)
    }

    /// The service's mark in the file's header, <https://sqlite.org/pragma.html#pragma_application_id>: FNV-1a of its
    /// name, positive, because 0 means unmarked.
    fn mark(&self) -> i32 {
        let hash = self.service.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        i32::try_from(hash >> 1).unwrap_or(i32::MAX).max(1)
    }
}

/// Why a database cannot be used. The file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing.
    #[error("the database {path} cannot be opened: the folder {folder} does not exist", path = .path.display(), folder = .folder.display())]
    NoFolder {
        /// The database asked for.
        path: PathBuf,
        /// The folder it was expected in.
        folder: PathBuf,
    },
    /// The file or its folder refuses writes.
    #[error("the database {path} cannot be written: check the permissions of the file and of its folder", path = .path.display())]
    NotWritable {
        /// The database asked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is not an SQLite database", path = .path.display())]
    NotADatabase {
        /// The file asked for.
        path: PathBuf,
    },
    /// The file is an SQLite database, but not one of this service.
    #[error("{path} is not a database of the {service} service; nothing in it was changed", path = .path.display())]
    Foreign {
        /// The file asked for.
        path: PathBuf,
        /// Who asked.
        service: &'static str,
    },
    /// A newer release has migrated it.
    #[error("the database {path} has schema version {found}, but this program knows only up to {known}: start a newer release, or restore an older backup; nothing in it was changed", path = .path.display())]
    TooNew {
        /// The file asked for.
        path: PathBuf,
        /// Its schema version.
        found: usize,
        /// The newest version this program knows.
        known: usize,
    },
    /// A migration failed; it was undone.
    #[error("the database {path} cannot be migrated: {source}", path = .path.display())]
    Migration {
        /// The file asked for.
        path: PathBuf,
        /// What went wrong.
        source: rusqlite_migration::Error,
    },
    /// SQLite cannot use it: damaged, locked, the disk fails.
    #[error("the database {path} cannot be opened: {source}", path = .path.display())]
    Sql {
        /// The file asked for.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The writer's thread did not start.
    #[error("the database {path} cannot be opened: no thread for its writer: {source}", path = .path.display())]
    Thread {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    fn of(path: &Path, error: rusqlite::Error) -> Self {
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

/// Opens or creates the database, migrated to the newest version; also says which version it had.
pub(crate) fn migrated(path: &Path, schema: &Schema) -> Result<(Connection, usize), OpenError> {
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
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_CREATE).map_err(|error| OpenError::of(path, error))?;
    let found = recognise(&conn, path, schema)?;
    prepare_writer(&mut conn, schema).map_err(|error| OpenError::of(path, error))?;
    if found > schema.version() {
        tracing::warn!(
            database = %path.display(),
            found,
            known = schema.version(),
            "a newer release has migrated the database; this one can work with it and leaves its schema alone"
        );
    } else {
        migrate(&mut conn, schema, schema.version()).map_err(|source| OpenError::Migration {
            path: path.to_owned(),
            source,
        })?;
    }
    conn.pragma_update(None, "foreign_keys", true)
        .map_err(|error| OpenError::of(path, error))?;
    Ok((conn, found))
}

/// A database that nobody else sees, with the constraints of one in a file.
#[cfg(feature = "model")]
pub(crate) fn in_memory(schema: &Schema) -> Result<Connection, OpenError> {
    let path = Path::new(":memory:");
    let sql = |error| OpenError::of(path, error);
    let mut conn = Connection::open_in_memory().map_err(sql)?;
    harden(&conn).map_err(sql)?;
    migrate(&mut conn, schema, schema.version()).map_err(|source| OpenError::Migration {
        path: path.to_owned(),
        source,
    })?;
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
    // First of all, because everything else may meet a lock.
    conn.busy_timeout(BUSY)?;
    // Until it is known whose file this is, closing must not fold a log into it that a crash has left. (Without one,
    // closing only removes the empty log of this very connection.)
    let log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, log)?;
    Ok(conn)
}

/// Creates an empty file that only its owner may read, where there is none; SQLite gives its log the same permissions.
/// What goes wrong is left for SQLite to tell.
fn create_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let _ = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
}

/// The name of a file that belongs to the one at `path`, such as SQLite's `-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Tells a database that this program may use from one that it must leave alone; gives its schema version.
pub(crate) fn recognise(conn: &Connection, path: &Path, schema: &Schema) -> Result<usize, OpenError> {
    let sql = |error| OpenError::of(path, error);
    let mark: i32 = conn
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(sql)?;
    let found = version(conn).map_err(sql)?;
    if mark != schema.mark() {
        let empty: bool = conn
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
            .map_err(sql)?;
        if mark != 0 || found != 0 || !empty {
            return Err(OpenError::Foreign {
                path: path.to_owned(),
                service: schema.service,
            });
        }
    }
    if found > schema.version() && floor(conn).map_err(sql)?.is_none_or(|floor| floor > schema.version()) {
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

/// The number of migrations that a database has seen.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // Never written negative by us: then it is as foreign as a number can be.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// What the newest migration has left in the file: the oldest version whose programs can work with it.
fn floor(conn: &Connection) -> rusqlite::Result<Option<usize>> {
    if !conn.table_exists(Some("main"), "readable_since")? {
        return Ok(None);
    }
    conn.query_row("SELECT max(version) FROM readable_since", [], |row| row.get(0))
}

/// Leaves that in the file. Releases to come read it: neither the table nor its meaning may change.
fn set_floor(conn: &Connection, floor: usize) -> rusqlite::Result<()> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS readable_since (version INTEGER NOT NULL) STRICT; DELETE FROM readable_since;",
    )?;
    conn.execute("INSERT INTO readable_since (version) VALUES (?1)", [floor])?;
    Ok(())
}

pub(crate) fn prepare_writer(conn: &mut Connection, schema: &Schema) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    harden(conn)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // An answered write survives a power failure, not only a crash of the process.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Kibibytes when negative. Grows only with use.
    conn.pragma_update(None, "cache_size", -1024)?;
    // A log that begins anew is cut first. Else the end of the one before stays behind it, and Litestream, coming back
    // after both, takes that for the place where it had stopped: what lay between is missing from the replica.
    conn.pragma_update(None, "journal_size_limit", 0)?;
    conn.set_transaction_behavior(TransactionBehavior::Immediate);
    let mark: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if mark != schema.mark() {
        conn.pragma_update(None, "application_id", schema.mark())?;
    }
    Ok(())
}

/// Sets up a connection that only reads.
pub(crate) fn prepare_reader(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    harden(conn)?;
    conn.pragma_update(None, "cache_size", -512)?;
    conn.pragma_update(None, "query_only", true)
}

/// What the file says is data, never something to trust; and a misspelt column is not a string.
fn harden(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Brings the database up to `version`, which is not below its own, in one transaction.
pub(crate) fn migrate(conn: &mut Connection, schema: &Schema, version: usize) -> rusqlite_migration::Result<()> {
    // Off while tables are rebuilt (https://sqlite.org/lang_altertable.html, section 7); each script ends with a check.
    conn.pragma_update(None, "foreign_keys", false)?;
    if schema.migrations.is_empty() {
        return Ok(());
    }
    let migrations: Migrations<'_> = (1..)
        .zip(schema.migrations)
        .map(|(reached, sql)| {
            let floor = schema.floor(reached);
            M::up_with_hook(sql, move |tx: &Transaction<'_>| Ok(set_floor(tx, floor)?)).foreign_key_check()
        })
        .collect();
    migrations.to_version(conn, version)
}
