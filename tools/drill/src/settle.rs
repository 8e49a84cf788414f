//! Waits until every order of the record has ended, as its buyer sees it.

use std::{collections::BTreeSet, path::Path, time::Duration};

use serde_json::json;
use tokio::time::{Instant, interval};

use crate::{
    Trouble,
    crew::{Person, Seed},
    http::{Ask, Door},
    op::Op,
    record::{self, answers},
};

/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(500);

/// Asks as each buyer of the record for orders that are open, until there are none, for so long at most: what is open
/// then, each with its buyer.
pub async fn settle(url: &str, file: &Path, seed: Option<&str>, within: Duration) -> Result<Vec<String>, Trouble> {
    let (door, seed) = (Door::new(url, 1)?, Seed::of(file, seed)?);
    let lines = record::read(file)?;
    let buyers: BTreeSet<_> = answers(&lines)
        .filter(|answer| answer.op == Op::PlaceOrder)
        .map(|answer| answer.who.clone())
        .collect();
    let (deadline, mut looks) = (Instant::now() + within, interval(LOOK));
    let mut waiting = Vec::new();
    for who in buyers {
        let person = Person::new(&who, &seed);
        while !person.sign_in(&door).await.is(200) {
            looks.tick().await;
            if Instant::now() > deadline {
                return Ok(vec![format!("{who} cannot sign in")]);
            }
        }
        waiting.push(person);
    }
    let mut open = Vec::new();
    loop {
        looks.tick().await;
        let mut still = Vec::new();
        open.clear();
        for person in waiting {
            let left = left_open(&person, &door).await;
            if !left.is_empty() {
                open.extend(left);
                still.push(person);
            }
        }
        if still.is_empty() || Instant::now() > deadline {
            return Ok(open);
        }
        waiting = still;
    }
}

async fn left_open(buyer: &Person, door: &Door) -> Vec<String> {
    let mut open = Vec::new();
    for status in ["created", "awaiting:payment"] {
        let path = format!("/api/v1/orders?status={status}&limit=100");
        let reply = buyer
            .ask(door, Ask::get(Op::ListOrders, path, json!({"status": status})))
            .await;
        match reply.body["items"].as_array().filter(|_| reply.is(200)) {
            Some(items) => open.extend(
                items
                    .iter()
                    .map(|order| format!("{} is {status} ({})", order["id"], buyer.who)),
            ),
            None => open.push(format!(
                "{} is not told of orders: {:?}",
                buyer.who, reply.answer.status
            )),
        }
    }
    open
}
