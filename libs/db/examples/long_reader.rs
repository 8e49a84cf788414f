//! Measures what a long read transaction of another process does to writes and to the log, with and without Litestream.
//!
//! `cargo run --release -p db --example long_reader FOLDER [SECONDS] [LITESTREAM [SETTING=VALUE …]]`: a thousand writes a
//! second, of several pages each. After five seconds another connection begins a read transaction and keeps it for
//! `SECONDS`. Prints the durations of writes and the size of the log per phase, and how long the log takes to shrink once the
//! reader and the writes have ended. Litestream has the settings of the jobs, and those that are given, such as
//! `min-checkpoint-page-count=4000`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs};

use db::{Db, Schema};
use rusqlite::Connection;
use tokio::task::JoinSet;

const SCHEMA: Schema = Schema {
    service: "long-reader",
    migrations: &[
        "CREATE TABLE purchase (id INTEGER PRIMARY KEY, buyer INTEGER NOT NULL, listing INTEGER NOT NULL,
                                note TEXT NOT NULL) STRICT;
         CREATE INDEX purchase_by_buyer ON purchase (buyer);
         CREATE INDEX purchase_by_listing ON purchase (listing);
         WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 500000)
         INSERT INTO purchase SELECT random(), random(), random(), hex(randomblob(100)) FROM number;",
    ],
};

const WRITES_PER_SECOND: u32 = 1000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The writes since the last report.
#[derive(Default)]
struct Phase {
    durations: Vec<Duration>,
    failures: u32,
}

impl Phase {
    /// Returns the duration that so many of a thousand writes do not exceed.
    fn quantile(&self, of_thousand: usize) -> Duration {
        let last = self.durations.len().saturating_sub(1);
        self.durations
            .get(last * of_thousand / 1000)
            .copied()
            .unwrap_or_default()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = env::args_os().skip(1);
    let Some(folder) = args.next() else {
        return Err("usage: long_reader FOLDER [SECONDS] [LITESTREAM [SETTING=VALUE …]]".into());
    };
    let seconds: u64 = args
        .next()
        .map_or(Ok(40), |seconds| seconds.to_string_lossy().parse())?;
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().join("long-reader.db");
    let db = Db::open(&path, &SCHEMA)?;
    let mut replicator = match args.next() {
        Some(litestream) => {
            let settings: Vec<_> = args
                .map(|setting| setting.to_string_lossy().replacen('=', ": ", 1))
                .collect();
            Some(replicate(litestream.into(), &path, &settings)?)
        }
        None => None,
    };
    let phase = Arc::new(Mutex::new(Phase::default()));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let load = load(db.clone(), Arc::clone(&phase), stopped);
    let watch = async {
        let report = |name: &str| {
            let mut phase = std::mem::take(&mut *phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            phase.durations.sort_unstable();
            println!(
                "{name:<28} {:>6} writes, {} failed, p50 {:>8.1?}, p99 {:>8.1?}, p99.9 {:>8.1?}, slowest {:>8.1?}, log {:>5} MB",
                phase.durations.len(),
                phase.failures,
                phase.quantile(500),
                phase.quantile(990),
                phase.quantile(999),
                phase.quantile(1000),
                log_size(&path) >> 20
            );
        };
        tokio::time::sleep(Duration::from_secs(5)).await;
        report("before the reader");
        let reader = Connection::open(&path)?;
        reader.execute_batch("BEGIN")?;
        reader.query_row("SELECT count(*) FROM purchase WHERE buyer = 1", [], |_| Ok(()))?;
        for second in (0..seconds).step_by(10) {
            tokio::time::sleep(Duration::from_secs(10)).await;
            report(&format!("reader since {} s", second + 10));
        }
        reader.execute_batch("COMMIT")?;
        drop(reader);
        for second in 1..=5 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            report(&format!("{second} s after the reader"));
        }
        // Another reader, which ends after the last write.
        let reader = Connection::open(&path)?;
        reader.execute_batch("BEGIN")?;
        reader.query_row("SELECT count(*) FROM purchase WHERE buyer = 1", [], |_| Ok(()))?;
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.send_replace(true);
        tokio::time::sleep(Duration::from_millis(500)).await;
        report("second reader, writes ended");
        reader.execute_batch("COMMIT")?;
        drop(reader);
        let ended = Instant::now();
        while log_size(&path) > 8 << 20 && ended.elapsed() < Duration::from_mins(1) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!(
            "the log has {} MB {:.1?} after the end of the second reader, without a write",
            log_size(&path) >> 20,
            ended.elapsed()
        );
        Ok::<_, Box<dyn Error>>(())
    };
    let ((), watched) = tokio::join!(load, watch);
    watched?;
    db.close().await;
    if let Some(replicator) = &mut replicator {
        replicator.kill()?;
        replicator.wait()?;
    }
    Ok(())
}

async fn load(db: Db, phase: Arc<Mutex<Phase>>, stopped: tokio::sync::watch::Receiver<bool>) {
    let mut writes = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let mut id: i64 = 1;
    while !*stopped.borrow() {
        ticks.tick().await;
        for _ in 0..WRITES_PER_SECOND / 100 {
            id += 1;
            let scattered = id.wrapping_mul(0x1e37_79b9_7f4a_7c15);
            let (db, phase) = (db.clone(), Arc::clone(&phase));
            writes.spawn(async move {
                let began = Instant::now();
                let outcome = db.write(move |tx| -> std::result::Result<_, db::Error> {
                    tx.prepare_cached("INSERT INTO purchase VALUES (?1, ?2, ?3, hex(randomblob(100)))")?
                        .execute([scattered, scattered.reverse_bits(), scattered.rotate_left(20)])?;
                    Ok(())
                });
                let failed = outcome.await.is_err();
                let took = began.elapsed();
                let mut phase = phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                phase.failures += u32::from(failed);
                phase.durations.push(took);
            });
            while writes.try_join_next().is_some() {}
        }
    }
    while writes.join_next().await.is_some() {}
}

/// Starts Litestream as the jobs in `nomad/` do.
fn replicate(litestream: PathBuf, database: &Path, settings: &[String]) -> Result<Child> {
    let config = database.with_extension("yml");
    let replica = database.with_extension("replica");
    let is_given = |default: &&str| {
        let name = default.split(':').next();
        settings.iter().all(|setting| setting.split(':').next() != name)
    };
    let defaults = ["monitor-interval: 200ms", "truncate-page-n: -1"]
        .into_iter()
        .filter(is_given);
    let settings: Vec<_> = defaults.chain(settings.iter().map(String::as_str)).collect();
    let settings = settings.join("\n    ");
    fs::write(
        &config,
        format!(
            "dbs:\n  - path: {}\n    {settings}\n    replica:\n      type: file\n      path: {}\n      sync-interval: 200ms\n",
            database.display(),
            replica.display()
        ),
    )?;
    let log = fs::File::create(database.with_extension("litestream.log"))?;
    let mut command = Command::new(litestream);
    command.arg("replicate").arg("-config").arg(config);
    Ok(command.stdout(log).stderr(Stdio::null()).spawn()?)
}

fn log_size(database: &Path) -> u64 {
    fs::metadata(database.with_extension("db-wal")).map_or(0, |log| log.len())
}
