//! The ticket service over real HTTP, with a real broker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browsing;
mod editing;
mod orders;
mod selling;

use events::{Order, OrderStatus, examples};
use serde_json::{Value, json};
use testkit::{Client, Reply, RunningService, TestEnv};
use ticket::Ticket;
use values::{TicketId, Timestamp};

const TICKETS: &str = "/api/v1/tickets";

async fn started(kit: &TestEnv) -> RunningService {
    kit.start::<Ticket>(()).await
}

/// What the seed's clients send, with a number.
fn concert(quantity: u32) -> Value {
    json!({"title": "Concert", "price": {"amount": 1999, "currency": "usd"}, "quantity": quantity})
}

/// Puts tickets on sale, and says under which path.
async fn sell(seller: &Client, offer: Value) -> (String, Reply) {
    let reply = seller.post(TICKETS, offer).await.expect(201);
    (format!("{TICKETS}/{}", reply.text_at("/id")), reply)
}

fn etag(reply: &Reply) -> String {
    reply.headers["etag"].to_str().unwrap().to_owned()
}

/// The first state of an order of this ticket.
fn order(now: Timestamp, ticket: &Reply, quantity: u32) -> Order {
    Order {
        seller_id: ticket.text_at("/sellerId").parse().unwrap(),
        ticket_id: id(ticket),
        quantity,
        total: serde_json::from_value(ticket.json()["price"].clone()).unwrap(),
        expires_at: now,
        ..examples::order(now)
    }
}

fn id(ticket: &Reply) -> TicketId {
    ticket.text_at("/id").parse().unwrap()
}

/// Says the next state of an order.
async fn publish(kit: &TestEnv, order: &mut Order, status: OrderStatus) {
    if status != OrderStatus::Created {
        order.version += 1;
        order.status = status;
    }
    kit.publish("order", examples::order_event(order.clone())).await;
}

/// Waits until the ticket shows these numbers.
async fn until(client: &Client, path: &str, held: u64, sold: u64) -> Reply {
    testkit::eventually("held and sold are as the orders say", || async {
        let reply = client.get(path).await.expect(200);
        let ticket = reply.json();
        (ticket["held"] == held && ticket["sold"] == sold).then_some(reply)
    })
    .await
}
