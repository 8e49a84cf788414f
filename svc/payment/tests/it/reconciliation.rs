//! `ticketing-payment reconcile`: finds every difference between the service and Stripe.

use chassis::{OperatorError, Service};
use db::Db;
use payment::{Command as OperatorCommand, Payments};
use poem::http::Method;
use rusqlite::Connection;
use testkit::eventually;
use tokio::process::Command;

use crate::test_app::{CANCEL, CAPTURE, CREATE, KEY, TestApp, pay};

/// Runs the command; returns its report, and whether it found no difference.
pub(crate) async fn reconcile(app: &TestApp, more: &[&str]) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_ticketing-payment"))
        .env_clear()
        .arg("--database")
        .arg(app.env.database::<Payments>())
        .args(["reconcile", "--since", "1h", "--stripe-url", app.stripe_url()])
        .args(["--stripe-secret-key", KEY])
        .args(more)
        .output()
        .await
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(!report.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (report, output.status.success())
}

/// Runs the command with `--adopt` in this process, so that the plans of its statements are verified. Fails if it finds a
/// difference.
pub(crate) async fn adopt_in_this_process(app: &TestApp) -> Result<String, OperatorError> {
    let db = Db::open(&app.env.database::<Payments>(), &Payments::SCHEMA).unwrap();
    let command = OperatorCommand::Reconcile {
        since: "1h".parse().unwrap(),
        adopt: true,
        stripe: Box::new(app.settings()),
    };
    let outcome = Payments::command(command, db.clone(), app.env.clock.clone()).await;
    db.close().await;
    outcome
}

/// Returns the id of the oldest intent at Stripe.
async fn first_intent(app: &TestApp) -> String {
    let intents = app.sim.payment_intents().await.unwrap();
    intents[0]["id"].as_str().unwrap().to_owned()
}

/// Waits until a payment needs an operator.
async fn wait_for_trouble(app: &TestApp) {
    let conn = Connection::open(app.env.database::<Payments>()).unwrap();
    eventually("a payment needs an operator", || async {
        let sql = "SELECT count(*) FROM payment WHERE trouble IS NOT NULL";
        let payments: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        (payments == 1).then_some(())
    })
    .await;
}

/// Sends a request to Stripe, as its dashboard does.
async fn post(app: &TestApp, path: &str, form: String) {
    let _ = app.stripe().send(Method::POST, path, Some(form)).await.expect(200);
}

fn sql(app: &TestApp, sql: &str) {
    let conn = Connection::open(app.env.database::<Payments>()).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), 1, "{sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_without_incidents_have_no_difference() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let _ = pay(&app.client(&buyer), order.id, "tok_chargeDeclined")
        .await
        .expect(402);
    let payment = app.authorize(&buyer, &order).await;
    app.confirm_order(&mut order, payment).await;
    app.wait_for_status(&buyer, payment, "captured").await;
    let mut ended = app.create_order(&buyer).await;
    let voided = app.authorize(&buyer, &ended).await;
    app.cancel_order(&mut ended, events::CancelReason::User).await;
    app.wait_for_status(&buyer, voided, "voided").await;
    let open = app.create_order(&buyer).await;
    app.start_in_browser(&buyer, &open).await;
    // Another user of the account.
    let (other, form) = (app.stripe(), "amount=100&currency=usd".to_owned());
    let _ = other.send(Method::POST, CREATE, Some(form)).await.expect(200);

    let (report, same) = reconcile(&app, &[]).await;
    assert!(same && report.contains("no difference"), "{report}");
    assert!(
        report.contains("4 payments here, 4 at Stripe; 1 still open, 0 adopted, 1 of Stripe's are not ours"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwanted_capture_is_settled_once_an_operator_has_refunded_it() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let intent = first_intent(&app).await;
    post(&app, &CAPTURE.replace('*', &intent), String::new()).await;
    app.cancel_order(&mut order, events::CancelReason::User).await;
    wait_for_trouble(&app).await;
    let (report, same) = reconcile(&app, &[]).await;
    assert!(!same && report.contains("needs an operator"), "{report}");

    // As in docs/alerts.md.
    post(&app, "/v1/refunds", format!("payment_intent={intent}")).await;
    app.stop().await;
    sql(&app, "UPDATE payment SET trouble = NULL");
    app.start().await;
    app.wait_for_status(&buyer, payment, "voided").await;
    let (report, same) = reconcile(&app, &[]).await;
    assert!(same, "{report}");
    app.check_invariants();

    // The bank rejects the refund later: the platform has the money again.
    let refund = app.refunds_at_stripe().await[0]["id"].as_str().unwrap().to_owned();
    app.sim.end_refund(&refund, false).await.unwrap();
    let event = app.latest_stripe_event("refund.failed").await;
    let _ = app.send_webhook(&event).await.expect(204);
    wait_for_trouble(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_stripe_holds_for_a_failed_payment_is_released_on_an_operators_behalf() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let intent = first_intent(&app).await;
    // Its look-up found nothing.
    let lost = "status = 'failed', failure_kind = 'lost', failure_code = 'not_reached', failure_message = 'Try again.'";
    sql(&app, &format!("UPDATE payment SET intent_id = 'pi_elsewhere', {lost}"));
    let (report, same) = reconcile(&app, &["--adopt"]).await;
    assert!(
        !same && report.contains("its payment has the intent pi_elsewhere"),
        "{report}"
    );
    sql(&app, "UPDATE payment SET intent_id = NULL");
    let (report, _) = reconcile(&app, &["--adopt"]).await;
    assert!(report.contains("1 payments here, 1 at Stripe"), "{report}");
    // Again, which changes nothing.
    let _ = adopt_in_this_process(&app).await;
    eventually("the authorisation is released", || async {
        (app.money().await == (0, 0)).then_some(())
    })
    .await;
    app.wait_for_status(&buyer, payment, "failed").await;
    let (report, same) = reconcile(&app, &["--adopt"]).await;
    assert!(same, "{report}");
    assert_eq!(app.executed_posts(CANCEL).await, 1);
    app.check_invariants();

    // The same with a capture, which only an operator can refund.
    let order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let intents = app.sim.payment_intents().await.unwrap();
    let captured = intents.iter().find(|held| held["id"] != intent.as_str()).unwrap();
    let captured = captured["id"].as_str().unwrap();
    post(&app, &CAPTURE.replace('*', captured), String::new()).await;
    sql(&app, &format!("UPDATE payment SET {lost} WHERE id = '{payment}'"));
    let (report, same) = reconcile(&app, &["--adopt"]).await;
    assert!(!same && report.contains("the captured amount is 0 here"), "{report}");
    wait_for_trouble(&app).await;
    post(&app, "/v1/refunds", format!("payment_intent={captured}")).await;
    app.stop().await;
    sql(&app, "UPDATE payment SET trouble = NULL WHERE trouble IS NOT NULL");
    app.start().await;
    let (report, same) = reconcile(&app, &["--adopt"]).await;
    assert!(same, "{report}");
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_manipulation_is_found() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let intents = app.sim.payment_intents().await.unwrap();
    let intent = intents[0]["id"].as_str().unwrap();
    let is_found = async |what: &str| {
        let (report, same) = reconcile(&app, &[]).await;
        assert!(!same && report.contains(what), "{what}: {report}");
        assert!(report.contains(&payment.to_string()), "{report}");
    };
    let (all, _) = reconcile(&app, &[]).await;
    assert!(all.contains("no difference"), "{all}");

    for (change, revert, what) in [
        (
            "amount = 1998",
            "amount = 1999",
            "the amount is 1998 usd here, 1999 usd at Stripe",
        ),
        ("currency = 'eur'", "currency = 'usd'", "the amount is 1999 eur here"),
        (
            "status = 'voided'",
            "status = 'authorized'",
            "the status is Voided here, RequiresCapture at Stripe",
        ),
        ("trouble = 'odd'", "trouble = NULL", "needs an operator: odd"),
    ] {
        sql(&app, &format!("UPDATE payment SET {change}"));
        is_found(what).await;
        sql(&app, &format!("UPDATE payment SET {revert}"));
    }
    sql(&app, "UPDATE payment SET intent_id = 'pi_elsewhere'");
    is_found("not known at Stripe").await;
    is_found("not known here").await;
    sql(&app, &format!("UPDATE payment SET intent_id = '{intent}'"));

    let change = async |path: &str, form: &str| {
        let _ = app
            .stripe()
            .send(Method::POST, path, Some(form.to_owned()))
            .await
            .expect(200);
    };
    let at = format!("/v1/payment_intents/{intent}");
    change(&at, "metadata[order_id]=another").await;
    is_found("the order is").await;
    change(&at, &format!("metadata[order_id]={}", order.id)).await;
    // A capture and a partial refund in Stripe's dashboard.
    change(&CAPTURE.replace('*', intent), "").await;
    is_found("the captured amount is 0 here, 1999 at Stripe").await;
    change("/v1/refunds", &format!("payment_intent={intent}&amount=5")).await;
    is_found("the refunded amount is 0 here, 5 at Stripe").await;

    sql(&app, "DELETE FROM payment");
    is_found("not known here").await;
}
