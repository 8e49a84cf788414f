//! A service as a function: from the rows of its database and what comes to it, to other rows and what it says.
//!
//! Each step runs the service's own use case in a transaction of a database in memory, which is read and undone. What a
//! step leads to is kept, so that the same step from the same rows costs a look into a table.

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, Mutex, RwLock},
};

use chassis::Service;
use db::Tx;
use events::{Envelope, ROUTES};
use rusqlite::{
    params_from_iter,
    types::{ToSql, ToSqlOutput, Value, ValueRef},
};

use crate::{
    names::{CLOCK, EVENT, NOON, STEP},
    services::Gist,
};

/// The rows of a database that was seen.
pub(crate) type Id = u32;

/// What comes of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Effect<A> {
    pub(crate) next: Id,
    pub(crate) said: Vec<Mail>,
    pub(crate) answer: Option<A>,
    /// What must never be.
    pub(crate) wrong: Option<&'static str>,
}

/// A service, as far as the model needs to know it.
pub(crate) trait Actor: Send + Sync + 'static {
    type Service: Service;
    /// What comes to it.
    type Step: Clone + Eq + Hash + Debug + Send + Sync;
    /// What it answers.
    type Answer: Clone + Send + Sync;
    /// What is to be seen of it.
    type View: Clone + PartialEq + Debug + Send + Sync;

    /// Its tables, each after those it refers to.
    const TABLES: &'static [&'static str];
    /// Tables of which nothing follows here, or that triggers keep: they keep them here, too.
    const LEFT_OUT: &'static [&'static str];
    /// Columns that triggers keep.
    const KEPT: &'static [&'static str];
    /// The names that its rows get, by table.
    const NAMES: &'static [(&'static str, &'static [&'static str])];

    /// Does it; an error undoes it.
    fn run(tx: &Tx, step: &Self::Step, post: &Post) -> Result<Option<Self::Answer>, Failed>;
    fn view(tx: &Tx, names: &Names) -> Self::View;
    /// Why it must not go on from the one to the other.
    fn forbidden(before: &Self::View, after: &Self::View) -> Option<&'static str>;
}

/// Why a step is undone.
#[derive(Debug)]
pub(crate) enum Failed {
    /// That is how it should be.
    Refused,
    /// It should not be.
    Wrong(String),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// All rows, table by table.
type Rows = Vec<Vec<Vec<Cell>>>;

struct Known<V> {
    rows: Rows,
    view: Arc<V>,
    /// An invariant of the service that does not hold.
    broken: Option<&'static str>,
}

/// What comes of a step from some rows.
type Effects<A> = HashMap<(Id, <A as Actor>::Step), Arc<Effect<<A as Actor>::Answer>>>;

/// Things by their numbers, and their numbers by what they are.
struct Shelf<K, T> {
    things: Vec<Arc<T>>,
    numbers: HashMap<K, usize>,
}

impl<K, T> Default for Shelf<K, T> {
    fn default() -> Self {
        Self {
            things: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash, T> Shelf<K, T> {
    /// The number of what has this key, which is made if it is new.
    fn put(&mut self, key: K, make: impl FnOnce() -> T) -> usize {
        *self.numbers.entry(key).or_insert_with(|| {
            self.things.push(Arc::new(make()));
            self.things.len() - 1
        })
    }
}

pub(crate) struct Lab<A: Actor> {
    known: RwLock<Shelf<Rows, Known<A::View>>>,
    effects: RwLock<Effects<A>>,
    desks: Mutex<Vec<Desk>>,
    /// What is broken on purpose, to see that it is found: SQL that runs after each step.
    flaw: Option<&'static str>,
}

impl<A: Actor> Lab<A> {
    pub(crate) fn new(flaw: Option<&'static str>) -> Self {
        let lab = Self {
            known: RwLock::default(),
            effects: RwLock::default(),
            desks: Mutex::default(),
            flaw,
        };
        let desk = Desk::new::<A>();
        let empty = vec![Vec::new(); A::TABLES.len()];
        lab.know(empty, A::view(&desk.tx, &Names::default()), None);
        lab.desks.lock().unwrap().push(desk);
        lab
    }

    pub(crate) fn view(&self, id: Id) -> Arc<A::View> {
        Arc::clone(&self.known.read().unwrap().things[usize::try_from(id).unwrap()].view)
    }

    fn known(&self, id: Id) -> Arc<Known<A::View>> {
        Arc::clone(&self.known.read().unwrap().things[usize::try_from(id).unwrap()])
    }

    /// How many databases were seen, and how many steps were run.
    pub(crate) fn size(&self) -> (usize, usize) {
        (
            self.known.read().unwrap().things.len(),
            self.effects.read().unwrap().len(),
        )
    }

    fn find(&self, rows: &Rows) -> Option<Id> {
        let number = self.known.read().unwrap().numbers.get(rows).copied();
        number.map(|number| Id::try_from(number).unwrap())
    }

    fn know(&self, rows: Rows, view: A::View, broken: Option<&'static str>) -> Id {
        let mut known = self.known.write().unwrap();
        let number = known.put(rows.clone(), || Known {
            rows,
            view: Arc::new(view),
            broken,
        });
        Id::try_from(number).unwrap()
    }

    pub(crate) fn step(&self, from: Id, step: &A::Step, post: &Post) -> Arc<Effect<A::Answer>> {
        let key = (from, step.clone());
        if let Some(effect) = self.effects.read().unwrap().get(&key) {
            return Arc::clone(effect);
        }
        let desk = self.desks.lock().unwrap().pop().unwrap_or_else(Desk::new::<A>);
        let effect = Arc::new(self.run(&desk, from, step, post));
        self.desks.lock().unwrap().push(desk);
        self.effects.write().unwrap().insert(key, Arc::clone(&effect));
        effect
    }

    fn run(&self, desk: &Desk, from: Id, step: &A::Step, post: &Post) -> Effect<A::Answer> {
        let before = self.known(from);
        desk.tx.execute_batch("BEGIN").unwrap();
        desk.load(&before.rows);
        let outcome = A::run(&desk.tx, step, post);
        if let Some(flaw) = self.flaw {
            desk.tx.execute_batch(flaw).unwrap();
        }
        let effect = match outcome {
            Err(failed) => Effect {
                next: from,
                said: Vec::new(),
                answer: None,
                wrong: match failed {
                    Failed::Refused => None,
                    Failed::Wrong(why) => Some(&*why.leak()),
                },
            },
            Ok(answer) => {
                let names = desk.names::<A>();
                let rows = desk.rows::<A>(&names);
                let next = self.find(&rows);
                let next = next.unwrap_or_else(|| self.know(rows, A::view(&desk.tx, &names), desk.broken::<A>()));
                let after = self.known(next);
                Effect {
                    said: desk.said(&names, post),
                    wrong: A::forbidden(&before.view, &after.view).or(after.broken),
                    next,
                    answer,
                }
            }
        };
        desk.tx.execute_batch("ROLLBACK").unwrap();
        effect
    }
}

/// The new names of rows that have just got one by chance.
#[derive(Default)]
pub(crate) struct Names(Vec<(String, &'static str)>);

impl Names {
    pub(crate) fn of<'a>(&self, name: &'a str) -> &'a str {
        let renamed = self.0.iter().find(|(chance, _)| chance == name);
        renamed.map_or(name, |(_, name)| name)
    }
}

/// A database in memory.
struct Desk {
    tx: Tx,
    /// For each table: how its rows are read, and how one is written.
    sql: Vec<(String, String)>,
    columns: Vec<Vec<String>>,
}

impl Desk {
    fn new<A: Actor>() -> Self {
        let tx = Tx::in_memory(&A::Service::SCHEMA).unwrap();
        tx.set_prepared_statement_cache_capacity(256);
        let mut tables = tx
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        for table in tables.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            let table = table.unwrap();
            let known = A::TABLES.iter().chain(A::LEFT_OUT).any(|known| *known == table);
            assert!(
                known,
                "is {table} part of what follows? Then it belongs to `TABLES`, else to `LEFT_OUT`"
            );
        }
        drop(tables);
        let columns = A::TABLES.iter().map(|table| columns(&tx, table)).collect::<Vec<_>>();
        let sql = A::TABLES.iter().zip(&columns).map(|(table, columns)| {
            let marks = vec!["?"; columns.len()].join(", ");
            let read = columns
                .iter()
                .map(|column| read(table, column))
                .collect::<Vec<_>>()
                .join(", ");
            let group = if *table == "ledger" {
                " GROUP BY payment_id, seller_id, currency"
            } else {
                ""
            };
            let names = columns.join(", ");
            (
                format!("SELECT {read} FROM \"{table}\"{group} ORDER BY 1"),
                format!("INSERT INTO \"{table}\" ({names}) VALUES ({marks})"),
            )
        });
        Self {
            sql: sql.collect(),
            columns,
            tx,
        }
    }

    fn load(&self, rows: &Rows) {
        for ((_, write), rows) in self.sql.iter().zip(rows) {
            for row in rows {
                let mut insert = self.tx.prepare_cached(write).unwrap();
                insert.execute(params_from_iter(row)).unwrap();
            }
        }
    }

    fn names<A: Actor>(&self) -> Names {
        let mut renamed = Vec::new();
        for (table, names) in A::NAMES {
            let mut ids = self
                .tx
                .prepare_cached(&format!("SELECT id FROM \"{table}\" ORDER BY id"))
                .unwrap();
            let ids = ids.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let ids = ids.map(Result::unwrap).collect::<Vec<_>>();
            let foreign = |id: &&String| !A::NAMES.iter().any(|(_, names)| names.contains(&id.as_str()));
            // Refunds have names of the order's choosing in the payment service, too.
            let foreign = ids.iter().filter(foreign).filter(|id| !id.starts_with(&EVENT[..23]));
            let free = names.iter().filter(|name| !ids.iter().any(|id| id == *name));
            renamed.extend(foreign.cloned().zip(free.copied()));
        }
        Names(renamed)
    }

    fn said(&self, names: &Names, post: &Post) -> Vec<Mail> {
        let mut bodies = self.tx.prepare_cached("SELECT body FROM outbox ORDER BY id").unwrap();
        let bodies = bodies.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let renamed = bodies.map(|body| {
            let names = names.0.iter();
            names.fold(body.unwrap(), |body, (chance, name)| body.replace(chance, name))
        });
        renamed.filter_map(|body| post.take(&body)).collect()
    }

    /// An invariant of the service that does not hold.
    fn broken<A: Actor>(&self) -> Option<&'static str> {
        let broken = A::Service::INVARIANTS.iter().find(|invariant| {
            let mut found = self.tx.prepare_cached(invariant.sql).unwrap();
            found.exists([]).unwrap()
        });
        broken.map(|invariant| invariant.name)
    }

    fn rows<A: Actor>(&self, names: &Names) -> Rows {
        let tables = self.sql.iter().zip(&self.columns);
        let rows = tables.map(|((read, _), columns)| {
            let mut found = self.tx.prepare_cached(read).unwrap();
            let rows = found.query_map([], |row| {
                let cells = columns.iter().enumerate().map(|(index, column)| {
                    let cell = row.get_ref_unwrap(index);
                    plain::<A>(column, cell, names)
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

/// Of the ledger only the sums are read: nothing follows from what they are made of.
fn read(table: &str, column: &str) -> String {
    match (table, column) {
        ("ledger", "id") => "row_number() OVER (ORDER BY payment_id, seller_id, currency)".to_owned(),
        ("ledger", "at") => NOON.millis().to_string(),
        ("ledger", "reason") => "'captured'".to_owned(),
        ("ledger", "reference") => "NULL".to_owned(),
        ("ledger", "payment_id" | "seller_id" | "currency") => column.to_owned(),
        ("ledger", _) => format!("sum({column})"),
        _ => column.to_owned(),
    }
}

/// A cell without what makes no difference: by what name and when, as far as nothing is decided by that.
fn plain<A: Actor>(column: &str, cell: ValueRef<'_>, names: &Names) -> Cell {
    let number = match (column, cell) {
        (_, ValueRef::Null) => return Cell::Null,
        (_, ValueRef::Text(text)) => {
            let text = std::str::from_utf8(text).unwrap();
            return Cell::Text(names.of(text).to_owned());
        }
        (_, ValueRef::Blob(bytes)) => return Cell::Bytes(bytes.to_vec()),
        (_, ValueRef::Real(_)) => unreachable!("money knows no fractions"),
        (_, ValueRef::Integer(number)) => number,
    };
    Cell::Number(match column {
        kept if A::KEPT.contains(&kept) => 0,
        // Whatever is to be waited for is over: a pause can be any number of steps.
        "created_at" | "updated_at" | "next_try_at" | "look_at" | "withdrawn_at" => NOON.millis(),
        // Before the question that is being asked, or since.
        "told_at" => NOON.millis() + if number % STEP == 0 { 0 } else { SINCE },
        "extended_at" => NOON.millis() + CLOCK[1],
        "tries" => 0,
        _ => number,
    })
}

/// When a question is asked, within a step of the clock, and when something is told while it is asked.
pub(crate) const ASKED: i64 = 500;
pub(crate) const SINCE: i64 = 1000;

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

/// A message, by its number in the post.
pub(crate) type Mail = u16;

/// What was ever said.
#[derive(Default)]
pub(crate) struct Post(RwLock<Shelf<String, Letter>>);

#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) envelope: Envelope,
    pub(crate) gist: Gist,
    pub(crate) to_order: bool,
    pub(crate) to_payment: bool,
}

impl Post {
    pub(crate) fn letter(&self, mail: Mail) -> Arc<Letter> {
        Arc::clone(&self.0.read().unwrap().things[usize::from(mail)])
    }

    /// Takes a message, if it is for one of the two services.
    fn take(&self, body: &str) -> Option<Mail> {
        let mut json = serde_json::from_str::<serde_json::Value>(body).unwrap();
        json["id"] = EVENT.into();
        timeless(&mut json);
        let body = json.to_string();
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let route = ROUTES
            .iter()
            .find(|route| route.event == envelope.event.name())
            .unwrap();
        let (to_order, to_payment) = (route.consumers.contains(&"order"), route.consumers.contains(&"payment"));
        if !to_order && !to_payment {
            return None;
        }
        let number = self.0.write().unwrap().put(body, || Letter {
            gist: Gist::of(&envelope.event),
            envelope,
            to_order,
            to_payment,
        });
        Some(Mail::try_from(number).unwrap())
    }
}

fn timeless(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "time" | "createdAt" | "updatedAt" | "extendedAt" if field.is_string() => {
                        *field = serde_json::to_value(NOON).unwrap();
                    }
                    _ => timeless(field),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(timeless),
        _ => {}
    }
}
