//! The audit log of the service.

use payment::Payments;
use rusqlite::Connection;

use crate::{
    reconciliation::reconcile,
    test_app::{TestApp, pay},
};

#[tokio::test(flavor = "multi_thread")]
async fn payments_and_refunds_are_recorded_and_so_are_users_who_pay_what_is_anothers() {
    let mut app = TestApp::new().await;
    let (buyer, other) = (app.buyer(), app.buyer());
    let (order, payment) = app.complete_sale(&buyer, "tok_visa").await;
    let refund = app.refund(&order, payment, 500).await;
    app.wait_for_refund(refund).await;
    let unpaid = app.create_order(&buyer).await;
    let client = app.client(&other);
    let _ = pay(&client, unpaid.id, "tok_visa").await.expect(404);
    let path = format!("/api/v1/payments/{payment}");
    let _ = client.get(&path).await.expect(404);
    let _ = client
        .get("/api/v1/payments/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e")
        .await
        .expect(404);
    app.stop().await;

    let log = app.env.audit_log::<Payments>();
    let of = |action: &str| {
        let rows = log.iter().filter(|row| row.action == action);
        rows.map(|row| {
            (
                row.actor.clone().unwrap(),
                row.subject.clone().unwrap(),
                row.result.clone(),
            )
        })
        .collect::<Vec<_>>()
    };
    let service = "service:payment".to_owned();
    assert_eq!(
        of("payment-start"),
        [(buyer.id.to_string(), payment.to_string(), "ok".to_owned())]
    );
    let requested = (service.clone(), refund.to_string(), "requested".to_owned());
    assert_eq!(of("refund-request"), [requested]);
    assert_eq!(
        of("refund-result").last(),
        Some(&(service, refund.to_string(), "succeeded".to_owned()))
    );
    let mut denied = of("denied");
    denied.sort();
    let denial = |subject: String| (other.id.to_string(), subject, "not-yours".to_owned());
    assert_eq!(
        denied,
        [
            denial(format!("GET {path}")),
            denial("POST /api/v1/payments".to_owned())
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn repairs_of_reconcile_are_recorded_with_the_system_user() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let conn = Connection::open(app.env.database::<Payments>()).unwrap();
    assert_eq!(conn.execute("DELETE FROM payment", []).unwrap(), 1);
    drop(conn);
    let (report, _) = reconcile(&app, &["--adopt"]).await;
    assert!(report.contains("1 adopted"), "{report}");
    let log = app.env.audit_log::<Payments>();
    let restored: Vec<_> = log.iter().filter(|row| row.action == "payment-restore").collect();
    assert_eq!(restored.len(), 1, "{log:?}");
    assert_eq!(restored[0].actor, Some(audit::operator()));
    assert_eq!(restored[0].subject, Some(payment.to_string()));
}
