//! Measures `check` on a database with many orders, beside a service that writes.
//!
//! `cargo run -p order --example check_at_scale FOLDER [ORDERS [LISTINGS]]`: fills a database by SQL, then checks it while
//! 200 writes a second are made. Prints the duration of each check, the slowest write, and the greatest size of the log.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, path::Path};

use chassis::Service;
use db::{
    Db,
    admin::{self, Thoroughness},
};
use order::Orders;
use rusqlite::Connection;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let Some(folder) = args.next() else {
        return Err("usage: check_at_scale FOLDER [ORDERS [LISTINGS]]".into());
    };
    let orders: u64 = args.next().map_or(Ok(1_000_000), |number| number.parse())?;
    let listings: u64 = args.next().map_or(Ok(30_000), |number| number.parse())?;
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().join("order.db");
    admin::migrate(&path, &Orders::SCHEMA)?;
    let began = Instant::now();
    fill(&path, orders, listings)?;
    let megabytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len() / 1_000_000);
    println!(
        "{orders} orders of {listings} listings, {} MB, in {:.0?}",
        megabytes(&path),
        began.elapsed()
    );
    let log = folder.path().join("order.db-wal");

    let db = Db::open(&path, &Orders::SCHEMA)?;
    let done = Arc::new(AtomicBool::new(false));
    let checked = {
        let (path, done) = (path.clone(), Arc::clone(&done));
        tokio::task::spawn_blocking(move || {
            let progress = |check: &str, took: Duration| println!("{took:>9.1?}  {check}");
            let findings = admin::check_with_progress(
                &path,
                &Orders::SCHEMA,
                Orders::INVARIANTS,
                Thoroughness::Quick,
                progress,
            );
            done.store(true, Ordering::Relaxed);
            findings
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
    let findings = checked.await??;
    println!("{} findings in {:.1?}", findings.len(), began.elapsed());
    println!("{writes} writes meanwhile, the slowest in {slowest:.1?}; the log had {largest_log} MB at most");
    db.close().await;
    if findings.is_empty() {
        Ok(())
    } else {
        Err(format!("{findings:#?}").into())
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
