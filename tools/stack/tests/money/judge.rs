//! Waits until the world has come to rest, and judges it: what the drill asks of five databases and of Stripe, what is true
//! of money that goes back, what `check` and `reconcile` say.

use std::{path::PathBuf, sync::PoisonError, time::Duration};

use chassis::Service;
use clap::Parser;
use db::{Db, admin};
use drill::checks::{self, AllowedLoss, DatabasePaths, payment_intents};
use expiration::Expiration;
use order::Orders;
use payment::Payments;
use rusqlite::Connection;
use serde_json::Value;
use testkit::amqp_url;
use ticket::Ticket;
use tokio::time::{Instant, interval};

use crate::{
    market::{A_DAY, KEY, World},
    script::*,
};

/// How long it may take until all is as it must be.
const PATIENCE: Duration = Duration::from_mins(1);

/// How far the clock goes between two looks: what is tried again from time to time is tried soon.
const STEP: Duration = Duration::from_secs(30);

/// What is under way, or not so, of money that went back: rows of one text. Stripe's lists are tables beside the databases.
const TRUTHS: &[(&str, &str)] = &[
    (
        "Nothing is under way",
        r#"SELECT format('refund %s of order %s is approved', id, order_id) FROM "order".refund WHERE status = 'approved'
           UNION ALL SELECT format('refund %s of payment %s is %s', id, payment_id, state) FROM payment.refund
               WHERE state IN ('asked', 'pending')
           UNION ALL SELECT format('what became of payment %s is to be looked at', payment_id) FROM payment.taking
               WHERE look_at IS NOT NULL
           UNION ALL SELECT format('the withdrawal of %s', ticket_id) FROM "order".withdrawal WHERE done = 0"#,
    ),
    (
        "A refund has become what the payment service says",
        r#"SELECT format('refund %s is %s (%s) in order, %s (%s) in payment', o.id, o.status, o.failure, p.state, p.failure)
           FROM "order".refund o LEFT JOIN payment.refund p ON p.id = o.id
           WHERE o.status IN ('approved', 'paid', 'failed')
               AND (o.failure IS NOT p.failure
                   OR CASE o.status WHEN 'paid' THEN p.state NOT IN ('succeeded', 'failed') ELSE p.state <> 'failed' END)
           UNION ALL SELECT format('refund %s is %s in payment, and nobody wanted it', id, state) FROM payment.refund
               WHERE by_hand = 0 AND id NOT IN (SELECT id FROM "order".refund WHERE status IN ('approved', 'paid', 'failed'))"#,
    ),
    (
        "A refund is as Stripe has it",
        "SELECT format('%s is %s over %d at Stripe, %s over %d here', s.id, s.status, s.amount, p.state, p.amount)
         FROM stripe_refund s LEFT JOIN payment.refund p ON p.stripe_id = s.id
         WHERE (s.status, s.amount) IS NOT (p.state, p.amount)
         UNION ALL SELECT format('refund %s is %s and names %s', id, state, stripe_id) FROM payment.refund
             WHERE state IN ('pending', 'succeeded') AND amount > 0
                 AND stripe_id IS NOT (SELECT id FROM stripe_refund s WHERE s.id = stripe_id)",
    ),
    (
        "An order says how much went back",
        r#"SELECT format('order %s: %d in order, %d in payment', o.id, o.refunded_amount, sum(r.amount))
           FROM "order"."order" o LEFT JOIN payment.refund r
               ON r.payment_id = o.payment_id AND r.state = 'succeeded'
           GROUP BY o.id HAVING o.refunded_amount <> coalesce(sum(r.amount), 0)"#,
    ),
    (
        "A dispute is as Stripe has it",
        "SELECT format('%s is %s at Stripe, %s here', s.id, s.status, d.status)
         FROM stripe_dispute s LEFT JOIN payment.dispute d ON d.id = s.id
         WHERE d.status IS NOT CASE WHEN s.status LIKE 'warning_closed' THEN 'closed' WHEN s.status LIKE 'warning%' THEN 'inquiry'
             WHEN s.status IN ('won', 'lost') THEN s.status ELSE 'open' END",
    ),
    (
        "An order is disputed as its payment is",
        r#"SELECT format('order %s is disputed: %s, by the payment service %s', o.id, o.dispute_status, d.status)
           FROM "order"."order" o LEFT JOIN payment.dispute d
               ON d.payment_id = o.payment_id AND d.status IN ('open', 'won', 'lost')
           WHERE o.dispute_status IS NOT d.status"#,
    ),
    (
        "The ledger is Stripe's balance",
        "SELECT format('%d at Stripe, %d here', there, here) FROM
             (SELECT coalesce(sum(net), 0) AS there FROM stripe_balance),
             (SELECT coalesce(-sum(buyer + refunds + dispute + stripe_fee), 0) AS here FROM payment.ledger)
         WHERE there <> here",
    ),
    (
        "No bank waits for a buyer in vain",
        "SELECT format('intent %s of order %s is %s', id, order_id, status) FROM stripe_intent
         WHERE status IN ('requires_action', 'requires_confirmation', 'requires_capture', 'processing')",
    ),
    (
        "Whose listing was withdrawn got the money back, if it can be given",
        r#"SELECT format('order %s: %d of %d tickets are claimed', o.id, o.claimed_quantity, o.quantity)
           FROM "order"."order" o JOIN "order".listing l ON l.id = o.ticket_id
           WHERE l.withdrawn_at IS NOT NULL AND o.status = 'complete' AND o.claimed_quantity < o.quantity
               AND o.dispute_status IS NOT 'open' AND o.dispute_status IS NOT 'lost'
               AND NOT EXISTS (SELECT 1 FROM "order".refund r WHERE r.order_id = o.id AND r.status = 'failed')"#,
    ),
];

/// What the scripts have come to.
const TALLY: &str = r#"SELECT group_concat(format('%d %s', many, what), ', ') FROM (
    SELECT count(*) AS many, 'orders ' || status AS what FROM "order"."order" GROUP BY status
    UNION ALL SELECT count(*), 'payments ' || status FROM payment.payment GROUP BY status
    UNION ALL SELECT count(*), 'refunds ' || state FROM payment.refund GROUP BY state
    UNION ALL SELECT count(*), 'disputes ' || status FROM payment.dispute GROUP BY status)"#;

impl World {
    /// How much of what there was, to see that the scripts go far.
    pub(crate) async fn tally(&self) -> String {
        let conn = self.beside_stripe().await;
        conn.query_row(TALLY, [], |row| row.get(0)).unwrap()
    }

    /// Waits until everything is at rest and as it must be after a script; says what is not, if it never is.
    pub(crate) async fn judged(&self, script: &[Step]) -> Result<(), String> {
        // What nobody pays any more ends, also where its deadline is moved.
        self.kit.clock.advance(order::Settings::default().order_window);
        if script
            .iter()
            .any(|step| matches!(step, Breaks(Authorize, _, Keeps(_), _)))
        {
            // Whether Stripe did what it says that it failed to do is known for sure when it has forgotten the key.
            self.kit.clock.advance(A_DAY);
        }
        let (began, mut looks) = (Instant::now(), interval(Duration::from_millis(100)));
        let found = loop {
            looks.tick().await;
            self.kit.clock.advance(STEP);
            self.sim.run_scheduled().await.unwrap();
            let found = self.found().await;
            if found.is_empty() || began.elapsed() > PATIENCE {
                break found;
            }
        };
        let mut found = found;
        found.extend(self.checked());
        found.extend(self.parked().await);
        found.extend(self.reconciled().await.err());
        let mut scandals = self.scandals.lock().unwrap_or_else(PoisonError::into_inner);
        found.append(&mut scandals);
        if found.is_empty() {
            Ok(())
        } else {
            Err(found.join("\n"))
        }
    }

    fn data(&self) -> PathBuf {
        self.kit.database::<Orders>().parent().unwrap().to_owned()
    }

    /// What is not so, or not yet.
    async fn found(&self) -> Vec<String> {
        let intents = payment_intents(&self.stripe, KEY).await.unwrap();
        let record = self.record.lock().unwrap().clone();
        let paths = DatabasePaths {
            data: Some(self.data()),
            others: Vec::new(),
        };
        let report = checks::run(&paths, &record, Some(&intents), &AllowedLoss::default()).unwrap();
        let named = |(name, rows): (&str, Vec<String>)| format!("VIOLATED: {name}\n  {}", rows.join("\n  "));
        let violations = report.violations.into_iter();
        let mut found: Vec<_> = violations.map(|violation| named((violation.name, violation.rows))).collect();
        let conn = self.beside_stripe().await;
        for (name, sql) in TRUTHS {
            let mut query = conn.prepare(sql).unwrap();
            let rows = query.query_map([], |row| row.get(0)).unwrap();
            let rows = rows.collect::<Result<Vec<String>, _>>().unwrap();
            if !rows.is_empty() {
                found.push(named((name, rows)));
            }
        }
        found
    }

    /// The databases of money, read-only, and what Stripe has beside them.
    async fn beside_stripe(&self) -> Connection {
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
        let tables: [(&str, &[&str]); 4] = [
            ("refund", &["id", "status", "amount"]),
            ("dispute", &["id", "status"]),
            ("balance", &["id", "net"]),
            ("intent", &["id", "status", "/metadata/order_id"]),
        ];
        for (table, fields) in tables {
            let kind = match table {
                "balance" => "balance_transactions".to_owned(),
                "intent" => "payment_intents".to_owned(),
                _ => format!("{table}s"),
            };
            let columns: Vec<_> = fields.iter().map(|field| field.rsplit('/').next().unwrap()).collect();
            conn.execute_batch(&format!("CREATE TABLE stripe_{table} ({})", columns.join(", ")))
                .unwrap();
            for object in self.all_at_stripe(&kind).await {
                let values = fields.iter().map(|field| {
                    let pointer = if field.starts_with('/') {
                        (*field).to_owned()
                    } else {
                        format!("/{field}")
                    };
                    match object.pointer(&pointer) {
                        Some(Value::Number(number)) => number.as_i64().into(),
                        Some(Value::String(text)) => text.clone().into(),
                        _ => rusqlite::types::Value::Null,
                    }
                });
                let places = vec!["?"; fields.len()].join(", ");
                let insert = format!("INSERT INTO stripe_{table} VALUES ({places})");
                conn.execute(&insert, rusqlite::params_from_iter(values)).unwrap();
            }
        }
        conn
    }

    /// What `check` says of each database.
    fn checked(&self) -> Vec<String> {
        let found = [
            self.findings::<Ticket>(),
            self.findings::<Orders>(),
            self.findings::<Expiration>(),
            self.findings::<Payments>(),
        ];
        found.concat()
    }

    fn findings<S: Service>(&self) -> Vec<String> {
        let found = admin::check(&self.kit.database::<S>(), &S::SCHEMA, S::INVARIANTS).unwrap();
        found.iter().map(|finding| format!("{}: {finding}", S::NAME)).collect()
    }

    async fn parked(&self) -> Vec<String> {
        let (mut found, namespace) = (Vec::new(), self.kit.common().bus.namespace);
        for service in ["ticket", "order", "expiration", "payment"] {
            let parked = bus::parked::list(&amqp_url(), &namespace, service).await.unwrap();
            found.extend(parked.iter().map(|message| format!("parked: {message:?}")));
        }
        found
    }

    /// `ticketing-payment reconcile`.
    async fn reconciled(&self) -> Result<(), String> {
        #[derive(Parser)]
        struct Line {
            #[command(subcommand)]
            command: payment::Command,
        }
        let line = ["payment", "reconcile", "--since", "3650d", "--stripe-url", &self.stripe];
        let line = line.into_iter().chain(["--stripe-secret-key", KEY]);
        let db = Db::open(&self.kit.database::<Payments>(), &Payments::SCHEMA).unwrap();
        let told = Payments::command(Line::parse_from(line).command, db.clone(), self.kit.clock.clone()).await;
        db.close().await;
        let told = told.map_err(|error| format!("reconcile: {error}"))?;
        if told.contains("no difference") && told.contains("; 0 still open, 0 adopted, 0 of Stripe's are not ours") {
            Ok(())
        } else {
            Err(told)
        }
    }
}
