use std::{net::SocketAddr, path::PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Account, ReplicaCounts, wait_until_drained};
use crate::{BenchResult, http, http::Connection, processes::Watched};

/// The largest number of tickets of a listing.
const MAX_QUANTITY: u32 = 1_000_000;

/// A running marketplace, with people who are signed in.
#[derive(Clone, Debug)]
pub struct Market {
    /// The front door.
    pub addr: SocketAddr,
    /// The services.
    pub services: Vec<SocketAddr>,
    /// The folder of the databases.
    pub data: PathBuf,
    /// Its process.
    pub process: u32,
    /// The groups of processes whose processor time is measured.
    pub watched: Watched,
    /// A person who lists tickets.
    pub seller: Account,
    /// People who buy.
    pub buyers: Vec<Account>,
}

impl Market {
    /// Returns the marketplace with people who are signed in; the first one lists tickets, the others buy.
    ///
    /// # Errors
    ///
    /// There are no people.
    pub fn new(
        (addr, services): (SocketAddr, Vec<SocketAddr>),
        data: PathBuf,
        process: u32,
        people: Vec<Account>,
    ) -> BenchResult<Self> {
        let mut people = people.into_iter();
        let seller = people.next().ok_or("a marketplace without people")?;
        Ok(Self {
            addr,
            services,
            data,
            process,
            watched: Watched::server("stack", process),
            seller,
            buyers: people.collect(),
        })
    }

    /// Renders a GET that needs no account.
    pub fn get(&self, path: &str) -> Bytes {
        http::get(self.addr, path, "")
    }

    /// Renders the request for a new listing.
    pub fn new_listing(&self, title: &str, quantity: u32) -> Bytes {
        let body = json!({
            "title": title,
            "description": "An evening with the orchestra of the town. Doors open an hour before; seats are not numbered.",
            "venue": "Town hall",
            "startsAt": "2032-06-01T19:30:00Z",
            "price": {"amount": 1999, "currency": "usd"},
            "quantity": quantity,
            "maxPerBuyer": MAX_QUANTITY,
        });
        http::post(self.addr, "/api/v1/tickets", &self.seller.header, &body)
    }

    /// Renders an order of one ticket for the buyer with a number; buyers take turns.
    pub fn order_of(&self, ticket: &str, buyer: usize) -> Bytes {
        let header = self
            .buyers
            .get(buyer % self.buyers.len().max(1))
            .map_or("", |buyer| &buyer.header);
        http::post(
            self.addr,
            "/api/v1/orders",
            header,
            &json!({"ticketId": ticket, "quantity": 1}),
        )
    }

    /// Renders an order of one ticket for each buyer.
    pub fn orders_of(&self, ticket: &str) -> Vec<Bytes> {
        (0..self.buyers.len())
            .map(|buyer| self.order_of(ticket, buyer))
            .collect()
    }

    /// Lists tickets, waits until they can be ordered, and returns the id of the listing.
    ///
    /// # Errors
    ///
    /// An unexpected response, and a replica that does not arrive.
    pub async fn list_tickets(&self, title: &str, quantity: u32) -> BenchResult<String> {
        let before = self.replicas()?;
        let mut connection = Connection::open(self.addr).await?;
        let listing = connection
            .send_for_json(&self.new_listing(title, quantity), 201)
            .await?;
        self.wait_until_drained(&before).await?;
        text(&listing, "id")
    }

    /// Returns how many rows the services have of what they replicate from each other.
    ///
    /// # Errors
    ///
    /// A database that cannot be read.
    pub fn replicas(&self) -> BenchResult<ReplicaCounts> {
        ReplicaCounts::read(&self.data)
    }

    /// Waits until every outbox is empty and every change since `before` has reached all services.
    ///
    /// # Errors
    ///
    /// It takes too long.
    pub async fn wait_until_drained(&self, before: &ReplicaCounts) -> BenchResult<()> {
        wait_until_drained(&self.services, &self.data, before).await
    }
}

/// Returns a field of a body as text.
///
/// # Errors
///
/// The body has no such field.
pub fn text(body: &Value, field: &str) -> BenchResult<String> {
    let found = body.get(field).and_then(Value::as_str);
    Ok(found.ok_or_else(|| format!("no {field} in {body}"))?.to_owned())
}
