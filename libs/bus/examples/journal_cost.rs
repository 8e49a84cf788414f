//! Measures how many events per second leave an outbox, with and without the journal, and how many per second a restored
//! service reads from the journal.
//!
//! `cargo run --release -p bus --example journal_cost`, with the broker of `AMQP_URL` or the local one.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement"
)]

use std::time::{Duration, Instant};

use bus::{Bus, Config, ConnectionState, Namespace, RETRY_DELAYS, Recovery, admin, outbox};
use db::{Db, Schema};
use events::{Event, Expiration};
use lapin::{Connection, ConnectionProperties, types::FieldTable};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, EventId, OrderId};

const EVENTS: u64 = 20_000;

#[tokio::main]
async fn main() {
    let url = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    for _ in 0..3 {
        println!("{} events/s without the journal", rate(&url, false).await.0);
        let (published, read) = rate(&url, true).await;
        println!("{published} events/s with the journal; {read} events/s read from it");
    }
}

async fn rate(url: &str, journal: bool) -> (u128, u128) {
    let clock = Clock::system();
    let namespace: Namespace = format!("bench-{}", EventId::new(clock.now())).parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let schema = Schema {
        service: "expiration",
        migrations: &[outbox::SCHEMA_V1],
    };
    let db = Db::open(&folder.path().join("db"), &schema).unwrap();
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let start = |recovery, stop: &CancellationToken| {
        let config = Config {
            broker: url.parse::<bus::AmqpUrl>().unwrap().into(),
            namespace: namespace.clone(),
            topology: bus::TopologyMode::Declare,
            unidentified_until: None,
            event_batches: false,
            service: "expiration",
            delay_ladder: None,
            retry_delays: RETRY_DELAYS,
            consumers: Vec::new(),
            recovery,
        };
        Bus::start(config, db.clone(), clock.clone(), stop.clone(), &tasks)
    };
    let bus = start(None, &stop);
    bus.state()
        .wait_for(|state| *state == ConnectionState::Connected)
        .await
        .unwrap();
    if !journal {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let (queue, exchange) = (format!("{namespace}.journal"), format!("{namespace}.events"));
        for route in events::ROUTES {
            let (queue, exchange) = (queue.as_str().into(), exchange.as_str().into());
            let unbound = channel.queue_unbind(queue, exchange, route.event.into(), FieldTable::default());
            unbound.await.unwrap();
        }
    }
    let now = clock.now();
    let began = Instant::now();
    db.write(move |tx| {
        for _ in 0..EVENTS {
            let (order_id, version, deadline) = (OrderId::new(now), 1, now);
            let expiration = Expiration {
                order_id,
                version,
                deadline,
            };
            outbox::append(tx, "expiration", now, Event::ExpirationCompleted(expiration))?;
        }
        Ok::<_, db::Error>(())
    })
    .await
    .unwrap();
    let empty = db.wait_for(Duration::from_mins(2), |conn| {
        Ok::<_, db::Error>((outbox::depth(conn)?.count == 0).then_some(()))
    });
    empty.await.unwrap().unwrap();
    let published = per_second(began);
    stop.cancel();
    let (done, stop) = (watch::Sender::new(false), CancellationToken::new());
    let recovery = Recovery {
        recover: |_, _, _| Ok(false),
        since: None,
        done: done.clone(),
    };
    let began = Instant::now();
    start(Some(recovery), &stop);
    done.subscribe().wait_for(|done| *done).await.unwrap();
    let read = per_second(began);
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    db.close().await;
    admin::delete_namespace(&url.parse().unwrap(), &namespace, &[])
        .await
        .unwrap();
    (published, read)
}

fn per_second(began: Instant) -> u128 {
    u128::from(EVENTS) * 1000 / began.elapsed().as_millis()
}
