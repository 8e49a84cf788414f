//! A restored database: missing payments are restored from Stripe.

use events::{CancelReason, Event};
use payment::Payments;

use chassis::Service;
use rusqlite::Connection;

use crate::{
    reconciliation::{adopt_in_this_process, reconcile},
    test_app::{CREATE, TestApp},
};

#[tokio::test(flavor = "multi_thread")]
async fn payments_missing_in_a_backup_are_restored_and_follow_their_orders() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let mut before = app.create_order(&buyer).await;
    let known = app.authorize(&buyer, &before).await;
    let database = app.env.database::<Payments>();
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();

    // After the backup: one payment continues, and four start.
    app.confirm_order(&mut before, known).await;
    app.wait_for_status(&buyer, known, "captured").await;
    app.complete_order(&mut before).await;
    let mut complete = app.create_order(&buyer).await;
    let taken = app.authorize(&buyer, &complete).await;
    app.confirm_order(&mut complete, taken).await;
    app.wait_for_status(&buyer, taken, "captured").await;
    app.complete_order(&mut complete).await;
    let mut confirmed = app.create_order(&buyer).await;
    let aside = app.authorize(&buyer, &confirmed).await;
    let mut ended = app.create_order(&buyer).await;
    let late = app.authorize(&buyer, &ended).await;
    let open = app.create_order(&buyer).await;
    let waiting = app.start_in_browser(&buyer, &open).await;
    app.stop().await;
    app.confirm_order(&mut confirmed, aside).await;
    app.cancel_order(&mut ended, CancelReason::Expired).await;
    db::admin::restore(&backup, &database, &Payments::SCHEMA, true).unwrap();

    app.start().await;
    for (payment, status) in [
        (known, "captured"),
        (taken, "captured"),
        (aside, "captured"),
        (late, "voided"),
    ] {
        app.wait_for_restored(&buyer, payment, status).await;
    }
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentCreated(published) if published.id == aside))
        .await;
    let found = app
        .wait_for_restored(&buyer, waiting.payment, "requires-payment-method")
        .await;
    assert_eq!(found["clientSecret"], waiting.secret);
    let _ = app.enter_card(&waiting, "pm_card_visa").await.expect(200);
    app.wait_for_status(&buyer, waiting.payment, "authorized").await;
    assert_eq!(
        (app.executed_posts(CREATE).await, app.money().await),
        (5, (3 * 1999, 1999))
    );
    app.check_invariants();
    let (report, same) = reconcile(&app, &[]).await;
    assert!(same, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_restore_a_lost_payment() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let lost = rusqlite::Connection::open(app.env.database::<Payments>()).unwrap();
    assert_eq!(lost.execute("DELETE FROM payment", []).unwrap(), 1);
    // The service never deletes payments, so the count has to be corrected by hand.
    lost.execute("UPDATE tally SET payments = 0", []).unwrap();
    drop(lost);
    app.confirm_order(&mut order, payment).await;
    let (report, same) = reconcile(&app, &[]).await;
    assert!(!same && report.contains("not known here"), "{report}");

    let report = adopt_in_this_process(&app).await.unwrap();
    assert!(report.contains("1 adopted"), "{report}");
    app.wait_for_restored(&buyer, payment, "captured").await;
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (1999, 0)));
    let (report, same) = reconcile(&app, &[]).await;
    assert!(same, "{report}");
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_live_payments_after_a_restore_the_confirmed_one_is_kept() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let first = app.pay_with_authentication(&buyer, &order).await;
    let database = app.env.database::<Payments>();
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();
    // Another card supersedes it; the backup contains only the superseded payment.
    let second = app.authorize(&buyer, &order).await;
    app.wait_for_status(&buyer, first.payment, "voided").await;
    app.stop().await;
    app.confirm_order(&mut order, second).await;
    db::admin::restore(&backup, &database, &Payments::SCHEMA, true).unwrap();
    app.start().await;
    app.wait_for_restored(&buyer, second, "captured").await;
    assert_eq!(app.money().await, (1999, 0));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_restarts_before_all_is_republished_serves_without_a_broker_and_opens_no_gap_again() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    app.stop().await;
    let database = app.env.database::<Payments>();
    let db = db::Db::open(&database, &Payments::SCHEMA).unwrap();
    db.write(db::restored::mark).await.unwrap();
    db.write(|tx| db::restored::recover_from(tx, Some(1))).await.unwrap();
    let gap = |conn: &Connection| {
        let open = "SELECT EXISTS (SELECT 1 FROM amnesia)";
        Ok::<_, db::Error>(conn.query_row(open, [], |row| row.get::<_, bool>(0))?)
    };
    db.close().await;

    // Without a broker, no job runs before the journal is applied: the gap stays as the start has left it.
    let running = app.start_without_broker().await;
    let path = format!("/api/v1/payments/{payment}");
    let _ = buyer.client(&running).get(&path).await.expect(503);
    running.stop().await;
    let db = db::Db::open(&database, &Payments::SCHEMA).unwrap();
    assert!(db.read(gap).await.unwrap());
    db.write(|tx| Ok::<_, db::Error>(tx.execute("DELETE FROM amnesia", [])?))
        .await
        .unwrap();
    db.write(db::restored::record_applied_journal).await.unwrap();
    db.close().await;

    let running = app.start_without_broker().await;
    let db = Connection::open(&database).unwrap();
    assert!(!gap(&db).unwrap());
    let _ = buyer.client(&running).get(&path).await.expect(200);
    running.stop().await;
    assert!(!gap(&db).unwrap());
}
