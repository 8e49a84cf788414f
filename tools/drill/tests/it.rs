//! Runs a load on a stack with everything real around it, and then violates each check once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use drill::{
    SERVICES,
    checks::{self, AllowedLoss, CheckReport, DatabasePaths, NotificationChecks, StripeIntent, payment_intents},
    load::{LoadPlan, ORDER_WINDOW_SECONDS, load},
    recording::{self, RecordLine, RecordedResponse},
    settle::settle,
    statistics::{self, ResponseStats},
};
use rusqlite::Connection;
use serde_json::json;
use stack::{Settings, Stack};
use testkit::amqp_url;
use tokio_util::sync::CancellationToken;

fn settings(data: PathBuf) -> Settings {
    Settings {
        order: order::Settings {
            sale: order::SaleLimits::UNREACHED,
            ..order::Settings::default()
        },
        ..Settings::with_free_ports(data, amqp_url())
    }
}

/// The result of a load: databases, the record, and the payment intents of Stripe.
struct DrillRun {
    folder: tempfile::TempDir,
    lines: Vec<RecordLine>,
    intents: Vec<StripeIntent>,
}

impl DrillRun {
    /// Runs 600 actions.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let stack = Stack::start(settings(data), |_| {}).await.unwrap();
        let (url, record) = (stack.url(), folder.path().join("record.jsonl"));
        let plan = LoadPlan {
            endpoints: url.clone().into(),
            record: record.clone(),
            seed: None,
            rate: 40,
            duration: Some(Duration::from_mins(2)),
            arrivals: Some(600),
            stop_file: None,
            sellers: 2,
            buyers: 5,
            retries: 1,
            max_concurrent: 32,
            order_window_seconds: ORDER_WINDOW_SECONDS,
            steady: CancellationToken::new(),
        };
        let summary = load(&plan, CancellationToken::new()).await.unwrap();
        assert_eq!(summary.started, 600);
        let open = settle(&url.into(), &record, None, Duration::from_mins(1))
            .await
            .unwrap();
        assert_eq!(open, Vec::<String>::new());
        let lines = recording::read(&record).unwrap();
        let (data, stripe) = (folder.path().join("data"), stack.stripe_simulator().unwrap().1);
        // While the services run: the last events may still be in transit, also to Stripe.
        let replicated = testkit::eventually("all replicas are equal", || async {
            let intents = payment_intents(stripe, "sk_test_ticketing").await.unwrap();
            let report = run_checks(data.clone(), &lines, &intents, &AllowedLoss::default());
            report.is_clean().then_some(intents)
        });
        let intents = replicated.await;
        let run = Self { folder, lines, intents };
        let namespace = stack.namespace.clone();
        stack.stop().await;
        stack::delete_namespace(&amqp_url(), &namespace).await.unwrap();
        run
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn report(&self) -> CheckReport {
        run_checks(self.data(), &self.lines, &self.intents, &AllowedLoss::default())
    }

    /// Runs the checks on a copy in which one database is changed.
    fn report_after(&self, service: &str, sql: &str) -> CheckReport {
        let copy = tempfile::tempdir().unwrap();
        copy_databases(&self.data(), copy.path());
        let conn = Connection::open(copy.path().join(format!("{service}.db"))).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .unwrap();
        let changed = conn.execute(sql, []).unwrap();
        assert!(changed > 0, "nothing changed: {sql}");
        drop(conn);
        run_checks(
            copy.path().to_owned(),
            &self.lines,
            &self.intents,
            &AllowedLoss::default(),
        )
    }

    /// Returns the record with the first matching response changed.
    fn record_with(
        &self,
        matches: impl Fn(&RecordedResponse) -> bool,
        change: impl Fn(&mut RecordedResponse),
    ) -> Vec<RecordLine> {
        let mut lines = self.lines.clone();
        let recorded = lines.iter_mut().find_map(|line| match line {
            RecordLine::Response(recorded) if matches(recorded) => Some(recorded),
            _ => None,
        });
        change(recorded.unwrap());
        lines
    }
}

fn run_checks(
    data: PathBuf,
    lines: &[RecordLine],
    intents: &[StripeIntent],
    allowed_loss: &AllowedLoss,
) -> CheckReport {
    let paths = DatabasePaths {
        data: Some(data),
        others: Vec::new(),
    };
    checks::run(&paths, lines, Some(intents), allowed_loss, NotificationChecks::Run).unwrap()
}

fn copy_databases(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".db") {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[track_caller]
fn assert_violated(report: &CheckReport, name: &str) {
    let names: Vec<_> = report.violations.iter().map(|violation| violation.name).collect();
    assert!(names.contains(&name), "{name} is not among {names:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_violates_no_check_and_every_check_finds_its_violation() {
    let drill_run = DrillRun::new().await;
    the_record_is_complete_and_without_secrets(&drill_run);
    let report = drill_run.report();
    assert_eq!(report.violations, []);
    assert_eq!(report.responses, recording::responses(&drill_run.lines).count());
    every_state_check_finds_its_violation(&drill_run);
    every_notification_check_finds_its_violation(&drill_run);
    every_outbox_is_read(&drill_run);
    every_response_check_finds_its_violation(&drill_run);
    every_check_of_check_ins_finds_its_violation(&drill_run);
    every_stripe_check_finds_its_violation(&drill_run);
    allowed_losses_are_counted_separately(&drill_run);
}

fn the_record_is_complete_and_without_secrets(drill_run: &DrillRun) {
    let responses: Vec<_> = recording::responses(&drill_run.lines).collect();
    assert_eq!(statistics::failures(&responses), Vec::<String>::new());
    assert_eq!(ResponseStats::of(responses.iter().copied()).failed, 0);
    let statuses = |name: &str| {
        let of_operation = responses.iter().filter(|recorded| recorded.operation.name() == name);
        of_operation.filter_map(|recorded| recorded.status).collect::<Vec<_>>()
    };
    for (name, status) in [
        ("placeOrder", 201),
        ("payOrder", 201),
        ("payOrder", 402),
        ("cancelOrder", 204),
        ("checkIn", 200),
    ] {
        assert!(statuses(name).contains(&status), "no {name} has status {status}");
    }
    assert!(statistics::table(&drill_run.lines).contains("placeOrder"));
    let seed = fs::read_to_string(drill_run.folder.path().join("record.jsonl.seed")).unwrap();
    let text = fs::read_to_string(drill_run.folder.path().join("record.jsonl")).unwrap();
    let secrets = [seed.trim(), "accessToken", "eyJ", "\"T1:", "\"qr\""];
    assert_eq!(secrets.iter().find(|secret| text.contains(**secret)), None);
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn every_state_check_finds_its_violation(drill_run: &DrillRun) {
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
            "No listing is sold more often than its seller ever offered",
        ),
        (
            "order",
            format!(r#"UPDATE "order" SET status = 'created' WHERE id = {complete}"#),
            "Every order has ended",
        ),
        (
            "order",
            "UPDATE listing SET held = held + 1, quantity = quantity + 1".to_owned(),
            "The held and sold counts of the order service match its orders",
        ),
        (
            "order",
            "UPDATE listing SET amount = amount + 1 WHERE id = (SELECT max(id) FROM listing)".to_owned(),
            "The listings of the order service equal those of the ticket service",
        ),
        (
            "ticket",
            "INSERT INTO hold (order_id, ticket_id, quantity, status, version)
             SELECT '00000000-0000-7000-8000-000000000000', ticket_id, 1, 'cancelled', 2 FROM hold LIMIT 1"
                .to_owned(),
            "The orders of the ticket service equal those of the order service",
        ),
        (
            "ticket",
            "UPDATE stock SET sold = sold + 1".to_owned(),
            "The held and sold counts of the ticket service equal those of the order service",
        ),
        (
            "payment",
            "UPDATE bill SET amount = amount + 1".to_owned(),
            "The orders of the payment service equal those of the order service",
        ),
        (
            "expiration",
            "UPDATE timer SET state = 'pending', stopped_by = NULL WHERE state = 'stopped'".to_owned(),
            "The deadlines and ends of orders in the expiration service equal those of the order service",
        ),
        (
            "expiration",
            "DELETE FROM timer WHERE order_id = (SELECT max(order_id) FROM timer)".to_owned(),
            "The deadlines and ends of orders in the expiration service equal those of the order service",
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
            "Every captured payment belongs to a complete order",
        ),
        (
            "payment",
            "UPDATE payment SET amount = amount + 1 WHERE status = 'captured' AND amount > 0".to_owned(),
            "Every captured payment has the amount, currency and id of its order",
        ),
        (
            "payment",
            "UPDATE payment SET status = 'authorized' WHERE id = (SELECT max(id) FROM payment WHERE status = 'captured')"
                .to_owned(),
            "No payment is left open",
        ),
        (
            "payment",
            "UPDATE payment SET trouble = 'changed'".to_owned(),
            "No payment is in trouble",
        ),
        (
            "auth",
            "UPDATE users SET id = 'x' || id".to_owned(),
            "Every buyer and every seller has an account",
        ),
        (
            "ticket",
            "DELETE FROM admission WHERE row = (SELECT max(row) FROM admission)".to_owned(),
            "Every ticket of a complete order has an admission, no other has one, and those refunded are void",
        ),
        (
            "ticket",
            "UPDATE admission SET void_reason = 'refund' WHERE row = (SELECT max(row) FROM admission WHERE void_reason IS NULL)"
                .to_owned(),
            "Every ticket of a complete order has an admission, no other has one, and those refunded are void",
        ),
        (
            "ticket",
            "UPDATE admission SET used_at = issued_at - 1".to_owned(),
            "Every ticket that was used was sold, and its order was complete by then",
        ),
        (
            "order",
            r#"UPDATE "order" SET status = 'cancelled', cancel_reason = 'user' WHERE status = 'complete'"#.to_owned(),
            "Every ticket that was used was sold, and its order was complete by then",
        ),
        (
            "order",
            r#"UPDATE "order" SET updated_at = updated_at + 600000, refunded_quantity = 0, refunded_amount = 0"#.to_owned(),
            "Every ticket that was used was sold, and its order was complete by then",
        ),
        (
            "ticket",
            "UPDATE admission SET void_reason = 'refund' WHERE change = 'used'".to_owned(),
            "No void ticket was used",
        ),
        // The state contradicts recorded responses.
        (
            "auth",
            "DELETE FROM users".to_owned(),
            "Every signed-in user has an account",
        ),
        (
            "ticket",
            "DELETE FROM listing".to_owned(),
            "Every listing in a response exists, at that version or a later one",
        ),
        (
            "ticket",
            "UPDATE listing SET amount = amount + 1".to_owned(),
            "A listing of an unchanged version equals the response",
        ),
        (
            "order",
            format!(r#"DELETE FROM "order" WHERE id = {complete}"#),
            "Every order in a response exists, with its buyer, ticket, quantity and total",
        ),
        (
            "payment",
            "DELETE FROM payment WHERE id = (SELECT max(id) FROM payment WHERE status = 'captured')".to_owned(),
            "Every payment in a response exists, with its order, buyer and amount",
        ),
    ] {
        assert_violated(&drill_run.report_after(service, &sql), name);
    }
}

fn every_notification_check_finds_its_violation(drill_run: &DrillRun) {
    for (sql, name) in [
        (
            "UPDATE account SET version = version + 1",
            "The accounts of the notification service equal those of the auth service",
        ),
        (
            "UPDATE listing SET title = title || '!'",
            "The listings of the notification service equal those of the ticket service",
        ),
        (
            "DELETE FROM sale WHERE order_id = (SELECT max(order_id) FROM sale)",
            "The orders of the notification service equal those of the order service that have ended",
        ),
        (
            "UPDATE admission SET version = version + 1 WHERE id = (SELECT max(id) FROM admission)",
            "The admissions of the notification service equal those of the ticket service",
        ),
        (
            "DELETE FROM admission WHERE id = (SELECT max(id) FROM admission)",
            "The admissions of the notification service equal those of the ticket service",
        ),
        (
            "DELETE FROM mail WHERE id = (SELECT max(id) FROM mail WHERE kind = 'order-confirmed')",
            "Every state that causes a mail has caused one, to its account",
        ),
        (
            "UPDATE mail SET account_id = (SELECT max(id) FROM account WHERE id <> account_id) WHERE kind = 'order-expired'",
            "Every state that causes a mail has caused one, to its account",
        ),
        (
            "INSERT INTO mail (id, key, kind, state, account_id, order_id, details, caused_at, created_at, give_up_at, attempts)
             SELECT '00000000-0000-7000-8000-000000000000', 'again', kind, 'sent', account_id, order_id, '{}', 0, 0, 0, 1
             FROM mail WHERE kind = 'order-confirmed' LIMIT 1",
            "Every mail about an order has its own cause",
        ),
        (
            "UPDATE mail SET kind = 'listing-withdrawn' WHERE id = (SELECT max(id) FROM mail WHERE kind = 'order-confirmed')",
            "Every mail about a withdrawal is to a buyer of the listing",
        ),
        (
            "DELETE FROM mail WHERE id = (SELECT max(id) FROM mail WHERE kind = 'confirm-email')",
            "Every link of the auth service was mailed once",
        ),
        (
            "UPDATE mail SET state = 'sending' WHERE id = (SELECT max(id) FROM mail)",
            "No mail is left unsent",
        ),
        (
            "UPDATE mail SET state = 'queued', due_at = created_at, attempts = 0 WHERE id = (SELECT max(id) FROM mail)",
            "No mail is left unsent",
        ),
        (
            "UPDATE mail SET state = 'superseded' WHERE kind = 'order-confirmed'",
            "No mail is superseded that its recipient needs",
        ),
        (
            "UPDATE listing SET notified_up_to = ''",
            "The mails about every withdrawal are requested",
        ),
    ] {
        assert_violated(&drill_run.report_after("notification", sql), name);
    }
}

fn every_outbox_is_read(drill_run: &DrillRun) {
    let sql =
        "INSERT INTO outbox (destination, event_id, event_type, body, created_at) VALUES ('events', '', '', '', 0)";
    for service in SERVICES {
        let report = drill_run.report_after(service, sql);
        assert_violated(&report, "Every event was published");
        let rows = report.violations.iter().flat_map(|violation| &violation.rows);
        let row = format!("1 messages wait in the outbox of {service}");
        assert_eq!(rows.collect::<Vec<_>>(), [&row]);
    }
}

fn every_response_check_finds_its_violation(drill_run: &DrillRun) {
    let all = |lines: &[RecordLine]| run_checks(drill_run.data(), lines, &drill_run.intents, &AllowedLoss::default());
    let placed =
        |recorded: &RecordedResponse| recorded.operation.name() == "placeOrder" && recorded.status == Some(201);
    let complete = drill_run.ids("order", r#"SELECT id FROM "order" WHERE status = 'complete'"#);
    let paid = |recorded: &RecordedResponse| {
        let of_complete = complete.iter().any(|id| recorded.response["orderId"] == **id);
        recorded.operation.name() == "payOrder" && recorded.status == Some(201) && of_complete
    };
    let cancelled =
        |recorded: &RecordedResponse| recorded.operation.name() == "cancelOrder" && recorded.status == Some(204);
    let named = "Every order in a response exists, with its buyer, ticket, quantity and total";
    assert_violated(
        &all(&drill_run.record_with(placed, |recorded| recorded.response["quantity"] = json!(99))),
        named,
    );
    assert_violated(
        &all(&drill_run.record_with(placed, |recorded| recorded.user_id = None)),
        named,
    );
    let order = &complete[0];
    for (lines, name) in [
        (
            drill_run.record_with(placed, |recorded| recorded.response["ticketId"] = json!("another")),
            "A new order has the requested ticket and quantity",
        ),
        (
            drill_run.record_with(cancelled, |recorded| recorded.request = json!({"id": order})),
            "An order that its buyer cancelled is cancelled",
        ),
        (
            drill_run.record_with(placed, |recorded| recorded.status = Some(409)),
            "A refused order request created no order",
        ),
        (
            drill_run.record_with(paid, |recorded| recorded.response["status"] = json!("failed")),
            "A payment that had ended keeps its status",
        ),
        (
            drill_run.record_with(paid, |recorded| recorded.status = Some(409)),
            "A refused payment request charged nothing",
        ),
    ] {
        assert_violated(&all(&lines), name);
    }
    // Responses that a short load may not have.
    let as_order = |recorded: &mut RecordedResponse, response: serde_json::Value| {
        recorded.operation = serde_json::from_value(json!("getOrder")).unwrap();
        recorded.status = Some(200);
        recorded.response = response;
    };
    let as_get_order =
        |response: serde_json::Value| drill_run.record_with(paid, |recorded| as_order(recorded, response.clone()));
    assert_violated(
        &all(&as_get_order(
            json!({"id": order, "status": "cancelled", "cancelReason": "user"}),
        )),
        "An order that was complete or cancelled stays so, for the same reason",
    );
    assert_violated(
        &all(&as_get_order(
            json!({"id": order, "status": "awaiting:payment", "paymentId": "another"}),
        )),
        "An order that was confirmed ended with its payment",
    );
    let on_sale = drill_run.ids("ticket", "SELECT id FROM listing WHERE withdrawn_at IS NULL");
    let withdrawn = drill_run.record_with(placed, |recorded| {
        recorded.operation = serde_json::from_value(json!("withdrawTicket")).unwrap();
        recorded.status = Some(204);
        recorded.request = json!({"id": on_sale[0]});
        recorded.response = json!({});
    });
    assert_violated(&all(&withdrawn), "A listing that was withdrawn stays withdrawn");
    assert_violated(
        &drill_run.report_after(
            "payment",
            "UPDATE payment SET status = 'voided' WHERE status = 'captured'",
        ),
        "An authorised payment was captured for a complete order, or voided",
    );
}

fn every_check_of_check_ins_finds_its_violation(drill_run: &DrillRun) {
    let all = |lines: &[RecordLine]| run_checks(drill_run.data(), lines, &drill_run.intents, &AllowedLoss::default());
    let checked_in =
        |recorded: &RecordedResponse| recorded.operation.name() == "checkIn" && recorded.status == Some(200);
    let mut twice = drill_run.lines.clone();
    let first = recording::responses(&drill_run.lines).find(|recorded| checked_in(recorded));
    twice.push(RecordLine::Response(Box::new(first.unwrap().clone())));
    let unused = drill_run.ids("ticket", "SELECT id FROM admission WHERE used_at IS NULL");
    for (lines, name) in [
        (twice, "Nobody is admitted twice with one ticket"),
        (
            drill_run.record_with(checked_in, |recorded| {
                recorded.response["usedAt"] = json!("2026-01-01T00:00:00.000Z");
            }),
            "Every check-in in a response is stored, for the requested ticket",
        ),
        (
            drill_run.record_with(checked_in, |recorded| {
                recorded.response["admissionId"] = json!(unused[0]);
            }),
            "Every check-in in a response is stored, for the requested ticket",
        ),
        (
            drill_run.record_with(checked_in, |recorded| recorded.status = Some(409)),
            "A refused check-in used no ticket",
        ),
        (
            drill_run.record_with(checked_in, |recorded| {
                recorded.status = Some(409);
                recorded.request["admissionId"] = json!(unused[0]);
                recorded.response = json!({"code": "already-admitted"});
            }),
            "A ticket that was refused because it was used is used",
        ),
    ] {
        assert_violated(&all(&lines), name);
    }
}

impl DrillRun {
    fn ids(&self, service: &str, sql: &str) -> Vec<String> {
        let conn = Connection::open(self.data().join(format!("{service}.db"))).unwrap();
        let mut query = conn.prepare(sql).unwrap();
        let ids = query.query_map([], |row| row.get(0)).unwrap();
        ids.collect::<Result<_, _>>().unwrap()
    }
}

fn every_stripe_check_finds_its_violation(drill_run: &DrillRun) {
    let all =
        |intents: &[StripeIntent]| run_checks(drill_run.data(), &drill_run.lines, intents, &AllowedLoss::default());
    let (captured, others): (Vec<_>, Vec<_>) = drill_run
        .intents
        .iter()
        .cloned()
        .partition(|it| it.status == "succeeded");
    assert!(!captured.is_empty());
    assert_violated(&all(&others), "Every captured payment was captured by Stripe");
    let mut overcharged = captured.clone();
    overcharged[0].received_amount += 1;
    assert_violated(
        &all(&overcharged),
        "Stripe captured the amounts of captured payments, and no others",
    );
    let mut twice = captured.clone();
    twice.push(StripeIntent {
        id: "pi_again".to_owned(),
        ..captured[0].clone()
    });
    assert_violated(
        &all(&twice),
        "Stripe captured one payment for each paid order, and for complete orders only",
    );
    let mut held = captured;
    "requires_capture".clone_into(&mut held[0].status);
    assert_violated(&all(&held), "No authorisation is left open");
}

fn allowed_losses_are_counted_separately(drill_run: &DrillRun) {
    let lost = |recorded: &RecordedResponse| recorded.operation.name() == "placeOrder" && recorded.status == Some(201);
    let lines = drill_run.record_with(lost, |recorded| recorded.response["id"] = json!("lost"));
    let at = recording::responses(&lines)
        .find(|recorded| recorded.response["id"] == "lost")
        .unwrap()
        .at;
    let allow_loss = |service: &str, from, until| AllowedLoss {
        services: vec![service.to_owned()],
        from: Some(from),
        until: Some(until),
    };
    let report_with = |allowed: AllowedLoss| run_checks(drill_run.data(), &lines, &drill_run.intents, &allowed);
    let report = report_with(allow_loss("order", at - 500, at));
    assert_eq!(
        (report.violations.as_slice(), report.lost, report.lost_range_ms),
        (&[][..], 1, 0)
    );
    assert!(report.lines().contains(&"1 responses lost, within 0 ms".to_owned()));
    assert!(!report_with(allow_loss("order", at + 1, at + 500)).is_clean());
    assert!(!report_with(allow_loss("payment", at - 500, at)).is_clean());
}
