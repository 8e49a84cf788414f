use std::{collections::BTreeMap, time::Duration};

use futures_util::future::try_join;

use super::reads::{PAGE, pick};
use crate::{
    BenchResult, http,
    http::Connection,
    load::{ClosedLoop, LoadOutcome, OpenLoop, Schedule, at_once, run_closed, run_open},
    recorder::Recorder,
    results::Better,
    statistics::{float, median},
    targets::{Market, open},
};

/// The tickets for which all buyers order at once.
const AT_ONCE_TICKETS: u32 = 100;

/// The crowds of one repetition: the first one is the slowest.
const CROWDS: u32 = 5;

/// The maximum number of buyers of the on-sale whose requests are in flight.
const ON_SALE_CONNECTIONS: usize = 256;

/// Measures one order of every buyer at the same time, for fewer tickets, then more of such crowds, and the refusals of buyers
/// who come later.
///
/// # Errors
///
/// That of the load, and any other number of held tickets.
pub async fn measure_at_once(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let (ticket, first) = order_at_once(market).await?;
    recorder.record("at-once.p50", "ms", Better::Less, first.all()?.percentile(50.0));
    recorder.record("at-once.max", "ms", Better::Less, first.all()?.max());
    let mut crowds = vec![first];
    for _ in 1..CROWDS {
        crowds.push(order_at_once(market).await?.1);
    }
    let mut later = Vec::new();
    for crowd in &crowds[1..] {
        later.push(crowd.all()?.max());
    }
    recorder.record("at-once.later.max", "ms", Better::Less, median(&later));
    // The times of one crowd are too short for the ticks of the kernel.
    let mut times = BTreeMap::<_, Duration>::new();
    for (group, time) in crowds.iter().flat_map(|crowd| crowd.cpu.iter()) {
        *times.entry(group).or_default() += time;
    }
    for (group, time) in times {
        let millis = time.as_secs_f64() * 1e3 / f64::from(CROWDS);
        let unit = "ms of processor until the last response";
        recorder.record(&format!("at-once.cpu.{group}"), unit, Better::Less, millis);
    }
    let orders = market.orders_of(&ticket);
    let late = |number| pick(&orders, number);
    recorder
        .closed_round("order.refused.32", market.addr, &market.watched, 32, 409, late)
        .await?;
    Ok(())
}

/// Sends the orders of one crowd. Returns their ticket, and what was answered.
async fn order_at_once(market: &Market) -> BenchResult<(String, LoadOutcome)> {
    let ticket = market.list_tickets("One night only", AT_ONCE_TICKETS).await?;
    let before = market.replicas()?;
    let outcome = at_once(market.addr, &market.orders_of(&ticket), &market.watched).await?;
    check_sold_out(market, &ticket, &outcome, AT_ONCE_TICKETS)?;
    market.wait_until_drained(&before).await?;
    check_replica(market, &ticket, AT_ONCE_TICKETS).await?;
    Ok((ticket, outcome))
}

/// Measures buyers that arrive at a fixed rate, until long after a listing is sold out.
///
/// # Errors
///
/// That of the load, and any other number of held tickets.
pub async fn measure_on_sale(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let (tickets, rate) = (recorder.plan.on_sale_tickets, recorder.plan.on_sale_rate);
    let ticket = market.list_tickets("The first night", tickets).await?;
    let (before, requests) = (market.replicas()?, market.orders_of(&ticket));
    let arrivals = u64::from(tickets) * 10;
    let plan = OpenLoop {
        addr: market.addr,
        schedule: Schedule::new(rate, Duration::from_millis(arrivals * 1000 / u64::from(rate))),
        warm_up: Duration::ZERO,
        connections: ON_SALE_CONNECTIONS,
        expected: &[201, 409],
        watched: &market.watched,
    };
    let outcome = run_open(plan, |number| pick(&requests, number)).await?;
    check_sold_out(market, &ticket, &outcome, tickets)?;
    let (admitted, refused) = (outcome.with_status(201)?, outcome.with_status(409)?);
    recorder.record(
        "on-sale.rate",
        "buyers per s",
        Better::More,
        float(outcome.total()) / outcome.elapsed.as_secs_f64(),
    );
    let sql = "SELECT (max(created_at) - min(created_at)) / 1000.0 FROM \"order\" WHERE ticket_id = ?1";
    let sold_out = open(&market.data, "order")?.query_row(sql, [&ticket], |row| row.get(0))?;
    recorder.record("on-sale.sold-out", "s", Better::Less, sold_out);
    recorder.record("on-sale.p50", "ms", Better::Less, admitted.percentile(50.0));
    recorder.record("on-sale.p99", "ms", Better::Less, admitted.percentile(99.0));
    recorder.record("on-sale.refused.p99", "ms", Better::Less, refused.percentile(99.0));
    market.wait_until_drained(&before).await?;
    check_replica(market, &ticket, tickets).await
}

/// Measures readers and buyers at the same time, 32 of each.
///
/// # Errors
///
/// That of the load.
pub async fn measure_mixed(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let ticket = market.list_tickets("The last night", 1_000_000).await?;
    let (before, orders, page) = (market.replicas()?, market.orders_of(&ticket), market.get(PAGE));
    let plan = |expected| ClosedLoop {
        addr: market.addr,
        clients: 32,
        warm_up: recorder.plan.warm_up,
        duration: recorder.plan.round,
        max_requests: u64::MAX,
        expected,
        watched: &market.watched,
    };
    let buyers = run_closed(plan(&[201]), |number| pick(&orders, number));
    let readers = run_closed(plan(&[200]), |_| page.clone());
    let (buyers, readers) = try_join(buyers, readers).await?;
    recorder.record_load("mixed.order.32", &buyers, 201)?;
    recorder.record_load("mixed.page.32", &readers, 200)?;
    market.wait_until_drained(&before).await
}

/// Fails unless exactly `tickets` were sold, by the responses and by the stock.
fn check_sold_out(market: &Market, ticket: &str, outcome: &LoadOutcome, tickets: u32) -> BenchResult<()> {
    let sql = "SELECT held + sold FROM listing WHERE id = ?1";
    let held: u64 = open(&market.data, "order")?.query_row(sql, [ticket], |row| row.get(0))?;
    let admitted = outcome.count(201);
    if (admitted, held) == (u64::from(tickets), u64::from(tickets)) {
        return Ok(());
    }
    let statuses: Vec<_> = outcome
        .by_status
        .iter()
        .map(|(status, all)| format!("{} × {status}", all.count()))
        .collect();
    Err(format!("{admitted} buyers of {tickets} tickets were admitted, {held} tickets are held: {statuses:?}").into())
}

/// Fails unless the ticket service shows the listing as sold out.
async fn check_replica(market: &Market, ticket: &str, tickets: u32) -> BenchResult<()> {
    let mut connection = Connection::open(market.addr).await?;
    let request = http::get(market.addr, &format!("/api/v1/tickets/{ticket}"), "");
    let listing = connection.send_for_json(&request, 200).await?;
    if listing["available"] == 0 && listing["quantity"] == tickets {
        return Ok(());
    }
    Err(format!("a listing that is sold out: {listing}").into())
}
