//! Waits until everything has settled, and checks it: the checks of the drill over the databases and Stripe, the
//! [`CONDITIONS`] of money, `check`, parked messages, and `reconcile`.

use std::{path::PathBuf, sync::PoisonError, time::Duration};

use chassis::Service;
use clap::Parser;
use db::Db;
use drill::checks::{self, AllowedLoss, DatabasePaths, NotificationChecks, payment_intents};
use expiration::Expiration;
use order::Orders;
use payment::Payments;
use rusqlite::Connection;
use serde_json::Value;
use testkit::amqp_url;
use ticket::Ticket;
use tokio::time::{Instant, interval};

use crate::{
    conditions::{CONDITIONS, TOTALS},
    environment::{Environment, STRIPE_KEY},
    script::*,
};

/// The timeout until all conditions hold.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The clock advances by so much between two checks, so that retries come soon.
const CLOCK_STEP: Duration = Duration::from_secs(30);

const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The lists of Stripe that become tables: the table, the name in the path, the fields (names or JSON pointers).
const STRIPE_TABLES: [(&str, &str, &[&str]); 4] = [
    ("stripe_refund", "refunds", &["id", "status", "amount"]),
    ("stripe_dispute", "disputes", &["id", "status"]),
    ("stripe_balance", "balance_transactions", &["id", "net"]),
    (
        "stripe_intent",
        "payment_intents",
        &["id", "status", "/metadata/order_id"],
    ),
];

impl Environment {
    /// Returns the numbers of orders, payments, refunds and disputes by status, to show how far the scripts got.
    pub(crate) async fn totals(&self) -> String {
        let conn = self.money_tables().await;
        conn.query_row(TOTALS, [], |row| row.get(0)).unwrap()
    }

    /// Waits until everything has settled after a script. Returns all violations that remain.
    pub(crate) async fn check_after(&self, script: &[Step]) -> Result<(), String> {
        // Unpaid orders expire, including those with an extended deadline.
        self.test_env.clock.advance(order::Settings::default().order_window);
        if script
            .iter()
            .any(|step| matches!(step, FailCalls(CreateIntent, _, StoredStatus(_), _)))
        {
            // The outcome of a call with a stored error is certain only after Stripe has deleted the idempotency key.
            self.expire_idempotency_keys().await;
        }
        let (start, mut ticks) = (Instant::now(), interval(CHECK_INTERVAL));
        let mut violations = loop {
            ticks.tick().await;
            self.test_env.clock.advance(CLOCK_STEP);
            self.stripe.run_scheduled().await.unwrap();
            let violations = self.violated_conditions().await;
            if violations.is_empty() || start.elapsed() > SETTLE_TIMEOUT {
                break violations;
            }
        };
        violations.extend(self.database_findings());
        violations.extend(self.parked_messages().await);
        violations.extend(self.reconcile().await.err());
        let mut server_errors = self.server_errors.lock().unwrap_or_else(PoisonError::into_inner);
        violations.append(&mut server_errors);
        if violations.is_empty() {
            Ok(())
        } else {
            Err(violations.join("\n"))
        }
    }

    fn data(&self) -> PathBuf {
        self.test_env.database::<Orders>().parent().unwrap().to_owned()
    }

    /// Returns the conditions that do not hold now: those of the drill and [`CONDITIONS`].
    async fn violated_conditions(&self) -> Vec<String> {
        let intents = payment_intents(&self.stripe_url, STRIPE_KEY).await.unwrap();
        let record = self.record.lock().unwrap().clone();
        let paths = DatabasePaths {
            data: Some(self.data()),
            others: Vec::new(),
        };
        let loss = AllowedLoss::default();
        let report = checks::run(&paths, &record, Some(&intents), &loss, NotificationChecks::LeftOut).unwrap();
        let violations = report.violations.iter();
        let mut violations: Vec<_> = violations.map(|failed| describe(failed.name, &failed.rows)).collect();
        let conn = self.money_tables().await;
        for (name, sql) in CONDITIONS {
            let mut query = conn.prepare(sql).unwrap();
            let rows = query.query_map([], |row| row.get(0)).unwrap();
            let rows = rows.collect::<Result<Vec<String>, _>>().unwrap();
            if !rows.is_empty() {
                violations.push(describe(name, &rows));
            }
        }
        violations
    }

    /// Returns a connection with the databases of order and payment, read-only, and [`STRIPE_TABLES`].
    async fn money_tables(&self) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.busy_timeout(Duration::from_secs(5)).unwrap();
        for service in [Orders::NAME, Payments::NAME] {
            let path = self.data().join(format!("{service}.db"));
            conn.execute(
                &format!(r#"ATTACH ? AS "{service}""#),
                [format!("file:{}?mode=ro", path.display())],
            )
            .unwrap();
        }
        for (table, kind, fields) in STRIPE_TABLES {
            let columns: Vec<_> = fields.iter().map(|field| field.rsplit('/').next().unwrap()).collect();
            conn.execute_batch(&format!("CREATE TABLE {table} ({})", columns.join(", ")))
                .unwrap();
            for object in self.stripe_objects(kind).await {
                let values = fields.iter().map(|field| column_value(&object, field));
                let parameters = vec!["?"; fields.len()].join(", ");
                let insert = format!("INSERT INTO {table} VALUES ({parameters})");
                conn.execute(&insert, rusqlite::params_from_iter(values)).unwrap();
            }
        }
        conn
    }

    /// Returns the findings of `check` in each database.
    fn database_findings(&self) -> Vec<String> {
        [
            self.test_env.check_database::<Ticket>(),
            self.test_env.check_database::<Orders>(),
            self.test_env.check_database::<Expiration>(),
            self.test_env.check_database::<Payments>(),
        ]
        .concat()
    }

    async fn parked_messages(&self) -> Vec<String> {
        let (mut messages, namespace) = (Vec::new(), self.test_env.common().bus.namespace);
        for service in ["ticket", "order", "expiration", "payment"] {
            let parked = bus::parked::list(&amqp_url(), &namespace, service).await.unwrap();
            messages.extend(parked.iter().map(|message| format!("parked: {message:?}")));
        }
        messages
    }

    /// Runs `ticketing-payment reconcile`. Returns its report if there is a difference.
    async fn reconcile(&self) -> Result<(), String> {
        #[derive(Parser)]
        struct CommandLine {
            #[command(subcommand)]
            command: payment::Command,
        }
        let arguments = [
            "payment",
            "reconcile",
            "--since",
            "3650d",
            "--stripe-url",
            &self.stripe_url,
            "--stripe-secret-key",
            STRIPE_KEY,
        ];
        let command = CommandLine::parse_from(arguments).command;
        let db = Db::open(&self.test_env.database::<Payments>(), &Payments::SCHEMA).unwrap();
        let report = Payments::command(command, db.clone(), self.test_env.clock.clone()).await;
        db.close().await;
        let report = report.map_err(|error| format!("reconcile: {error}"))?;
        if report.contains("no difference") && report.contains("; 0 still open, 0 adopted, 0 of Stripe's are not ours")
        {
            Ok(())
        } else {
            Err(report)
        }
    }
}

fn describe(condition: &str, rows: &[String]) -> String {
    format!("VIOLATED: {condition}\n  {}", rows.join("\n  "))
}

/// Returns the SQL value of a field, given by name or by JSON pointer.
fn column_value(object: &Value, field: &str) -> rusqlite::types::Value {
    let value = if field.starts_with('/') {
        object.pointer(field)
    } else {
        object.get(field)
    };
    match value {
        Some(Value::Number(number)) => number.as_i64().into(),
        Some(Value::String(text)) => text.clone().into(),
        _ => rusqlite::types::Value::Null,
    }
}
