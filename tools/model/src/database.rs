//! A service's database in memory, whose rows are loaded and read back in a normalised form.

use db::Tx;
use rusqlite::{
    params_from_iter,
    types::{ToSql, ToSqlOutput, Value, ValueRef},
};

use chassis::Service;

use crate::{
    ids::{EVENT, GRANULARITY_MS, START, TICKS_MS},
    messages::{MessageId, Messages},
    service_model::ModelledService,
};

/// The offset of a request within a tick, and of a webhook that arrives during a request.
pub(crate) const REQUEST_OFFSET_MS: i64 = 500;
pub(crate) const WEBHOOK_OFFSET_MS: i64 = 1000;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// All rows, table by table.
pub(crate) type Rows = Vec<Vec<Vec<Cell>>>;

/// The stable ids of rows that have just got a random one.
#[derive(Default)]
pub(crate) struct StableIds(Vec<(String, &'static str)>);

impl StableIds {
    /// Returns the stable id for a random one, and any other text unchanged.
    pub(crate) fn replace<'a>(&self, text: &'a str) -> &'a str {
        let replaced = self.0.iter().find(|(random, _)| random == text);
        replaced.map_or(text, |(_, stable)| stable)
    }

    fn replace_all(&self, body: String) -> String {
        self.0
            .iter()
            .fold(body, |body, (random, stable)| body.replace(random, stable))
    }
}

pub(crate) struct ModelDatabase {
    pub(crate) tx: Tx,
    /// For each table: the statement that reads its rows, and the one that inserts a row.
    sql: Vec<(String, String)>,
    columns: Vec<Vec<String>>,
}

impl ModelDatabase {
    pub(crate) fn new<S: ModelledService>() -> Self {
        let tx = Tx::in_memory(&S::Service::SCHEMA).unwrap();
        tx.set_prepared_statement_cache_capacity(256);
        let mut tables = tx
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        for table in tables.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            let table = table.unwrap();
            let is_listed = S::TABLES.iter().chain(S::IGNORED_TABLES).any(|listed| *listed == table);
            assert!(
                is_listed,
                "{table} is in no list: add it to `TABLES` if a step depends on it, else to `IGNORED_TABLES`"
            );
        }
        drop(tables);
        let columns = S::TABLES.iter().map(|table| columns(&tx, table)).collect::<Vec<_>>();
        let sql = S::TABLES.iter().zip(&columns).map(|(table, columns)| {
            let parameters = vec!["?"; columns.len()].join(", ");
            let expressions = columns
                .iter()
                .map(|column| read_expression(table, column))
                .collect::<Vec<_>>()
                .join(", ");
            let group = if *table == "ledger" {
                " GROUP BY payment_id, seller_id, currency"
            } else {
                ""
            };
            let names = columns.join(", ");
            (
                format!("SELECT {expressions} FROM \"{table}\"{group} ORDER BY 1"),
                format!("INSERT INTO \"{table}\" ({names}) VALUES ({parameters})"),
            )
        });
        Self {
            sql: sql.collect(),
            columns,
            tx,
        }
    }

    pub(crate) fn load(&self, rows: &Rows) {
        for ((_, insert), rows) in self.sql.iter().zip(rows) {
            for row in rows {
                let mut insert = self.tx.prepare_cached(insert).unwrap();
                insert.execute(params_from_iter(row)).unwrap();
            }
        }
    }

    /// Assigns a free stable id to each row with a random one.
    pub(crate) fn stable_ids<S: ModelledService>(&self) -> StableIds {
        let mut assigned = Vec::new();
        for (table, stable) in S::STABLE_IDS {
            let mut ids = self
                .tx
                .prepare_cached(&format!("SELECT id FROM \"{table}\" ORDER BY id"))
                .unwrap();
            let ids = ids.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let ids = ids.map(Result::unwrap).collect::<Vec<_>>();
            let is_unlisted = |id: &&String| !S::STABLE_IDS.iter().any(|(_, stable)| stable.contains(&id.as_str()));
            // In the payment service, the refunds of the order service have stable ids of that service already.
            let random = ids
                .iter()
                .filter(is_unlisted)
                .filter(|id| !id.starts_with(&EVENT[..23]));
            let free = stable.iter().filter(|stable| !ids.iter().any(|id| id == *stable));
            assigned.extend(random.cloned().zip(free.copied()));
        }
        StableIds(assigned)
    }

    /// Returns the messages in the outbox.
    pub(crate) fn published(&self, ids: &StableIds, messages: &Messages) -> Vec<MessageId> {
        let mut bodies = self.tx.prepare_cached("SELECT body FROM outbox ORDER BY id").unwrap();
        let bodies = bodies.query_map([], |row| row.get::<_, String>(0)).unwrap();
        bodies
            .filter_map(|body| messages.intern(&ids.replace_all(body.unwrap())))
            .collect()
    }

    /// Returns the name of an invariant of the service that does not hold.
    pub(crate) fn violated_invariant<S: ModelledService>(&self) -> Option<&'static str> {
        let violated = S::Service::INVARIANTS.iter().find(|invariant| {
            let is_violated = invariant.is_violated(&self.tx);
            is_violated.unwrap()
        });
        violated.map(|invariant| invariant.name)
    }

    /// Returns all rows, normalised.
    pub(crate) fn rows<S: ModelledService>(&self, ids: &StableIds) -> Rows {
        let tables = self.sql.iter().zip(&self.columns);
        let rows = tables.map(|((select, _), columns)| {
            let mut select = self.tx.prepare_cached(select).unwrap();
            let rows = select.query_map([], |row| {
                let cells = columns.iter().enumerate().map(|(index, column)| {
                    let cell = row.get_ref_unwrap(index);
                    normalised::<S>(column, cell, ids)
                });
                Ok(cells.collect::<Vec<_>>())
            });
            rows.unwrap().map(Result::unwrap).collect()
        });
        rows.collect()
    }
}

fn columns(tx: &Tx, table: &str) -> Vec<String> {
    let mut info = tx
        .prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0")
        .unwrap();
    let names = info.query_map([table], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// Returns the expression that reads a column. Of the ledger only the sums are read: no step depends on its entries.
fn read_expression(table: &str, column: &str) -> String {
    match (table, column) {
        ("ledger", "id") => "row_number() OVER (ORDER BY payment_id, seller_id, currency)".to_owned(),
        ("ledger", "at") => START.millis().to_string(),
        ("ledger", "reason") => "'captured'".to_owned(),
        ("ledger", "reference") => "NULL".to_owned(),
        ("ledger", "payment_id" | "seller_id" | "currency") => column.to_owned(),
        ("ledger", _) => format!("sum({column})"),
        _ => column.to_owned(),
    }
}

/// Returns a cell without random ids and without times that decide nothing.
fn normalised<S: ModelledService>(column: &str, cell: ValueRef<'_>, ids: &StableIds) -> Cell {
    let number = match (column, cell) {
        (_, ValueRef::Null) => return Cell::Null,
        (_, ValueRef::Text(text)) => {
            let text = std::str::from_utf8(text).unwrap();
            return Cell::Text(ids.replace(text).to_owned());
        }
        (_, ValueRef::Blob(bytes)) => return Cell::Bytes(bytes.to_vec()),
        (_, ValueRef::Real(_)) => unreachable!("no column has fractions"),
        (_, ValueRef::Integer(number)) => number,
    };
    Cell::Number(match column {
        maintained if S::TRIGGER_COLUMNS.contains(&maintained) => 0,
        // Every pause is over: a pause can last any number of steps.
        "created_at" | "updated_at" | "next_try_at" | "look_at" | "withdrawn_at" => START.millis(),
        // Before the present request, or during it.
        "told_at" => {
            START.millis()
                + if number % GRANULARITY_MS == 0 {
                    0
                } else {
                    WEBHOOK_OFFSET_MS
                }
        }
        "extended_at" => START.millis() + TICKS_MS[1],
        "tries" => 0,
        _ => number,
    })
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Number(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
