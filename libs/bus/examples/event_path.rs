//! Measures the way of an event from a use case of one service to a committed row of another: the rate, and the processor
//! time of this process and of the broker for each event.
//!
//! `cargo run --release -p bus --example event_path -- BROKER_PID batches`, with the broker of `AMQP_URL` or the local one, which
//! should have no other clients.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bus::{
    Bus, Config, ConnectionState, ConsumeError, Consumer, EventHandler, Namespace, Queue, RETRY_DELAYS, TopologyMode,
    admin, outbox,
};
use db::{Db, Schema};
use events::{Envelope, Event, examples};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, EventId};

const EVENTS: u64 = 20_000;

/// The number of use cases that run concurrently.
const CALLERS: u64 = 64;

/// The unit of the times in `/proc/<pid>/stat` on Linux.
const TICK: Duration = Duration::from_millis(10);

const TIMEOUT: Duration = Duration::from_mins(2);

const ROWS: &str = "CREATE TABLE row (id TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

#[tokio::main]
async fn main() {
    let url = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    let broker = std::env::args().nth(1);
    println!("{} ns to parse an event", parse_nanos());
    for _ in 0..3 {
        measure(&url, broker.as_deref()).await;
    }
}

fn parse_nanos() -> u128 {
    const REPETITIONS: u32 = 100_000;
    let now = Clock::system().now();
    let body = Envelope::new("order", now, Event::OrderCreated(examples::order(now))).to_json();
    let began = Instant::now();
    for _ in 0..REPETITIONS {
        std::hint::black_box(Envelope::parse(std::hint::black_box(body.as_bytes())).unwrap());
    }
    (began.elapsed() / REPETITIONS).as_nanos()
}

struct Endpoint {
    db: Db,
    stop: CancellationToken,
    tasks: TaskTracker,
    _folder: tempfile::TempDir,
}

impl Endpoint {
    async fn start(service: &'static str, url: &str, namespace: &Namespace, consumers: Vec<Consumer>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schema = Schema {
            service,
            migrations: &[outbox::SCHEMA_V1, ROWS],
        };
        let db = Db::open(&folder.path().join("db"), &schema).unwrap();
        let config = Config {
            broker: url.parse::<bus::AmqpUrl>().unwrap().into(),
            namespace: namespace.clone(),
            topology: TopologyMode::Declare,
            unidentified_until: None,
            event_batches: std::env::args().nth(2).as_deref() == Some("batches"),
            service,
            delay_ladder: None,
            retry_delays: RETRY_DELAYS,
            consumers,
            recovery: None,
        };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let bus = Bus::start(config, db.clone(), Clock::system(), stop.clone(), &tasks);
        let mut state = bus.state();
        state
            .wait_for(|state| *state == ConnectionState::Connected)
            .await
            .unwrap();
        tasks.close();
        Self {
            db,
            stop,
            tasks,
            _folder: folder,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.db.close().await;
    }
}

async fn measure(url: &str, broker: Option<&str>) {
    let namespace: Namespace = format!("bench-{}", EventId::new(Clock::system().now()))
        .parse()
        .unwrap();
    let handler: EventHandler = Arc::new(|tx, _, envelope| {
        let listing = envelope
            .event
            .as_ticket()
            .ok_or_else(|| ConsumeError::new("not a listing"))?;
        tx.prepare_cached("INSERT INTO row (id, version) VALUES (?1, ?2)")?
            .execute((listing.id, listing.version.cast_signed()))?;
        Ok(())
    });
    let consumer = Consumer {
        queue: Queue::Events,
        handler,
    };
    let order = Endpoint::start("order", url, &namespace, vec![consumer]).await;
    let ticket = Endpoint::start("ticket", url, &namespace, Vec::new()).await;
    let (own, of_broker) = (processor_time("self"), broker.map(processor_time));
    let began = Instant::now();
    let callers = (0..CALLERS).map(|_| async {
        for _ in 0..EVENTS / CALLERS {
            let command = |tx: &db::Tx| {
                let now = Clock::system().now();
                outbox::append(tx, "ticket", now, Event::TicketCreated(examples::ticket(now)))
            };
            ticket.db.write(command).await.unwrap();
        }
    });
    futures_util::future::join_all(callers).await;
    let appended = began.elapsed();
    let expected = i64::try_from(EVENTS / CALLERS * CALLERS).unwrap();
    let applied = order.db.wait_for(TIMEOUT, move |conn| {
        let count: i64 = conn.query_row("SELECT count(*) FROM row", [], |row| row.get(0))?;
        Ok::<_, db::Error>((count == expected).then_some(()))
    });
    applied.await.unwrap().unwrap();
    let elapsed = began.elapsed();
    let per_event = |time: Duration| (time / u32::try_from(expected).unwrap()).as_micros();
    println!(
        "{} events/s ({} appended/s); for each event {} µs of this process, {} µs of the broker",
        u128::from(EVENTS) * 1000 / elapsed.as_millis(),
        u128::from(EVENTS) * 1000 / appended.as_millis(),
        per_event(processor_time("self").saturating_sub(own)),
        of_broker.zip(broker.map(processor_time)).map_or_else(
            || "?".to_owned(),
            |(before, after)| per_event(after.saturating_sub(before)).to_string()
        ),
    );
    ticket.stop().await;
    order.stop().await;
    admin::delete_namespace(&url.parse().unwrap(), &namespace, &RETRY_DELAYS)
        .await
        .unwrap();
}

/// Returns the user and system time of a process (`man 5 proc`, fields 14 and 15 of `stat`).
fn processor_time(pid: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u32 = fields[11..13].iter().map(|field| field.parse::<u32>().unwrap()).sum();
    TICK * ticks
}
