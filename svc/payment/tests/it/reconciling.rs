//! `ticketing-payment reconcile`: whatever differs between here and Stripe is found.

use payment::Payments;
use poem::http::Method;
use rusqlite::Connection;
use tokio::process::Command;

use crate::till::{CAPTURE, CREATE, KEY, Till, pay};

/// Runs the command; its report, and whether it found nothing.
pub(crate) async fn reconcile(till: &Till, more: &[&str]) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_ticketing-payment"))
        .env_clear()
        .arg("--database")
        .arg(till.kit.database::<Payments>())
        .args(["reconcile", "--since", "1h", "--stripe-url", till.stripe_url()])
        .args(["--stripe-secret-key", KEY])
        .args(more)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(!told.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (told, output.status.success())
}

fn sql(till: &Till, sql: &str) {
    let conn = Connection::open(till.kit.database::<Payments>()).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), 1, "{sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_as_it_should_is_the_same_here_and_there() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let _ = pay(&till.client(&buyer), order.id, "tok_chargeDeclined")
        .await
        .expect(402);
    let payment = till.paid(&buyer, &order).await;
    till.confirm(&mut order, payment).await;
    till.settled(&buyer, payment, "captured").await;
    let mut ended = till.order(&buyer).await;
    let voided = till.paid(&buyer, &ended).await;
    till.cancel(&mut ended, events::CancelReason::User).await;
    till.settled(&buyer, voided, "voided").await;
    let open = till.order(&buyer).await;
    till.opened(&buyer, &open).await;
    // Whoever shares the account.
    let (other, form) = (till.stripe(), "amount=100&currency=usd".to_owned());
    let _ = other.send(Method::POST, CREATE, Some(form)).await.expect(200);

    let (told, same) = reconcile(&till, &[]).await;
    assert!(same && told.contains("no difference"), "{told}");
    assert!(
        told.contains("4 payments here, 4 at Stripe; 1 still open, 0 adopted, 1 of Stripe's are not ours"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_tampered_with_is_found() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    let intents = till.sim.payment_intents().await.unwrap();
    let intent = intents[0]["id"].as_str().unwrap();
    let is_found = async |what: &str| {
        let (told, same) = reconcile(&till, &[]).await;
        assert!(!same && told.contains(what), "{what}: {told}");
        assert!(told.contains(&payment.to_string()), "{told}");
    };
    let (all, _) = reconcile(&till, &[]).await;
    assert!(all.contains("no difference"), "{all}");

    for (bend, mend, what) in [
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
        sql(&till, &format!("UPDATE payment SET {bend}"));
        is_found(what).await;
        sql(&till, &format!("UPDATE payment SET {mend}"));
    }
    sql(&till, "UPDATE payment SET intent_id = 'pi_elsewhere'");
    is_found("not known at Stripe").await;
    is_found("not known here").await;
    sql(&till, &format!("UPDATE payment SET intent_id = '{intent}'"));

    let change = async |path: &str, form: &str| {
        let _ = till
            .stripe()
            .send(Method::POST, path, Some(form.to_owned()))
            .await
            .expect(200);
    };
    let at = format!("/v1/payment_intents/{intent}");
    change(&at, "metadata[order_id]=another").await;
    is_found("the order is").await;
    change(&at, &format!("metadata[order_id]={}", order.id)).await;
    // Somebody takes the money by hand, and gives some of it back.
    change(&CAPTURE.replace('*', intent), "").await;
    is_found("the captured amount is 0 here, 1999 at Stripe").await;
    change("/v1/refunds", &format!("payment_intent={intent}&amount=5")).await;
    is_found("the refunded amount is 0 here, 5 at Stripe").await;

    sql(&till, "DELETE FROM payment");
    is_found("not known here").await;
}
