use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection as Database, OpenFlags};

use crate::{BenchResult, http, http::Connection};

/// The timeout until all events are published and applied.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(3);

/// The interval at which outboxes and databases are queried.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The number of rows that services have of what they replicate from each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaCounts {
    /// Orders of the order service.
    pub orders: i64,
    /// Orders that the ticket service stores.
    pub orders_at_ticket: i64,
    /// Orders that the payment service stores.
    pub orders_at_payment: i64,
    /// Timers of the expiration service.
    pub timers: i64,
    /// Listings of the ticket service.
    pub listings: i64,
    /// Listings that the order service stores.
    pub listings_at_order: i64,
    /// Listings that the notification service stores. It consumes orders when they are paid.
    pub listings_at_notification: i64,
}

impl ReplicaCounts {
    /// Reads the numbers from the databases of a folder.
    ///
    /// # Errors
    ///
    /// A database that cannot be read.
    pub fn read(data: &Path) -> BenchResult<Self> {
        let (ticket, order, payment) = (open(data, "ticket")?, open(data, "order")?, open(data, "payment")?);
        let (expiration, notification) = (open(data, "expiration")?, open(data, "notification")?);
        Ok(Self {
            orders: count(&order, "\"order\"")?,
            orders_at_ticket: count(&ticket, "hold")?,
            orders_at_payment: count(&payment, "bill")?,
            timers: count(&expiration, "timer")?,
            listings: count(&ticket, "listing")?,
            listings_at_order: count(&order, "listing")?,
            listings_at_notification: count(&notification, "listing")?,
        })
    }

    /// Returns whether every change since `before` has reached all services.
    fn are_equal_since(&self, before: &Self) -> bool {
        let (orders, listings) = (self.orders - before.orders, self.listings - before.listings);
        orders == self.orders_at_ticket - before.orders_at_ticket
            && orders == self.orders_at_payment - before.orders_at_payment
            && orders == self.timers - before.timers
            && listings == self.listings_at_order - before.listings_at_order
            && listings == self.listings_at_notification - before.listings_at_notification
    }
}

/// Opens the database of a service for reading, beside the service.
///
/// # Errors
///
/// A file that is missing.
pub fn open(data: &Path, service: &str) -> BenchResult<Database> {
    let path = data.join(format!("{service}.db"));
    let database = Database::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.busy_timeout(Duration::from_secs(10))?;
    Ok(database)
}

/// Returns the number of rows of a table.
///
/// # Errors
///
/// A table that is missing.
pub fn count(database: &Database, table: &str) -> BenchResult<i64> {
    Ok(database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
}

/// Waits until every outbox is empty and every change since `before` has reached all services.
///
/// # Errors
///
/// It takes too long.
pub async fn wait_until_drained(services: &[SocketAddr], data: &Path, before: &ReplicaCounts) -> BenchResult<()> {
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    loop {
        let counts = ReplicaCounts::read(data)?;
        let pending = if counts.are_equal_since(before) {
            pending_events(services).await?
        } else {
            u64::MAX
        };
        if pending == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(
                format!("after {DRAIN_TIMEOUT:?} not all events are applied: {counts:?}, before {before:?}").into(),
            );
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Returns the number of events in the outboxes.
async fn pending_events(services: &[SocketAddr]) -> BenchResult<u64> {
    let mut pending = 0;
    for service in services {
        let mut connection = Connection::open(*service).await?;
        let response = connection.send(&http::get(*service, "/metrics", "")).await?;
        pending += sum(&String::from_utf8_lossy(&response.body), "ticketing_outbox_messages");
    }
    Ok(pending)
}

/// Returns the sum of a metric over all labels.
fn sum(metrics: &str, name: &str) -> u64 {
    let values = metrics.lines().filter(|line| line.starts_with(name));
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_there_before_need_no_replica() {
        let before = ReplicaCounts {
            orders: 1000,
            orders_at_ticket: 1,
            orders_at_payment: 2,
            timers: 4,
            listings: 500,
            listings_at_order: 3,
            listings_at_notification: 5,
        };
        assert!(before.are_equal_since(&before));
        let ordered = ReplicaCounts { orders: 1001, ..before };
        assert!(!ordered.are_equal_since(&before));
        let without_timer = ReplicaCounts {
            orders_at_ticket: 2,
            orders_at_payment: 3,
            ..ordered
        };
        assert!(!without_timer.are_equal_since(&before));
        let replicated = ReplicaCounts {
            timers: 5,
            ..without_timer
        };
        assert!(replicated.are_equal_since(&before));
        let listed = ReplicaCounts {
            listings: 501,
            listings_at_order: 4,
            ..replicated
        };
        assert!(!listed.are_equal_since(&before));
        let known = ReplicaCounts {
            listings_at_notification: 6,
            ..listed
        };
        assert!(known.are_equal_since(&before));
    }

    #[test]
    fn the_values_of_a_metric_are_added_over_its_labels() {
        let metrics = "# HELP a x\na{to=\"x\"} 3\na{to=\"y\"} 4\nab 5\nb 6\n";
        assert_eq!(sum(metrics, "a{"), 7);
        assert_eq!(sum(metrics, "b"), 6);
    }
}
