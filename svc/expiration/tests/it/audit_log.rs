use std::{process::Command, time::Duration};

use expiration::Expiration;

use crate::test_app::{TestApp, path};

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_anothers_deadline_and_operators_are_recorded() {
    let app = TestApp::new().await;
    let (other_id, other) = app.env.user(&app.service);
    let order = app.order(Duration::from_mins(15));
    app.publish_order(&order).await;
    let _ = app.get_expiration(order.id).await.expect(200);
    let _ = other.get(&path(order.id)).await.expect(404);
    app.service.stop().await;
    let database = app.env.database::<Expiration>();
    let output = Command::new(env!("CARGO_BIN_EXE_ticketing-expiration"))
        .args(["republish", "--database", database.to_str().unwrap()])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let log = app.env.audit_log::<Expiration>();
    let rows: Vec<_> = log
        .iter()
        .map(|row| (&*row.action, row.actor.clone().unwrap(), row.subject.clone().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            ("denied", other_id.to_string(), format!("GET {}", path(order.id))),
            ("republish", audit::operator(), "expiration".to_owned()),
        ]
    );
}
