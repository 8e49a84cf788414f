use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use futures_util::future::{try_join, try_join_all};
use serde_json::json;

use crate::{
    BenchResult, http,
    http::Connection,
    load::{Latencies, LoadOutcome},
    recorder::Recorder,
    targets::{Market, text},
};

/// The buyers at the same time, each with the interval at which they query the order. With many buyers the queries would
/// otherwise be most of the load.
const BUYERS: [(usize, Duration); 3] = [
    (1, Duration::from_millis(2)),
    (16, Duration::from_millis(10)),
    (64, Duration::from_millis(40)),
];

/// The timeout of a purchase.
const PURCHASE_TIMEOUT: Duration = Duration::from_secs(30);

/// Measures whole purchases: ordered, authorised, confirmed, captured, complete.
///
/// # Errors
///
/// An unexpected response, and an order that does not become complete.
pub async fn measure_purchases(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    for (buyers, interval) in BUYERS {
        let ticket = market.list_tickets("A quiet night", 1_000_000).await?;
        let before = market.replicas()?;
        let id = format!("purchase.{buyers}");
        let outcome = purchases(recorder, market, &ticket, (buyers, interval)).await;
        recorder.record_load(&id, &outcome.map_err(|error| format!("{id}: {error}"))?, 200)?;
        market.wait_until_drained(&before).await?;
    }
    Ok(())
}

async fn purchases(
    recorder: &Recorder,
    market: &Market,
    ticket: &str,
    (buyers, interval): (usize, Duration),
) -> BenchResult<LoadOutcome> {
    let latencies = RefCell::new(Latencies::new()?);
    let start = Instant::now();
    let (measured_from, end) = (
        start + recorder.plan.warm_up,
        start + recorder.plan.warm_up + recorder.plan.round,
    );
    let last = Cell::new(measured_from);
    // Buyers take turns, so that none of them reaches a limit of one buyer.
    let next = Cell::new(0);
    let clients = (0..buyers).map(|_| async {
        let mut connection = Connection::open(market.addr).await?;
        while Instant::now() < end {
            let buyer = next.replace(next.get() + 1);
            let started = Instant::now();
            purchase(&mut connection, market, ticket, buyer, interval).await?;
            let now = Instant::now();
            if now >= measured_from {
                latencies.borrow_mut().record(now - started);
                last.set(now);
            }
        }
        BenchResult::Ok(())
    });
    let before = async {
        tokio::time::sleep_until(measured_from.into()).await;
        market.watched.cpu_times()
    };
    let (_, before) = try_join(try_join_all(clients), before).await?;
    Ok(LoadOutcome {
        by_status: [(200, latencies.into_inner())].into(),
        elapsed: last.get() - measured_from,
        cpu: market.watched.cpu_times()?.since(&before),
        body_bytes: 0,
    })
}

async fn purchase(
    connection: &mut Connection,
    market: &Market,
    ticket: &str,
    buyer: usize,
    interval: Duration,
) -> BenchResult<()> {
    let order = text(
        &connection.send_for_json(&market.order_of(ticket, buyer), 201).await?,
        "id",
    )?;
    let header = &market
        .buyers
        .get(buyer % market.buyers.len())
        .ok_or("no buyers")?
        .header;
    let payment = json!({"orderId": order, "token": "tok_visa"});
    let pay = http::post(market.addr, "/api/v1/payments", header, &payment);
    connection.send_for_json(&pay, 201).await?;
    let status = http::get(market.addr, &format!("/api/v1/orders/{order}"), header);
    let started = Instant::now();
    loop {
        let state = connection.send_for_json(&status, 200).await?;
        if state["status"] == "complete" {
            return Ok(());
        }
        if started.elapsed() > PURCHASE_TIMEOUT {
            return Err(format!("not complete after {PURCHASE_TIMEOUT:?}: {state}").into());
        }
        tokio::time::sleep(interval).await;
    }
}
