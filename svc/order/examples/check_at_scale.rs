//! Measures `check` on a database with many orders, beside a service that writes.
//!
//! `cargo run -p order --example check_at_scale FOLDER [ORDERS [LISTINGS]]`: fills a database by SQL, then checks it while
//! 200 writes a second are made. Prints the duration of each check, and the slowest write.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, path::Path};

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
    println!("{orders} orders of {listings} listings in {:.0?}", began.elapsed());

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
    let (began, mut slowest, mut writes) = (Instant::now(), Duration::ZERO, 0_u64);
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
    }
    let findings = checked.await??;
    println!("{} findings in {:.1?}", findings.len(), began.elapsed());
    println!("{writes} writes meanwhile, the slowest in {slowest:.1?}");
    db.close().await;
    if findings.is_empty() {
        Ok(())
    } else {
        Err(format!("{findings:#?}").into())
    }
}

/// Fills the database, without its triggers.
fn fill(path: &Path, orders: u64, listings: u64) -> Result<()> {
    let conn = Connection::open(path)?;
    let mut triggers = conn.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")?;
    let triggers = triggers
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    for (name, _) in &triggers {
        conn.execute_batch(&format!("DROP TRIGGER {name}"))?;
    }
    let rows = include_str!("orders_at_scale.sql");
    let rows = rows
        .replace("{orders}", &orders.to_string())
        .replace("{listings}", &listings.to_string());
    conn.execute_batch(&rows)?;
    for (_, sql) in &triggers {
        conn.execute_batch(sql)?;
    }
    Ok(())
}
