use std::{
    path::Path,
    time::{Duration, Instant},
};

use bus::outbox;
use chassis::Service;
use db::Db;
use events::{Event, examples};
use ticket::Ticket;
use values::Clock;

use crate::{
    BenchResult,
    limits::events_per_second,
    recorder::Recorder,
    results::Better,
    statistics::float,
    targets::{StackProcess, count, open},
};

/// The timeout until all events are applied.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The interval at which the rows are counted.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Measures events from the outbox of the ticket service to committed rows of the order service, beside the broker alone.
/// The events lie in the outbox before the services start, so that no request takes part.
///
/// # Errors
///
/// A marketplace that does not start, and events that do not arrive.
pub async fn measure_events(recorder: &mut Recorder, data: &Path, broker: &str) -> BenchResult<()> {
    let events = recorder.plan.events;
    append_events(data, events).await?;
    let database = open(data, "order")?;
    let before = count(&database, "listing")?;
    drop(database);
    let stack = start_unattended(data, broker);
    let database = open(data, "order")?;
    let deadline = Instant::now() + TIMEOUT;
    let mut first = None;
    let rate = loop {
        let (applied, now) = (count(&database, "listing")? - before, Instant::now());
        let applied = u64::try_from(applied)?;
        if applied > 0 && first.is_none() {
            first = Some((applied, now));
        }
        if let Some((already, start)) = first
            && applied >= u64::from(events)
        {
            break float(applied - already) / (now - start).as_secs_f64().max(0.001);
        }
        if now > deadline {
            return Err(format!("{applied} of {events} events are applied after {TIMEOUT:?}").into());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    };
    recorder.record("events.rate", "per s", Better::More, rate);
    drop(database);
    let stack = stack
        .await
        .map_err(|error| format!("the starting thread failed: {error}"))??;
    stack.stop().await?;
    let alone = events_per_second(broker, recorder.plan.round).await?;
    recorder.record("broker.rate", "per s", Better::More, alone);
    Ok(())
}

/// Starts the marketplace while this thread counts rows: events flow before all services are ready.
fn start_unattended(data: &Path, broker: &str) -> tokio::task::JoinHandle<BenchResult<StackProcess>> {
    let (data, broker) = (data.to_owned(), broker.to_owned());
    tokio::task::spawn_blocking(move || StackProcess::start(&data, &broker))
}

/// Appends new listings to the outbox of the ticket service, which does not run.
async fn append_events(data: &Path, events: u32) -> BenchResult<()> {
    let db = Db::open(&data.join("ticket.db"), &Ticket::SCHEMA)?;
    let now = Clock::system().now();
    db.write(move |tx| {
        for _ in 0..events {
            // With an id of its own.
            outbox::append(tx, Ticket::NAME, now, Event::TicketCreated(examples::ticket(now)))?;
        }
        Ok::<_, db::Error>(())
    })
    .await?;
    db.close().await;
    Ok(())
}
