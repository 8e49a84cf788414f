use bytes::Bytes;

use super::SEARCHES;
use crate::{
    BenchResult, http,
    http::Connection,
    limits::SqliteReads,
    processes::Watched,
    recorder::Recorder,
    results::Better,
    targets::{BareServer, Market, NodePeer},
};

/// The path of a page of 20 tickets.
pub const PAGE: &str = "/api/v1/tickets?limit=20";

/// The start page of the storefront, for people.
pub const HOME: &str = "/";

/// Measures pages of tickets, one ticket, searches, and the start page.
///
/// # Errors
///
/// That of the load.
pub async fn measure_reads(recorder: &mut Recorder, market: &Market, ticket: &str) -> BenchResult<()> {
    let (page, one) = (market.get(PAGE), market.get(&format!("/api/v1/tickets/{ticket}")));
    for clients in [1, 32] {
        let id = format!("page.{clients}");
        recorder
            .closed_round(&id, market.addr, &market.watched, clients, 200, |_| page.clone())
            .await?;
    }
    for clients in [1, 32] {
        let id = format!("ticket.{clients}");
        recorder
            .closed_round(&id, market.addr, &market.watched, clients, 200, |_| one.clone())
            .await?;
    }
    let searches = SEARCHES.map(|query| market.get(&format!("/api/v1/tickets?{query}")));
    let search = |number: u64| pick(&searches, number);
    recorder
        .closed_round("search.8", market.addr, &market.watched, 8, 200, search)
        .await?;
    let home = market.get(HOME);
    recorder
        .closed_round("home.32", market.addr, &market.watched, 32, 200, |_| home.clone())
        .await?;
    let pages = SqliteReads::open(&market.data)?.pages_per_second(recorder.plan.round / 2)?;
    recorder.record("sqlite.page.rate", "per s", Better::More, pages);
    Ok(())
}

/// Measures a bare server: a small object, and the bytes of the marketplace's page and ticket.
///
/// # Errors
///
/// That of the load.
pub async fn measure_bare(recorder: &mut Recorder, market: &Market, ticket: &str) -> BenchResult<()> {
    let mut connection = Connection::open(market.addr).await?;
    let mut bodies = Vec::new();
    for path in [PAGE, &format!("/api/v1/tickets/{ticket}")] {
        let response = connection.send(&market.get(path)).await?;
        bodies.push(response.body);
    }
    let sizes = ["page.bytes", "ticket.bytes"];
    for (id, body) in sizes.iter().zip(&bodies) {
        let bytes = u32::try_from(body.len())?;
        recorder.record(id, "bytes", Better::Less, f64::from(bytes));
    }
    let server = BareServer::start(&market.data, &bodies)?;
    let watched = Watched::server("server", server.id());
    for (id, path) in [
        ("bare.hello.32", "/hello"),
        ("bare.page.32", "/0"),
        ("bare.ticket.32", "/1"),
    ] {
        let request = http::get(server.addr, path, "");
        recorder
            .closed_round(id, server.addr, &watched, 32, 200, |_| request.clone())
            .await?;
    }
    Ok(())
}

/// Measures the same reads of the Node.js peer.
///
/// # Errors
///
/// That of the load.
pub async fn measure_node_reads(recorder: &mut Recorder, node: &NodePeer) -> BenchResult<()> {
    let mut connection = Connection::open(node.addr).await?;
    for number in 0..20 {
        connection.send_for_json(&node.new_ticket(number), 201).await?;
    }
    let one = node.any_ticket()?;
    node.wait_until_drained().await?;
    let paths = [
        ("node.page.32", "/api/tickets?limit=20".to_owned()),
        ("node.ticket.32", format!("/api/tickets/{one}")),
    ];
    for (id, path) in paths {
        let request = http::get(node.addr, &path, "");
        recorder
            .closed_round(id, node.addr, &node.watched, 32, 200, |_| request.clone())
            .await?;
    }
    Ok(())
}

/// Returns one of the requests, in turn.
pub(super) fn pick(requests: &[Bytes], number: u64) -> Bytes {
    let index = usize::try_from(number).unwrap_or(0) % requests.len().max(1);
    requests.get(index).cloned().unwrap_or_default()
}
