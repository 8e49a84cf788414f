//! Waits until every order of the record has ended, as reported to its buyer.

use std::{collections::BTreeSet, path::Path, time::Duration};

use serde_json::json;
use tokio::time::{Instant, interval};

use crate::{
    DrillError, Endpoints,
    accounts::{Account, AccountSeed},
    client::{ApiRequest, HttpClient},
    operation::Operation,
    recording::{self, responses},
};

/// The interval of the queries.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Queries the open orders of each buyer of the record until there are none, or until the time is over. Returns the
/// orders that are still open.
pub async fn settle(
    endpoints: &Endpoints,
    file: &Path,
    seed: Option<&str>,
    within: Duration,
) -> Result<Vec<String>, DrillError> {
    let (client, seed) = (HttpClient::new(endpoints.clone(), 1)?, AccountSeed::load(file, seed)?);
    let lines = recording::read(file)?;
    let buyers: BTreeSet<_> = responses(&lines)
        .filter(|response| response.operation == Operation::PlaceOrder)
        .map(|response| response.account.clone())
        .collect();
    let (deadline, mut ticks) = (Instant::now() + within, interval(POLL_INTERVAL));
    let mut waiting = Vec::new();
    for name in buyers {
        let buyer = Account::new(&name, &seed);
        while !buyer.sign_in(&client).await.is(200) {
            ticks.tick().await;
            if Instant::now() > deadline {
                return Ok(vec![format!("{name} cannot sign in")]);
            }
        }
        waiting.push(buyer);
    }
    let mut open = Vec::new();
    loop {
        ticks.tick().await;
        let mut still_waiting = Vec::new();
        open.clear();
        for buyer in waiting {
            let orders = open_orders(&buyer, &client).await;
            if !orders.is_empty() {
                open.extend(orders);
                still_waiting.push(buyer);
            }
        }
        if still_waiting.is_empty() || Instant::now() > deadline {
            return Ok(open);
        }
        waiting = still_waiting;
    }
}

async fn open_orders(buyer: &Account, client: &HttpClient) -> Vec<String> {
    let mut open = Vec::new();
    for status in ["created", "awaiting:payment"] {
        let path = format!("/api/v1/orders?status={status}&limit=100");
        let reply = buyer
            .send(
                client,
                ApiRequest::get(Operation::ListOrders, path, json!({"status": status})),
            )
            .await;
        match reply.body["items"].as_array().filter(|_| reply.is(200)) {
            Some(items) => open.extend(
                items
                    .iter()
                    .map(|order| format!("{} is {status} ({})", order["id"], buyer.name)),
            ),
            None => open.push(format!(
                "the orders of {} cannot be listed: {:?}",
                buyer.name, reply.recorded.status
            )),
        }
    }
    open
}
