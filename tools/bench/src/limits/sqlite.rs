use std::{path::Path, time::Duration};

use rusqlite::{Connection as Database, types::ValueRef};

use super::repeat;
use crate::{BenchResult, rows::insert_like, targets::open};

/// The size of the body of an event in the outbox.
const EVENT_BYTES: usize = 600;

/// A database of the order service that no service uses, to measure what SQLite alone does with it.
#[derive(Debug)]
pub struct Sqlite {
    database: Database,
    listing: String,
    order: String,
    insert_order: String,
    next: u64,
}

impl Sqlite {
    /// Opens a database with a listing and an order, with the settings of a service.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened.
    pub fn open(path: &Path, listing: &str, order: &str) -> BenchResult<Self> {
        let database = Database::open(path)?;
        database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        database.execute(
            "UPDATE listing SET wanted = 1000000, quantity = 1000000 WHERE id = ?1",
            [listing],
        )?;
        let insert = insert_like(&database, "order", &[("id", "?2".to_owned())])?;
        Ok(Self {
            insert_order: format!("{insert} WHERE template.id = ?1"),
            database,
            listing: listing.to_owned(),
            order: order.to_owned(),
            next: 0,
        })
    }

    /// Returns the number of orders per second: each changes the stock, and inserts an order and an event.
    ///
    /// # Errors
    ///
    /// A full disk.
    pub fn orders_per_second(&mut self, per_commit: u32, duration: Duration) -> BenchResult<f64> {
        let event = "x".repeat(EVENT_BYTES);
        let commits = repeat(duration, |_| {
            self.database.execute_batch("BEGIN IMMEDIATE")?;
            for _ in 0..per_commit {
                self.next += 1;
                let id = format!("01900000-0000-7000-b000-{:012x}", self.next);
                // As in the service: the CHECK of the row decides.
                self.database
                    .prepare_cached("UPDATE listing SET held = iif(held + sold < quantity, held + 1, 0) WHERE id = ?1")?
                    .execute([&self.listing])?;
                self.database
                    .prepare_cached(&self.insert_order)?
                    .execute((&self.order, &id))?;
                self.database
                    .prepare_cached(
                        "INSERT INTO outbox (destination, event_id, event_type, body, created_at)
                         VALUES ('events', ?1, 'ticketing.order.created.v1', ?2, 0)",
                    )?
                    .execute((&id, &event))?;
            }
            self.database.execute_batch("COMMIT")?;
            Ok(())
        })?;
        Ok(commits * f64::from(per_commit))
    }
}

/// Reads of the ticket service's database, beside the service.
#[derive(Debug)]
pub struct SqliteReads(Database);

impl SqliteReads {
    /// Opens the database in a folder.
    ///
    /// # Errors
    ///
    /// A file that is missing.
    pub fn open(data: &Path) -> BenchResult<Self> {
        Ok(Self(open(data, "ticket")?))
    }

    /// Returns the number of pages of the newest 20 listings per second, with all columns.
    ///
    /// # Errors
    ///
    /// A database that cannot be read.
    pub fn pages_per_second(&self, duration: Duration) -> BenchResult<f64> {
        let sql = "SELECT * FROM listing WHERE withdrawn_at IS NULL ORDER BY number DESC LIMIT 20";
        repeat(duration, |_| {
            let mut statement = self.0.prepare_cached(sql)?;
            let (columns, mut bytes) = (statement.column_count(), 0);
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    bytes += match row.get_ref(column)? {
                        ValueRef::Text(text) | ValueRef::Blob(text) => text.len(),
                        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 8,
                    };
                }
            }
            std::hint::black_box(bytes);
            Ok(())
        })
    }
}
