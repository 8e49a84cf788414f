//! What is restored from Litestream is what was written, however often either of them was stopped or killed.
//!
//! `cargo run -p db --example replicated LITESTREAM FOLDER [ROUNDS]`: a database is written all the time, now with
//! Litestream beside it, now without; in the end of each round the replica is restored. It ends with an error when one is
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
    let place = Place::prepare(litestream, folder.path())?;
    let mut written = 0;
    for round in 0..rounds {
        let db = Db::open(&place.database, &SCHEMA)?;
        // Before Litestream looks: sometimes less than a log, sometimes more than one.
        written = write(&db, written, round * 421 % 1300).await?;
        let mut beside = place.replicate()?;
        written = write_for(&db, written, Duration::from_millis(600 + round * 173 % 900)).await?;
        match round % 3 {
            // As an update does it: first the service ends, then Litestream.
            0 => db.close().await,
            // Litestream dies, and the service works on without it and with it again.
            1 => {
                beside.kill()?;
                beside.wait()?;
                written = write(&db, written, round * 577 % 1500).await?;
                beside = place.replicate()?;
                written = write_for(&db, written, Duration::from_millis(700)).await?;
                db.close().await;
            }
            // Litestream is stopped first; then the service is as good as killed: nothing is folded and closed.
            _ => {
                stop(beside)?;
                written = write(&db, written, round * 331 % 1100).await?;
                let as_killed = place.copy()?;
                db.close().await;
                place.put(as_killed)?;
                beside = place.replicate()?;
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
        }
        stop(beside)?;
        place.compare(round, written)?;
    }
    println!("{rounds} replicas of up to {written} rows: all as written");
    Ok(())
}

async fn write(db: &Db, from: u64, count: u64) -> Result<u64> {
    for id in from..from + count {
        db.write(move |tx| -> std::result::Result<_, db::Error> {
            // All over the tables, so that each commit writes several pages.
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

/// As Nomad ends it: it copies the last writes, too.
fn stop(mut beside: Child) -> Result<()> {
    Command::new("kill").arg(beside.id().to_string()).status()?;
    beside.wait()?;
    Ok(())
}

struct Place {
    litestream: PathBuf,
    database: PathBuf,
    config: PathBuf,
    restored: PathBuf,
}

impl Place {
    fn prepare(litestream: PathBuf, folder: &Path) -> Result<Self> {
        let place = Self {
            litestream,
            database: folder.join("replicated.db"),
            config: folder.join("litestream.yml"),
            restored: folder.join("restored.db"),
        };
        let (database, replica) = (place.database.display(), folder.join("replica"));
        fs::write(
            &place.config,
            format!(
                "dbs:\n  - path: {database}\n    monitor-interval: 200ms\n    replica:\n      type: file\n      \
                 path: {}\n      sync-interval: 200ms\n",
                replica.display()
            ),
        )?;
        Ok(place)
    }

    fn replicate(&self) -> Result<Child> {
        let mut command = Command::new(&self.litestream);
        command.arg("replicate").arg("-config").arg(&self.config);
        Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.database.with_extension(format!("db{suffix}"))
    }

    /// The files as they are now.
    fn copy(&self) -> Result<[Vec<u8>; 2]> {
        Ok([fs::read(&self.database)?, fs::read(self.beside("-wal"))?])
    }

    fn put(&self, [database, log]: [Vec<u8>; 2]) -> Result<()> {
        fs::write(&self.database, database)?;
        fs::write(self.beside("-wal"), log)?;
        Ok(())
    }

    fn compare(&self, round: u64, written: u64) -> Result<()> {
        let mut command = Command::new(&self.litestream);
        command
            .args(["restore", "-config"])
            .arg(&self.config)
            .arg("-o")
            .arg(&self.restored);
        let said = command.arg(&self.database).output()?;
        if !said.status.success() {
            return Err(format!("round {round}: {}", String::from_utf8_lossy(&said.stderr)).into());
        }
        let restored = Connection::open(&self.restored)?;
        let sound = restored.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        let counted = restored.query_row("SELECT count(*) FROM timer", [], |row| row.get::<_, u64>(0));
        if sound.as_deref() != Ok("ok") || counted != Ok(written) {
            return Err(format!("round {round}: {counted:?} of {written} rows were restored, and: {sound:?}").into());
        }
        restored.close().map_err(|(_, error)| error)?;
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.restored.with_extension(format!("db{suffix}")));
        }
        Ok(())
    }
}
