//! Measures the benefit of shared commits: writes per second of one caller, and of 64 concurrent callers.
//!
//! `cargo run --release -p db --example group_commit [FOLDER]`; the folder decides which disk is measured.

use std::path::PathBuf;
use std::time::Instant;

use db::{Db, Error, Schema};
use tokio::task::JoinSet;

const SCHEMA: Schema = Schema {
    service: "benchmark",
    migrations: &[
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer TEXT NOT NULL) STRICT;
         CREATE TABLE outbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;",
    ],
};

const CALLERS: u32 = 64;
const WRITES_PER_CALLER: u32 = 2000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder)?;
    let db = Db::open(&folder.path().join("benchmark.db"), &SCHEMA)?;

    let sequential = {
        let start = Instant::now();
        many_orders(&db, 5 * WRITES_PER_CALLER).await?;
        per_second(5 * WRITES_PER_CALLER, start)
    };
    let commits = *db.commits().borrow();
    let concurrent = {
        let start = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let db = db.clone();
            callers.spawn(async move { many_orders(&db, WRITES_PER_CALLER).await });
        }
        for caller in callers.join_all().await {
            caller?;
        }
        per_second(CALLERS * WRITES_PER_CALLER, start)
    };
    let commits = *db.commits().borrow() - commits;
    println!("one after the other: {sequential} writes/s, each with its own commit");
    println!(
        "from {CALLERS} callers:     {concurrent} writes/s, {} to a commit",
        u64::from(CALLERS * WRITES_PER_CALLER) / commits.max(1)
    );
    println!("ratio:               {}", concurrent / sequential.max(1));
    db.close().await;
    Ok(())
}

async fn many_orders(db: &Db, count: u32) -> Result<(), Error> {
    for _ in 0..count {
        db.write(|tx| -> Result<_, Error> {
            tx.prepare_cached("INSERT INTO orders (buyer) VALUES ('buyer')")?
                .execute([])?;
            tx.prepare_cached("INSERT INTO outbox (body) VALUES (?1)")?
                .execute(["{\"id\": 1}"])?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

fn per_second(count: u32, since: Instant) -> u128 {
    u128::from(count) * 1000 / since.elapsed().as_millis().max(1)
}
