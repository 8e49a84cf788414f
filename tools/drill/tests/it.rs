//! A stack with everything real around it is drilled, and then its databases are bent, one wrong at a time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use drill::{
    load::{Load, load},
    record::{self, Answer, Line},
    report::{self, Tally},
    settle::settle,
    verdict::{Forgiven, Intent, Places, Verdict, intents, judge},
};
use rusqlite::Connection;
use serde_json::json;
use stack::{Ports, Settings, Stack, Stripe};
use testkit::amqp_url;
use tokio_util::sync::CancellationToken;

fn settings(data: PathBuf) -> Settings {
    Settings {
        data,
        bind: [127, 0, 0, 1].into(),
        ports: Ports::Free,
        broker: amqp_url(),
        stripe: Stripe::default(),
        auth: auth::Settings {
            cookie_secure: false,
            ..auth::Settings::default()
        },
        order: order::Settings::default(),
        expiration: expiration::Settings::default(),
        clock: values::Clock::system(),
    }
}

/// What a drill leaves behind: databases, the record, what Stripe was asked.
struct Drilled {
    folder: tempfile::TempDir,
    lines: Vec<Line>,
    intents: Vec<Intent>,
}

impl Drilled {
    /// 400 arrivals, quickly.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let stack = Stack::start(settings(data), |_| {}).await.unwrap();
        let (url, record) = (stack.url(), folder.path().join("record.jsonl"));
        let plan = Load {
            url: url.clone(),
            record: record.clone(),
            seed: None,
            rate: 40,
            lasting: Some(Duration::from_mins(2)),
            arrivals: Some(400),
            stop_file: None,
            sellers: 2,
            buyers: 5,
            retries: 1,
            at_once: 32,
        };
        let loaded = load(&plan, CancellationToken::new()).await.unwrap();
        assert_eq!(loaded.arrived, 400);
        let open = settle(&url, &record, None, Duration::from_mins(1)).await.unwrap();
        assert_eq!(open, Vec::<String>::new());
        let lines = record::read(&record).unwrap();
        let (data, stripe) = (folder.path().join("data"), stack.stripe_simulator().unwrap().1);
        // While everything runs. What the last orders said may still be on its way, also to Stripe.
        let met = testkit::eventually("all copies have met", || async {
            let intents = intents(stripe, "sk_test_ticketing").await.unwrap();
            let verdict = looked_at(data.clone(), &lines, &intents, &Forgiven::default());
            verdict.is_clean().then_some(intents)
        });
        let intents = met.await;
        let drilled = Self { folder, lines, intents };
        let namespace = stack.namespace.clone();
        stack.stop().await;
        stack::delete_namespace(&amqp_url(), &namespace).await.unwrap();
        drilled
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn judged(&self) -> Verdict {
        looked_at(self.data(), &self.lines, &self.intents, &Forgiven::default())
    }

    /// What is found in a copy in which one database was changed.
    fn bent(&self, service: &str, sql: &str) -> Verdict {
        let copy = tempfile::tempdir().unwrap();
        copied(&self.data(), copy.path());
        let conn = Connection::open(copy.path().join(format!("{service}.db"))).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .unwrap();
        let changed = conn.execute(sql, []).unwrap();
        assert!(changed > 0, "nothing changed: {sql}");
        drop(conn);
        looked_at(copy.path().to_owned(), &self.lines, &self.intents, &Forgiven::default())
    }

    /// The record with one answer changed: the first that is so.
    fn misquoted(&self, which: impl Fn(&Answer) -> bool, change: impl Fn(&mut Answer)) -> Vec<Line> {
        let mut lines = self.lines.clone();
        let answer = lines.iter_mut().find_map(|line| match line {
            Line::Answer(answer) if which(answer) => Some(answer),
            _ => None,
        });
        change(answer.unwrap());
        lines
    }
}

fn looked_at(data: PathBuf, lines: &[Line], intents: &[Intent], forgiven: &Forgiven) -> Verdict {
    let places = Places {
        data: Some(data),
        others: Vec::new(),
    };
    judge(&places, lines, Some(intents), forgiven).unwrap()
}

fn copied(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".db") {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[track_caller]
fn finds(verdict: &Verdict, name: &str) {
    let found: Vec<_> = verdict.findings.iter().map(|finding| finding.name).collect();
    assert!(found.contains(&name), "{name} is not among {found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_finds_nothing_and_whatever_is_bent_afterwards_is_named() {
    let drilled = Drilled::new().await;
    the_record_tells_of_everything(&drilled);
    let verdict = drilled.judged();
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.answers, record::answers(&drilled.lines).count());
    every_bent_database_is_named(&drilled);
    every_false_answer_is_named(&drilled);
    money_at_stripe_is_compared(&drilled);
    what_may_be_lost_is_counted_apart(&drilled);
}

fn the_record_tells_of_everything(drilled: &Drilled) {
    let answers: Vec<_> = record::answers(&drilled.lines).collect();
    assert_eq!(report::failures(&answers), Vec::<String>::new());
    assert_eq!(Tally::of(answers.iter().copied()).failed, 0);
    let statuses = |name: &str| {
        let of_op = answers.iter().filter(|answer| answer.op.name() == name);
        of_op.filter_map(|answer| answer.status).collect::<Vec<_>>()
    };
    for (name, status) in [
        ("placeOrder", 201),
        ("payOrder", 201),
        ("payOrder", 402),
        ("cancelOrder", 204),
    ] {
        assert!(statuses(name).contains(&status), "no {name} was answered {status}");
    }
    assert!(report::table(&drilled.lines).contains("placeOrder"));
    let seed = fs::read_to_string(drilled.folder.path().join("record.jsonl.seed")).unwrap();
    let text = fs::read_to_string(drilled.folder.path().join("record.jsonl")).unwrap();
    assert!(!text.contains(seed.trim()) && !text.contains("accessToken") && !text.contains("eyJ"));
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn every_bent_database_is_named(drilled: &Drilled) {
    let complete = r#"(SELECT id FROM "order" WHERE status = 'complete' LIMIT 1)"#;
    for (service, sql, name) in [
        (
            "order",
            format!(r#"UPDATE "order" SET quantity = 1000000 WHERE id = {complete}"#),
            "No listing is sold more often than it has tickets",
        ),
        (
            "order",
            format!(r#"UPDATE "order" SET quantity = 1000000 WHERE id = {complete}"#),
            "No listing is sold more often than its seller ever wanted",
        ),
        (
            "order",
            format!(r#"UPDATE "order" SET status = 'created' WHERE id = {complete}"#),
            "Every order has ended",
        ),
        (
            "order",
            "UPDATE listing SET held = held + 1, quantity = quantity + 1".to_owned(),
            "The order service counts what its orders hold and have bought",
        ),
        (
            "order",
            "UPDATE listing SET amount = amount + 1 WHERE id = (SELECT max(id) FROM listing)".to_owned(),
            "The order service knows every listing as the ticket service does",
        ),
        (
            "ticket",
            "INSERT INTO hold (order_id, ticket_id, quantity, status, version)
             SELECT '00000000-0000-7000-8000-000000000000', ticket_id, 1, 'cancelled', 2 FROM hold LIMIT 1"
                .to_owned(),
            "The ticket service knows every order as the order service does",
        ),
        (
            "ticket",
            "UPDATE stock SET sold = sold + 1".to_owned(),
            "The ticket service shows as held and sold what the order service counts",
        ),
        (
            "payment",
            "UPDATE bill SET amount = amount + 1".to_owned(),
            "The payment service knows every order as the order service does",
        ),
        (
            "expiration",
            "UPDATE timer SET state = 'pending', stopped_by = NULL WHERE state = 'stopped'".to_owned(),
            "The expiration service knows every order's deadline and end as the order service does",
        ),
        (
            "expiration",
            "DELETE FROM timer WHERE order_id = (SELECT max(order_id) FROM timer)".to_owned(),
            "The expiration service knows every order's deadline and end as the order service does",
        ),
        (
            "payment",
            "UPDATE payment SET status = 'voided' WHERE id = (SELECT max(id) FROM payment WHERE status = 'captured')"
                .to_owned(),
            "Every complete order was paid exactly once",
        ),
        (
            "order",
            format!(r#"UPDATE "order" SET status = 'cancelled', cancel_reason = 'user' WHERE id = {complete}"#),
            "Nobody was charged without a ticket",
        ),
        (
            "payment",
            "UPDATE payment SET amount = amount + 1 WHERE status = 'captured' AND amount > 0".to_owned(),
            "Whoever paid, paid what the order costs, with the payment that the order names",
        ),
        (
            "payment",
            "UPDATE payment SET status = 'authorized' WHERE id = (SELECT max(id) FROM payment WHERE status = 'captured')"
                .to_owned(),
            "No payment is left open",
        ),
        (
            "payment",
            "UPDATE payment SET trouble = 'bent'".to_owned(),
            "No payment is in trouble",
        ),
        (
            "auth",
            "UPDATE users SET id = 'x' || id".to_owned(),
            "Every buyer and every seller has an account",
        ),
        (
            "order",
            "INSERT INTO outbox (destination, event_id, event_type, body, created_at) VALUES ('events', '', '', '', 0)"
                .to_owned(),
            "Everything that was to be said was said",
        ),
        // What was answered is not so any more.
        (
            "auth",
            "DELETE FROM users".to_owned(),
            "Whoever was let in has an account",
        ),
        (
            "ticket",
            "DELETE FROM listing".to_owned(),
            "Every listing that was listed, changed or shown is there, at that version or a later one",
        ),
        (
            "ticket",
            "UPDATE listing SET amount = amount + 1".to_owned(),
            "A listing that nobody changed since is as it was answered",
        ),
        (
            "order",
            format!(r#"DELETE FROM "order" WHERE id = {complete}"#),
            "Every order that was answered is there, with that buyer, ticket, quantity and total",
        ),
        (
            "payment",
            "DELETE FROM payment WHERE id = (SELECT max(id) FROM payment WHERE status = 'captured')".to_owned(),
            "Every payment that was answered is there, with that order, buyer and amount",
        ),
    ] {
        finds(&drilled.bent(service, &sql), name);
    }
}

fn every_false_answer_is_named(drilled: &Drilled) {
    let all = |lines: &[Line]| looked_at(drilled.data(), lines, &drilled.intents, &Forgiven::default());
    let placed = |answer: &Answer| answer.op.name() == "placeOrder" && answer.status == Some(201);
    let complete = drilled.ids("order", r#"SELECT id FROM "order" WHERE status = 'complete'"#);
    let paid = |answer: &Answer| {
        let of_complete = complete.iter().any(|id| answer.said["orderId"] == **id);
        answer.op.name() == "payOrder" && answer.status == Some(201) && of_complete
    };
    let cancelled = |answer: &Answer| answer.op.name() == "cancelOrder" && answer.status == Some(204);
    let named = "Every order that was answered is there, with that buyer, ticket, quantity and total";
    finds(
        &all(&drilled.misquoted(placed, |answer| answer.said["quantity"] = json!(99))),
        named,
    );
    finds(&all(&drilled.misquoted(placed, |answer| answer.user = None)), named);
    let order = &complete[0];
    for (lines, name) in [
        (
            drilled.misquoted(placed, |answer| answer.said["ticketId"] = json!("another")),
            "Whoever ordered got what they asked for",
        ),
        (
            drilled.misquoted(cancelled, |answer| answer.asked = json!({"id": order})),
            "An order that its buyer was told to be cancelled is cancelled",
        ),
        (
            drilled.misquoted(placed, |answer| answer.status = Some(409)),
            "Whoever was refused an order has none for it",
        ),
        (
            drilled.misquoted(paid, |answer| answer.said["status"] = json!("failed")),
            "A payment that was answered as ended is so",
        ),
        (
            drilled.misquoted(paid, |answer| answer.status = Some(409)),
            "Whoever was refused a payment was not charged for it",
        ),
    ] {
        finds(&all(&lines), name);
    }
    // Answers that a short drill may not have had.
    let as_order = |answer: &mut Answer, said: serde_json::Value| {
        answer.op = serde_json::from_value(json!("getOrder")).unwrap();
        answer.status = Some(200);
        answer.said = said;
    };
    let told = |said: serde_json::Value| drilled.misquoted(paid, |answer| as_order(answer, said.clone()));
    finds(
        &all(&told(
            json!({"id": order, "status": "cancelled", "cancelReason": "user"}),
        )),
        "An order that was answered as complete or as cancelled is so, for that reason",
    );
    finds(
        &all(&told(
            json!({"id": order, "status": "awaiting:payment", "paymentId": "another"}),
        )),
        "An order that was answered as confirmed ended with its payment",
    );
    let on_sale = drilled.ids("ticket", "SELECT id FROM listing WHERE withdrawn_at IS NULL");
    let withdrawn = drilled.misquoted(placed, |answer| {
        answer.op = serde_json::from_value(json!("withdrawTicket")).unwrap();
        answer.status = Some(204);
        answer.asked = json!({"id": on_sale[0]});
        answer.said = json!({});
    });
    finds(
        &all(&withdrawn),
        "A listing that was answered as withdrawn is withdrawn",
    );
    finds(
        &drilled.bent(
            "payment",
            "UPDATE payment SET status = 'voided' WHERE status = 'captured'",
        ),
        "A payment that was authorised was captured for a complete order, or let go",
    );
}

impl Drilled {
    fn ids(&self, service: &str, sql: &str) -> Vec<String> {
        let conn = Connection::open(self.data().join(format!("{service}.db"))).unwrap();
        let mut query = conn.prepare(sql).unwrap();
        let ids = query.query_map([], |row| row.get(0)).unwrap();
        ids.collect::<Result<_, _>>().unwrap()
    }
}

fn money_at_stripe_is_compared(drilled: &Drilled) {
    let all = |intents: &[Intent]| looked_at(drilled.data(), &drilled.lines, intents, &Forgiven::default());
    let (taken, others): (Vec<_>, Vec<_>) = drilled.intents.iter().cloned().partition(|it| it.status == "succeeded");
    assert!(!taken.is_empty());
    finds(&all(&others), "Every captured payment was taken by Stripe");
    let mut dearer = taken.clone();
    dearer[0].received += 1;
    finds(
        &all(&dearer),
        "Stripe took money for captured payments only, and as much as they say",
    );
    let mut twice = taken.clone();
    twice.push(Intent {
        id: "pi_again".to_owned(),
        ..taken[0].clone()
    });
    finds(
        &all(&twice),
        "Stripe took money for complete orders only, and once for each",
    );
    let mut held = taken;
    "requires_capture".clone_into(&mut held[0].status);
    finds(&all(&held), "Nobody's money is still set aside");
}

fn what_may_be_lost_is_counted_apart(drilled: &Drilled) {
    let lost = |answer: &Answer| answer.op.name() == "placeOrder" && answer.status == Some(201);
    let lines = drilled.misquoted(lost, |answer| answer.said["id"] = json!("lost"));
    let at = record::answers(&lines)
        .find(|answer| answer.said["id"] == "lost")
        .unwrap()
        .at;
    let forgive = |service: &str, from, until| Forgiven {
        services: vec![service.to_owned()],
        from: Some(from),
        until: Some(until),
    };
    let judged = |forgiven| looked_at(drilled.data(), &lines, &drilled.intents, &forgiven);
    let forgiven = judged(forgive("order", at - 500, at));
    assert_eq!(
        (forgiven.findings.as_slice(), forgiven.lost, forgiven.lost_over),
        (&[][..], 1, 0)
    );
    assert!(forgiven.lines().contains(&"lost 1 answers, 0 ms".to_owned()));
    assert!(!judged(forgive("order", at + 1, at + 500)).is_clean());
    assert!(!judged(forgive("payment", at - 500, at)).is_clean());
}
