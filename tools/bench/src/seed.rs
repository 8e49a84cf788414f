//! Data that a measurement begins with: accounts, listings and orders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection as Database;

use crate::{
    BenchResult, http,
    http::Connection,
    rows::{empty_log, multiply},
    targets::{StackProcess, delete_queues, sign_up, text},
};

/// A folder of databases with one listing, one cancelled order, and people who have accounts.
#[derive(Debug)]
pub struct Seed {
    data: PathBuf,
    /// The number of accounts: the seller is the first one.
    pub accounts: usize,
    /// The listing.
    pub listing: String,
    /// The order.
    pub order: String,
}

impl Seed {
    /// Creates it with the marketplace itself.
    ///
    /// # Errors
    ///
    /// A marketplace that does not start, and an unexpected response.
    pub async fn create(data: &Path, broker: &str, accounts: usize) -> BenchResult<Self> {
        let stack = StackProcess::start(data, broker)?;
        let market = stack.market(sign_up(stack.addr(), accounts).await?)?;
        let listing = market.list_tickets("Night of the orchestra", 1_000_000).await?;
        let before = market.replicas()?;
        let mut connection = Connection::open(market.addr).await?;
        let order = connection.send_for_json(&market.order_of(&listing, 0), 201).await?;
        let order = text(&order, "id")?;
        let header = market.buyers.first().map_or("", |buyer| &buyer.header);
        let cancel = http::delete(market.addr, &format!("/api/v1/orders/{order}"), header);
        let cancelled = connection.send(&cancel).await?;
        if cancelled.status != 204 {
            return Err(format!("an order is not cancelled: status {}", cancelled.status).into());
        }
        market.wait_until_drained(&before).await?;
        drop(connection);
        stack.stop().await?;
        delete_queues(data, broker).await?;
        Ok(Self {
            data: data.to_owned(),
            accounts,
            listing,
            order,
        })
    }

    /// Copies the folder, and multiplies the listing and the order.
    ///
    /// # Errors
    ///
    /// A full disk.
    pub fn copy(&self, data: &Path, rows: u64) -> BenchResult<()> {
        fs::create_dir_all(data)?;
        for entry in fs::read_dir(&self.data)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), data.join(entry.file_name()))?;
            }
        }
        let ticket = Database::open(data.join("ticket.db"))?;
        let (number, placed): (i64, i64) =
            ticket.query_row("SELECT max(number), max(placed) FROM listing", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        multiply(
            &ticket,
            "listing",
            &self.listing,
            rows,
            &[
                ("id", "format('01900000-0000-7000-8000-%012x', n)".to_owned()),
                ("number", format!("{number} + n")),
                ("placed", format!("{placed} + n")),
                (
                    "title",
                    "format('Night %d of the %s', n, iif(n % 10, 'festival', 'orchestra'))".to_owned(),
                ),
                ("venue", "format('Hall %d', n % 50)".to_owned()),
                ("amount", "500 + n * 37 % 9000 / 100 * 100".to_owned()),
                ("currency", "iif(n % 5, 'usd', 'eur')".to_owned()),
                ("starts_at", "starts_at + n * 977 % 1000 * 86400000".to_owned()),
            ],
        )?;
        // The service folds words, of which these need their letters in lower case.
        ticket.execute(
            "INSERT INTO listing_words (rowid, title, description, venue)
             SELECT number, lower(title), lower(description), lower(venue) FROM listing WHERE number > ?1",
            [number],
        )?;
        empty_log(&ticket)?;
        let order = Database::open(data.join("order.db"))?;
        multiply(
            &order,
            "order",
            &self.order,
            rows,
            &[
                ("id", "format('01900000-0000-7000-9000-%012x', n)".to_owned()),
                ("buyer_id", "format('01900000-0000-7000-a000-%012x', n / 4)".to_owned()),
            ],
        )
    }

    /// Returns a copy of the order service's database, and the ids of its listing and its order.
    ///
    /// # Errors
    ///
    /// A full disk.
    pub fn copy_order_database(&self, folder: &Path) -> BenchResult<(PathBuf, &str, &str)> {
        let path = folder.join("limit-order.db");
        fs::copy(self.data.join("order.db"), &path)?;
        Ok((path, &self.listing, &self.order))
    }
}
