//! Measures `check` on a database with many orders, beside a service that writes.
//!
//! `cargo run --release -p order --example check_at_scale FILE [ORDERS [LISTINGS]]`: fills the database `FILE` by SQL unless
//! it exists, then checks it while 200 writes a second are made. Prints the duration of each check, the slowest write, and the
//! greatest size of the log. The file stays, for another run.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

use chassis::Service;
use db::Db;
use db::admin::{self, Progress};
use order::Orders;
use rusqlite::Connection;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let Some(path) = args.next().map(PathBuf::from) else {
        return Err("usage: check_at_scale FILE [ORDERS [LISTINGS]]".into());
    };
    let orders: u64 = args.next().map_or(Ok(1_000_000), |number| number.parse())?;
    let listings: u64 = args.next().map_or(Ok(30_000), |number| number.parse())?;
    let megabytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len() / 1_000_000);
    if !path.exists() {
        let began = Instant::now();
        let partial = path.with_extension("filling");
        admin::migrate(&partial, &Orders::SCHEMA)?;
        fill(&partial, orders, listings)?;
        fs::rename(&partial, &path)?;
        println!("{orders} orders of {listings} listings, in {:.0?}", began.elapsed());
    }
    println!("{} MB", megabytes(&path));
    let log = PathBuf::from(format!("{}-wal", path.display()));

    let db = Db::open(&path, &Orders::SCHEMA)?;
    let done = Arc::new(AtomicBool::new(false));
    let checked = {
        let (path, done) = (path.clone(), Arc::clone(&done));
        tokio::task::spawn_blocking(move || {
            let mut print = |progress: Progress<'_>| {
                if progress.is_done {
                    println!("{:>9.1?}  {}", progress.elapsed, progress.check);
                }
            };
            let checked = admin::check_online(&path, &Orders::SCHEMA, Orders::INVARIANTS, &mut print);
            done.store(true, Ordering::Relaxed);
            checked
        })
    };
    let (began, mut slowest, mut writes, mut largest_log) = (Instant::now(), Duration::ZERO, 0_u64, 0);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while !done.load(Ordering::Relaxed) {
        ticks.tick().await;
        let write_began = Instant::now();
        db.write(move |tx| -> std::result::Result<_, db::Error> {
            let id = format!("01980000-0000-7000-8000-{:012x}", writes * 7919 % listings);
            Ok(tx.execute("UPDATE listing SET title = 'Another concert' WHERE id = ?", [id])?)
        })
        .await?;
        writes += 1;
        slowest = slowest.max(write_began.elapsed());
        largest_log = largest_log.max(megabytes(&log));
    }
    let checked = checked.await??;
    println!(
        "{} findings in {:.1?}, the longest read took {:.1?}, not verified: {:?}",
        checked.findings.len(),
        began.elapsed(),
        checked.longest_read,
        checked.unverified
    );
    println!("{writes} writes meanwhile, the slowest in {slowest:.1?}; the log had {largest_log} MB at most");
    db.close().await;
    if checked.findings.is_empty() {
        Ok(())
    } else {
        Err(format!("{:#?}", checked.findings).into())
    }
}

/// Fills the database. Its triggers and indexes are created again afterwards.
fn fill(path: &Path, orders: u64, listings: u64) -> Result<()> {
    let conn = Connection::open(path)?;
    let mut dropped = conn.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY type",
    )?;
    let dropped = dropped
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(String, String, String)>>>()?;
    for (kind, name, _) in &dropped {
        conn.execute_batch(&format!("DROP {kind} {name}"))?;
    }
    let rows = include_str!("orders_at_scale.sql");
    let rows = rows
        .replace("{orders}", &orders.to_string())
        .replace("{listings}", &listings.to_string());
    conn.execute_batch(&rows)?;
    for (_, _, sql) in &dropped {
        conn.execute_batch(sql)?;
    }
    conn.pragma_update(None, "journal_mode", "wal")?;
    Ok(())
}
