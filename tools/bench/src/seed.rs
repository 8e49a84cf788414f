//! Data that a measurement begins with: accounts, listings and orders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection as Database;

use crate::{
    BenchResult, http,
    http::Connection,
    targets::{StackProcess, delete_queues, sign_up, text},
};

/// A folder of databases with one listing, one cancelled order, and people who have accounts.
#[derive(Debug)]
pub struct Seed {
    data: PathBuf,
    /// The number of accounts: the seller is the first one.
    pub accounts: usize,
    listing: String,
    order: String,
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
        let listing = market.list_tickets("Night of the orchestra", 100).await?;
        let before = market.replicas()?;
        let mut connection = Connection::open(market.addr).await?;
        let order = connection.send_for_json(&market.order_of(&listing, 0), 201).await?;
        let order = text(&order, "id")?;
        let header = market.buyers.first().map_or("", |buyer| &buyer.header);
        let cancel = http::delete(market.addr, &format!("/api/v1/orders/{order}"), header);
        connection.send_for_json(&cancel, 200).await?;
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

/// Inserts `copies` of the row `id`. `changes` are columns with an expression over `n`, the number of the copy, from 1 on;
/// all others are copied, so that later columns are as well.
fn multiply(database: &Database, table: &str, id: &str, copies: u64, changes: &[(&str, String)]) -> BenchResult<()> {
    let insert = insert_like(database, table, changes)?;
    let numbers =
        "WITH RECURSIVE number (n) AS (SELECT 1 WHERE ?2 > 0 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)";
    let sql = format!("{numbers} {insert}, number WHERE template.id = ?1");
    database.execute(&sql, (id, i64::try_from(copies)?))?;
    // No log is left to move when a service opens the database.
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Returns the statement that inserts a changed copy of a row, up to the `FROM` with the row as `template`.
///
/// # Errors
///
/// A table without one of the columns to change.
pub(crate) fn insert_like(database: &Database, table: &str, changes: &[(&str, String)]) -> BenchResult<String> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")?;
    let columns: Vec<String> = statement
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let Some((missing, _)) = changes
        .iter()
        .find(|(name, _)| columns.iter().all(|column| column != name))
    {
        return Err(format!("{table} has no column {missing}").into());
    }
    let value = |column: &String| {
        let change = changes.iter().find(|(name, _)| name == column);
        change.map_or_else(
            || format!("template.\"{column}\""),
            |(_, expression)| expression.clone(),
        )
    };
    let names: Vec<_> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let values: Vec<_> = columns.iter().map(value).collect();
    Ok(format!(
        "INSERT INTO \"{table}\" ({}) SELECT {} FROM \"{table}\" AS template",
        names.join(", "),
        values.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_row_keep_the_columns_that_are_not_changed() {
        let database = Database::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, later TEXT, twice INTEGER AS (a * 2));
                 INSERT INTO t VALUES ('x', 10, 'kept'), ('other', 1, 'other');",
            )
            .unwrap();
        multiply(
            &database,
            "t",
            "x",
            3,
            &[("id", "'c' || n".to_owned()), ("a", "a + n".to_owned())],
        )
        .unwrap();
        let rows: String = database
            .query_row(
                "SELECT group_concat(id || a || later || twice, ' ') FROM t",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(rows, "x10kept20 other1other2 c111kept22 c212kept24 c313kept26");
        multiply(&database, "t", "x", 0, &[("id", "'d'".to_owned())]).unwrap();
        assert_eq!(crate::targets::count(&database, "t").unwrap(), 5);
        assert!(multiply(&database, "t", "x", 1, &[("gone", "1".to_owned())]).is_err());
    }
}
