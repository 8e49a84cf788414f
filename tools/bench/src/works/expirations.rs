use std::{
    path::Path,
    time::{Duration, Instant},
};

use bus::outbox;
use chassis::Service;
use db::Db;
use events::{Event, examples};
use order::Orders;
use rusqlite::{Connection as Database, Row};
use values::{Clock, Timestamp};

use crate::{
    BenchResult,
    processes::{Watched, resident_mebibytes},
    recorder::Recorder,
    results::Better,
    rows::{empty_log, multiply},
    seed::Seed,
    statistics::float,
    targets::{ReplicaCounts, StackProcess, delete_queues, open, wait_until_drained},
};

/// The timeout after the deadline.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The interval at which the orders are counted.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The time over which the orders are due, by the prefix of the figures.
const SPREADS: [(&str, Duration); 2] = [
    ("expiration", Duration::from_secs(1)),
    ("expiration.at-once", Duration::ZERO),
];

/// What the ids of the orders that expire begin with.
const DUE_ID: &str = "01900000-0000-7000-b000-";

/// Measures how late orders are cancelled that are all due in the same second, and in the same millisecond, while many others
/// are pending: from their events in the outbox, through the delay queues, to the committed rows of the order service. The
/// pending ones are rows of the expiration service, due in the following hours.
///
/// # Errors
///
/// A marketplace that does not start, and orders that are not cancelled.
pub async fn measure_expirations(recorder: &mut Recorder, seed: &Seed, folder: &Path, broker: &str) -> BenchResult<()> {
    for (name, spread) in SPREADS {
        measure_spread(recorder, seed, folder, broker, name, spread).await?;
    }
    Ok(())
}

async fn measure_spread(
    recorder: &mut Recorder,
    seed: &Seed,
    folder: &Path,
    broker: &str,
    name: &str,
    spread: Duration,
) -> BenchResult<()> {
    let data = folder.join("expirations");
    seed.copy(&data, recorder.plan.rows)?;
    insert_pending(&data, recorder.plan.pending_orders, Duration::from_mins(30))?;
    let first = Clock::system().now() + recorder.plan.due_in;
    insert_due(seed, &data, recorder.plan.due_orders, first, spread).await?;
    let stack = StackProcess::start(&data, broker)?;
    if spread.is_zero() {
        recorder.record_seconds("start.pending", stack.start_time);
    }
    let (watched, mut began) = (Watched::server("stack", stack.id()), None);
    let orders = open(&data, "order")?;
    let end = Instant::now() + recorder.plan.due_in + TIMEOUT;
    let mut memory: f64 = 0.0;
    while open_orders(&orders)? > 0 {
        if Instant::now() > end {
            return Err(format!("{} orders are not cancelled after {TIMEOUT:?}", open_orders(&orders)?).into());
        }
        memory = memory.max(resident_mebibytes(stack.id())?);
        if began.is_none() && Clock::system().now() >= first {
            began = Some(watched.cpu_times()?);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let late = lateness(&orders)?;
    let at = |part: usize| {
        late.get(late.len().saturating_sub(1) * part / 100)
            .copied()
            .unwrap_or(f64::NAN)
    };
    recorder.record(&format!("{name}.late.p50"), "s", Better::Less, at(50));
    recorder.record(&format!("{name}.late.max"), "s", Better::Less, at(100));
    recorder.record(&format!("{name}.memory"), "MiB", Better::Less, memory);
    // The events of the last cancellations are published; other services may still apply them.
    let counts = ReplicaCounts::read(&data)?;
    wait_until_drained(stack.services(), &data, &counts).await?;
    let began = began.ok_or("all orders were cancelled before they were due")?;
    for (group, time) in watched.cpu_times()?.since(&began).iter() {
        let micros = time.as_secs_f64() * 1e6 / float(recorder.plan.due_orders);
        let unit = "µs of processor per order";
        recorder.record(&format!("{name}.cpu.{group}"), unit, Better::Less, micros);
    }
    drop(orders);
    stack.stop().await?;
    delete_queues(&data, broker).await?;
    Ok(std::fs::remove_dir_all(&data)?)
}

/// Inserts timers that are due after some time, 300 in each second.
pub(super) fn insert_pending(data: &Path, count: u64, after: Duration) -> BenchResult<()> {
    let expiration = Database::open(data.join("expiration.db"))?;
    expiration.execute(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
         INSERT INTO timer (order_id, buyer_id, deadline, order_version, state)
         SELECT format('01900000-0000-7000-c000-%012x', n), format('01900000-0000-7000-a000-%012x', n / 4),
                ?2 + 1000 * (n / 300), 1, 'pending'
         FROM number",
        (i64::try_from(count)?, (Clock::system().now() + after).millis()),
    )?;
    empty_log(&expiration)
}

/// Inserts open orders, each of a buyer of its own, and their events. They are due from `first` on, over `spread`.
async fn insert_due(seed: &Seed, data: &Path, count: u64, first: Timestamp, spread: Duration) -> BenchResult<()> {
    let path = data.join("order.db");
    let orders = Database::open(&path)?;
    orders.execute(
        "UPDATE listing SET held = held + ?2 WHERE id = ?1",
        (&seed.listing, i64::try_from(count)?),
    )?;
    let changes = [
        ("id", format!("format('{DUE_ID}%012x', n)")),
        ("version", "1".to_owned()),
        ("status", "'created'".to_owned()),
        ("cancel_reason", "NULL".to_owned()),
        ("buyer_id", "format('01900000-0000-7000-d000-%012x', n)".to_owned()),
        (
            "expires_at",
            format!("{} + (n - 1) * {} / {count}", first.millis(), spread.as_millis()),
        ),
    ];
    multiply(&orders, "order", &seed.order, count, &changes)?;
    let events = events_of(&orders)?;
    drop(orders);
    let db = Db::open(&path, &Orders::SCHEMA)?;
    let now = Clock::system().now();
    db.write(move |tx| {
        for order in events {
            outbox::append(tx, Orders::NAME, now, Event::OrderCreated(order))?;
        }
        Ok::<_, db::Error>(())
    })
    .await?;
    db.close().await;
    Ok(())
}

fn events_of(orders: &Database) -> BenchResult<Vec<events::Order>> {
    let mut statement = orders
        .prepare("SELECT id, buyer_id, seller_id, ticket_id, expires_at FROM \"order\" WHERE status = 'created'")?;
    let ids = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    let rows: Vec<(String, String, String, String, i64)> = statement.query_map([], ids)?.collect::<Result<_, _>>()?;
    rows.into_iter()
        .map(|(id, buyer, seller, ticket, expires_at)| {
            let deadline = Timestamp::from_millis(expires_at);
            Ok(events::Order {
                id: id.parse()?,
                buyer_id: buyer.parse()?,
                seller_id: seller.parse()?,
                ticket_id: ticket.parse()?,
                expires_at: deadline,
                ..examples::order(deadline)
            })
        })
        .collect()
}

fn open_orders(orders: &Database) -> BenchResult<i64> {
    let sql = "SELECT count(*) FROM \"order\" WHERE status = 'created'";
    Ok(orders.query_row(sql, [], |row| row.get(0))?)
}

/// Returns how many seconds after their deadline the orders were cancelled, in ascending order.
fn lateness(orders: &Database) -> BenchResult<Vec<f64>> {
    let sql = format!(
        "SELECT (updated_at - expires_at) / 1000.0 AS late FROM \"order\" WHERE id > '{DUE_ID}' AND cancel_reason = 'expired'
         ORDER BY late"
    );
    let mut statement = orders.prepare(&sql)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}
