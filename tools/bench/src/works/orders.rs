use std::time::{Duration, Instant};

use super::reads::pick;
use crate::{
    BenchResult,
    recorder::Recorder,
    targets::{Market, NodePeer},
};

/// Measures new listings, and how long their events take after the last one.
///
/// # Errors
///
/// That of the load.
pub async fn measure_listings(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    let before = market.replicas()?;
    let request = market.new_listing("Night of the drums", 100);
    recorder
        .closed_round("listing.32", market.addr, &market.watched, 32, 201, |_| request.clone())
        .await?;
    let drained = drain(market, &before).await?;
    recorder.record_seconds("listing.32.applied", drained);
    Ok(())
}

/// Measures orders of 1, 32 and 128 clients, and how long their events take after the last one.
///
/// # Errors
///
/// That of the load.
pub async fn measure_orders(recorder: &mut Recorder, market: &Market) -> BenchResult<()> {
    for clients in [1, 32, 128] {
        let ticket = market.list_tickets("A long night", 1_000_000).await?;
        let before = market.replicas()?;
        let requests = market.orders_of(&ticket);
        let (id, request) = (format!("order.{clients}"), |number| pick(&requests, number));
        recorder
            .closed_round(&id, market.addr, &market.watched, clients, 201, request)
            .await?;
        let drained = drain(market, &before).await?;
        recorder.record_seconds(&format!("{id}.applied"), drained);
    }
    Ok(())
}

async fn drain(market: &Market, before: &crate::targets::ReplicaCounts) -> BenchResult<Duration> {
    let start = Instant::now();
    market.wait_until_drained(before).await?;
    Ok(start.elapsed())
}

/// Measures the same writes of the Node.js peer. Each order is of a ticket that nobody has.
///
/// # Errors
///
/// That of the load.
pub async fn measure_node_writes(recorder: &mut Recorder, node: &NodePeer) -> BenchResult<()> {
    recorder
        .closed_round("node.listing.32", node.addr, &node.watched, 32, 201, |number| {
            node.new_ticket(number)
        })
        .await?;
    let drained = node.wait_until_drained().await?;
    recorder.record_seconds("node.listing.32.applied", drained);
    let tickets = node.add_tickets(recorder.plan.node_tickets)?;
    let requests: Vec<_> = tickets.iter().map(|ticket| node.order_of(ticket)).collect();
    let mut requests = requests.chunks(requests.len().div_ceil(3).max(1));
    for clients in [1, 32, 128] {
        let (id, requests) = (format!("node.order.{clients}"), requests.next().ok_or("no tickets")?);
        let (max, request) = (u64::try_from(requests.len())?, |number| pick(requests, number));
        recorder
            .closed_rounds_of(&id, node.addr, &node.watched, clients, 201, max, request)
            .await?;
        let drained = node.wait_until_drained().await?;
        recorder.record_seconds(&format!("{id}.applied"), drained);
    }
    Ok(())
}
