//! Whether all of it is true: one connection over the five databases, each attached read-only, and the record beside
//! them; every comparison is a query that finds what must not be.

mod answers;
mod states;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, named_params};
use serde_json::Value;

use crate::{
    Trouble,
    record::{Answer, Line, answers as answers_of},
    report::{grouped, milliseconds},
    stripe,
};

/// What must be true, and the query that finds what breaks it: rows of one text.
struct Truth {
    name: &'static str,
    sql: &'static str,
}

/// The services that have a database.
pub const SERVICES: [&str; 5] = ["auth", "ticket", "order", "expiration", "payment"];

/// Where the databases are.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `DATA/order/order.db` as Nomad keeps them, or `DATA/order.db` as the stack does.
    pub data: Option<PathBuf>,
    /// Services whose file is elsewhere.
    pub others: Vec<(String, PathBuf)>,
}

impl Places {
    fn of(&self, service: &str) -> Result<PathBuf, Trouble> {
        if let Some((_, path)) = self.others.iter().find(|(name, _)| name == service) {
            return Ok(path.clone());
        }
        let data = self
            .data
            .as_ref()
            .ok_or_else(|| Trouble(format!("no database of {service} was named")))?;
        let (own, name) = (data.join(service), format!("{service}.db"));
        let folder = if own.is_dir() { own } else { data.clone() };
        Ok(folder.join(name))
    }
}

/// Answers that may be lost: those of a service that was put back from a backup.
#[derive(Clone, Debug, Default)]
pub struct Forgiven {
    /// The services; with none, nothing is forgiven.
    pub services: Vec<String>,
    /// From this moment on, in milliseconds since 1970.
    pub from: Option<i64>,
    /// Until this moment.
    pub until: Option<i64>,
}

impl Forgiven {
    fn covers(&self, answer: &False) -> bool {
        self.services.contains(&answer.service)
            && self.from.is_none_or(|from| from <= answer.at)
            && self.until.is_none_or(|until| answer.at <= until)
    }
}

/// A payment intent of Stripe's.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Stripe's id.
    pub id: String,
    /// `succeeded`, `requires_capture`, …
    pub status: String,
    /// What was taken, in minor units.
    pub received: i64,
    /// Of that currency.
    pub currency: String,
    /// As its metadata says.
    pub payment_id: String,
    /// As its metadata says.
    pub order_id: String,
}

/// An answer that is not true, and why.
struct False {
    number: usize,
    at: i64,
    service: String,
    why: String,
}

/// Something that must be true, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What must be true.
    pub name: &'static str,
    /// What breaks it.
    pub rows: Vec<String>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What must not be.
    pub findings: Vec<Finding>,
    /// Answers in the record.
    pub answers: usize,
    /// Those that are not true but forgiven, and how many milliseconds lie between the first and the last of them.
    pub lost: usize,
    /// See `lost`.
    pub lost_over: u64,
    /// What is lost, one by one.
    pub losses: Vec<String>,
    /// Comparisons that were made.
    pub truths: usize,
    /// Orders, payments and intents that were looked at.
    pub counts: [usize; 3],
    untrue: usize,
}

impl Verdict {
    /// Whether everything is as it must be.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// In words.
    pub fn lines(&self) -> Vec<String> {
        const SHOWN: usize = 10;
        let mut lines = Vec::new();
        for Finding { name, rows } in &self.findings {
            lines.push(format!("NOT SO: {name} ({})", grouped(rows.len())));
            lines.extend(rows.iter().take(SHOWN).map(|row| format!("  {row}")));
            if rows.len() > SHOWN {
                lines.push(format!("  and {} more", grouped(rows.len() - SHOWN)));
            }
        }
        let [orders, payments, intents] = self.counts.map(grouped);
        lines.push(format!(
            "{} things looked at over {orders} orders, {payments} payments, {intents} intents of Stripe's: {}",
            self.truths,
            if self.is_clean() {
                "all so".to_owned()
            } else {
                format!("{} not so", self.findings.len())
            }
        ));
        let true_ones = self.answers.saturating_sub(self.lost + self.untrue);
        lines.push(format!("{} answers true of the end state", grouped(true_ones)));
        if self.untrue > 0 {
            lines.push(format!("{} answers false", grouped(self.untrue)));
        }
        if self.lost > 0 {
            lines.push(format!(
                "lost {} answers, {}",
                grouped(self.lost),
                milliseconds(self.lost_over)
            ));
            lines.extend(self.losses.iter().take(SHOWN).map(|loss| format!("  {loss}")));
        }
        lines
    }
}

/// The intents of Stripe or its double; the key is only sent.
pub async fn intents(url: &str, key: &str) -> Result<Vec<Intent>, Trouble> {
    stripe::intents(url, key).await
}

/// Compares everything with everything. The services may run; what is read is one moment of each database.
pub fn judge(
    places: &Places,
    lines: &[Line],
    intents: Option<&[Intent]>,
    forgiven: &Forgiven,
) -> Result<Verdict, Trouble> {
    let (mut verdict, conn) = (Verdict::default(), attach(places)?);
    verdict.answers = tell(&conn, lines).map_err(Trouble::new)?;
    if let Some(intents) = intents {
        tell_intents(&conn, intents).map_err(Trouble::new)?;
    }
    for truth in states::ALL.iter().chain(intents.iter().flat_map(|_| states::STRIPE)) {
        verdict.truths += 1;
        let rows = texts(&conn, truth.sql).map_err(|error| Trouble(format!("{}: {error}", truth.name)))?;
        verdict.find(truth.name, rows);
    }
    let (mut lost, mut untrue) = (Vec::new(), BTreeSet::new());
    for truth in answers::ALL {
        verdict.truths += 1;
        let found = false_ones(&conn, truth.sql).map_err(|error| Trouble(format!("{}: {error}", truth.name)))?;
        let (allowed, rows): (Vec<_>, Vec<_>) = found.into_iter().partition(|answer| forgiven.covers(answer));
        lost.extend(allowed);
        untrue.extend(rows.iter().map(|answer| answer.number));
        verdict.find(truth.name, rows.into_iter().map(|answer| answer.why).collect());
    }
    verdict.untrue = untrue.len();
    verdict.forgive(&lost, &untrue);
    let count = |sql| conn.query_row(sql, [], |row| row.get(0)).map_err(Trouble::new);
    verdict.counts = [
        count(r#"SELECT count(*) FROM "order"."order""#)?,
        count("SELECT count(*) FROM payment.payment")?,
        count("SELECT count(*) FROM intent")?,
    ];
    Ok(verdict)
}

impl Verdict {
    fn find(&mut self, name: &'static str, rows: Vec<String>) {
        if !rows.is_empty() {
            self.findings.push(Finding { name, rows });
        }
    }

    fn forgive(&mut self, lost: &[False], untrue: &BTreeSet<usize>) {
        let numbers: BTreeSet<_> = lost.iter().map(|answer| answer.number).collect();
        self.lost = numbers.difference(untrue).count();
        let moments = || lost.iter().map(|answer| answer.at);
        let over = moments()
            .max()
            .zip(moments().min())
            .map_or(0, |(end, begin)| end - begin);
        self.lost_over = u64::try_from(over).unwrap_or_default();
        self.losses = lost
            .iter()
            .map(|answer| format!("at {}: {}", answer.at, answer.why))
            .collect();
    }
}

/// Opens all five; nothing can be written through this connection.
fn attach(places: &Places) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(":memory:", flags).map_err(Trouble::new)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))
        .map_err(Trouble::new)?;
    for service in SERVICES {
        let path = places.of(service)?;
        let attached = conn.execute(
            &format!(r#"ATTACH :uri AS "{service}""#),
            named_params! {":uri": uri(&path)},
        );
        attached.map_err(|error| Trouble::file(&path, &error))?;
    }
    conn.execute_batch(answers::TABLES).map_err(Trouble::new)?;
    Ok(conn)
}

/// <https://sqlite.org/uri.html>
fn uri(path: &Path) -> String {
    let escaped = path
        .to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    format!("file:{escaped}?mode=ro")
}

/// Puts the answers beside the databases; each item of a list is an answer, too.
fn tell(conn: &Connection, lines: &[Line]) -> rusqlite::Result<usize> {
    conn.execute_batch("BEGIN")?;
    let mut insert = conn.prepare(
        "INSERT INTO answer (n, at, who, user, op, service, key, asked, status, said, attempts)
         VALUES (:n, :at, :who, :user, :op, :service, :key, :asked, :status, :said, :attempts)",
    )?;
    let mut put = |number: usize, answer: &Answer, op: &str, said: &Value| {
        insert.execute(named_params! {
            ":n": i64::try_from(number).unwrap_or(i64::MAX),
            ":at": answer.at,
            ":who": answer.who,
            ":user": answer.user,
            ":op": op,
            ":service": answer.op.service(),
            ":key": answer.key,
            ":asked": answer.asked.to_string(),
            ":status": answer.status,
            ":said": said.to_string(),
            ":attempts": answer.attempts,
        })
    };
    let mut count = 0;
    for answer in answers_of(lines) {
        count += usize::from(answer.status.is_some());
        match answer.said.get("items").and_then(Value::as_array) {
            Some(items) => {
                for item in items {
                    put(count, answer, answer.op.of_items().name(), item)?;
                }
            }
            None => _ = put(count, answer, answer.op.name(), &answer.said)?,
        }
    }
    conn.execute_batch("COMMIT; BEGIN")?;
    Ok(count)
}

fn tell_intents(conn: &Connection, intents: &[Intent]) -> rusqlite::Result<()> {
    let mut insert = conn.prepare(
        "INSERT INTO intent (id, status, received, currency, payment_id, order_id) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for intent in intents {
        insert.execute((
            &intent.id,
            &intent.status,
            intent.received,
            &intent.currency,
            &intent.payment_id,
            &intent.order_id,
        ))?;
    }
    Ok(())
}

fn texts(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut query = conn.prepare(sql)?;
    let rows = query.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn false_ones(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<False>> {
    let mut query = conn.prepare(sql)?;
    let rows = query.query_map([], |row| {
        Ok(False {
            number: row.get(0)?,
            at: row.get(1)?,
            service: row.get(2)?,
            why: row.get(3)?,
        })
    })?;
    rows.collect()
}
