//! Checks that a restore from Litestream contains all rows, however often the service or Litestream was stopped or killed.
//!
//! `cargo run -p db --example replicated LITESTREAM FOLDER [ROUNDS]`: a database is written all the time, with
//! and without a running Litestream; at the end of each round the replica is restored. Fails if a restored database is
//! damaged or lacks a row.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use db::{Db, Schema};
use rusqlite::Connection;

const SCHEMA: Schema = Schema {
    service: "replicated",
    migrations: &[
        "CREATE TABLE timer (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0) STRICT;
         CREATE INDEX timer_pending ON timer (due) WHERE ended = 0;",
    ],
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let (Some(litestream), Some(folder)) = (args.next(), args.next()) else {
        return Err("usage: replicated LITESTREAM FOLDER [ROUNDS]".into());
    };
    let rounds = args
        .next()
        .map_or(Ok(20), |rounds| rounds.to_string_lossy().parse::<u64>())?;
    let folder = tempfile::tempdir_in(folder)?;
    let setup = Setup::prepare(litestream, folder.path())?;
    let mut written = 0;
    for round in 0..rounds {
        let db = Db::open(&setup.database, &SCHEMA)?;
        // Before Litestream starts: sometimes less than a log, sometimes more than one.
        written = write(&db, written, round * 421 % 1300).await?;
        let mut replicator = setup.replicate()?;
        written = write_for(&db, written, Duration::from_millis(600 + round * 173 % 900)).await?;
        match round % 3 {
            // As in an update: the service ends first, then Litestream.
            0 => db.close().await,
            // Litestream is killed and restarted while the service writes.
            1 => {
                replicator.kill()?;
                replicator.wait()?;
                written = write(&db, written, round * 577 % 1500).await?;
                replicator = setup.replicate()?;
                written = write_for(&db, written, Duration::from_millis(700)).await?;
                db.close().await;
            }
            // Litestream is stopped first, then the service is killed: no checkpoint, no close.
            _ => {
                stop(replicator)?;
                written = write(&db, written, round * 331 % 1100).await?;
                let killed_state = setup.read_files()?;
                db.close().await;
                setup.write_files(killed_state)?;
                replicator = setup.replicate()?;
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
        }
        stop(replicator)?;
        setup.compare(round, written)?;
    }
    println!("{rounds} replicas of up to {written} rows: all as written");
    Ok(())
}

async fn write(db: &Db, from: u64, count: u64) -> Result<u64> {
    for id in from..from + count {
        db.write(move |tx| -> std::result::Result<_, db::Error> {
            // Scattered ids, so that each commit writes several pages.
            let scattered = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1;
            tx.prepare_cached("INSERT INTO timer (id, due) VALUES (?1, ?2)")?
                .execute([scattered, scattered.reverse_bits() >> 1])?;
            let first = "SELECT id FROM timer WHERE ended = 0 ORDER BY due LIMIT 1";
            tx.prepare_cached(&format!("UPDATE timer SET ended = 1 WHERE id = ({first})"))?
                .execute([])?;
            Ok(())
        })
        .await?;
    }
    Ok(from + count)
}

async fn write_for(db: &Db, mut from: u64, time: Duration) -> Result<u64> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        from = write(db, from, 1).await?;
        tokio::time::sleep(Duration::from_millis(from % 4)).await;
    }
    Ok(from)
}

/// Stops Litestream with SIGTERM, as Nomad does: it replicates the last writes first.
fn stop(mut replicator: Child) -> Result<()> {
    Command::new("kill").arg(replicator.id().to_string()).status()?;
    replicator.wait()?;
    Ok(())
}

struct Setup {
    litestream: PathBuf,
    database: PathBuf,
    config: PathBuf,
    restored: PathBuf,
}

impl Setup {
    fn prepare(litestream: PathBuf, folder: &Path) -> Result<Self> {
        let setup = Self {
            litestream,
            database: folder.join("replicated.db"),
            config: folder.join("litestream.yml"),
            restored: folder.join("restored.db"),
        };
        let (database, replica) = (setup.database.display(), folder.join("replica"));
        fs::write(
            &setup.config,
            format!(
                "dbs:\n  - path: {database}\n    monitor-interval: 200ms\n    truncate-page-n: -1\n    replica:\n      type: file\n      \
                 path: {}\n      sync-interval: 200ms\n",
                replica.display()
            ),
        )?;
        Ok(setup)
    }

    fn replicate(&self) -> Result<Child> {
        let mut command = Command::new(&self.litestream);
        command.arg("replicate").arg("-config").arg(&self.config);
        Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    fn sibling(&self, suffix: &str) -> PathBuf {
        self.database.with_extension(format!("db{suffix}"))
    }

    /// Reads the current files, as a kill leaves them. The lock of the writer keeps the checkpointer from truncating the log
    /// while it is read. It may still move pages: so the log, which contains them, is read first.
    fn read_files(&self) -> Result<[Vec<u8>; 2]> {
        let conn = Connection::open(&self.database)?;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let log = fs::read(self.sibling("-wal"))?;
        let files = [fs::read(&self.database)?, log];
        conn.execute_batch("ROLLBACK")?;
        Ok(files)
    }

    fn write_files(&self, [database, log]: [Vec<u8>; 2]) -> Result<()> {
        fs::write(&self.database, database)?;
        fs::write(self.sibling("-wal"), log)?;
        Ok(())
    }

    fn compare(&self, round: u64, written: u64) -> Result<()> {
        let mut command = Command::new(&self.litestream);
        command
            .args(["restore", "-config"])
            .arg(&self.config)
            .arg("-o")
            .arg(&self.restored);
        let output = command.arg(&self.database).output()?;
        if !output.status.success() {
            return Err(format!("round {round}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let restored = Connection::open(&self.restored)?;
        let integrity = restored.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        let counted = restored.query_row("SELECT count(*) FROM timer", [], |row| row.get::<_, u64>(0));
        if integrity.as_deref() != Ok("ok") || counted != Ok(written) {
            return Err(
                format!("round {round}: {counted:?} of {written} rows were restored, and: {integrity:?}").into(),
            );
        }
        restored.close().map_err(|(_, error)| error)?;
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.restored.with_extension(format!("db{suffix}")));
        }
        Ok(())
    }
}
