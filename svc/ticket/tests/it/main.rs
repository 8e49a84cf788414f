//! The ticket service over real HTTP, with a real broker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admissions;
mod audit_log;
mod browsing;
mod cached_reads;
mod check_ins;
mod closures;
mod editing;
mod images;
mod listing_orders;
mod offline;
mod operator_commands;
mod orders;
mod personal_data;
mod sale_period;
mod selling;
mod test_app;
mod transfers;

use serde_json::{Value, json};
use testkit::{Client, Reply};
use values::TicketId;

const TICKETS: &str = "/api/v1/tickets";

/// A new listing of this many tickets.
fn concert(quantity: u32) -> Value {
    json!({"title": "Concert", "price": {"amount": 1999, "currency": "usd"}, "quantity": quantity})
}

/// Creates a listing, and returns its path and the response.
async fn sell(seller: &Client, offer: Value) -> (String, Reply) {
    let reply = seller.post(TICKETS, offer).await.expect(201);
    (format!("{TICKETS}/{}", reply.text_at("/id")), reply)
}

fn etag(reply: &Reply) -> String {
    reply.headers["etag"].to_str().unwrap().to_owned()
}

fn id(ticket: &Reply) -> TicketId {
    ticket.text_at("/id").parse().unwrap()
}
