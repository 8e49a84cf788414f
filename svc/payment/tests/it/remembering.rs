//! A database that was put back from a backup: what it has forgotten, Stripe remembers.

use events::{CancelReason, Event};
use payment::Payments;

use chassis::Service;

use crate::{
    reconciling::reconcile,
    till::{CREATE, Till},
};

#[tokio::test(flavor = "multi_thread")]
async fn payments_that_a_backup_does_not_know_are_taken_back_and_follow_their_orders() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let mut before = till.order(&buyer).await;
    let known = till.paid(&buyer, &before).await;
    let database = till.kit.database::<Payments>();
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();

    // What the backup does not know: one that goes on, and four that begin.
    till.confirm(&mut before, known).await;
    till.settled(&buyer, known, "captured").await;
    till.complete(&mut before).await;
    let mut complete = till.order(&buyer).await;
    let taken = till.paid(&buyer, &complete).await;
    till.confirm(&mut complete, taken).await;
    till.settled(&buyer, taken, "captured").await;
    till.complete(&mut complete).await;
    let mut confirmed = till.order(&buyer).await;
    let aside = till.paid(&buyer, &confirmed).await;
    let mut ended = till.order(&buyer).await;
    let late = till.paid(&buyer, &ended).await;
    let open = till.order(&buyer).await;
    let waiting = till.opened(&buyer, &open).await;
    till.stop().await;
    till.confirm(&mut confirmed, aside).await;
    till.cancel(&mut ended, CancelReason::Expired).await;
    db::admin::restore(&backup, &database, &Payments::SCHEMA, true).unwrap();

    till.start().await;
    for (payment, status) in [
        (known, "captured"),
        (taken, "captured"),
        (aside, "captured"),
        (late, "voided"),
    ] {
        till.remembered(&buyer, payment, status).await;
    }
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentCreated(said) if said.id == aside))
        .await;
    let found = till
        .remembered(&buyer, waiting.payment, "requires-payment-method")
        .await;
    assert_eq!(found["clientSecret"], waiting.secret);
    let _ = till.show_card(&waiting, "pm_card_visa").await.expect(200);
    till.settled(&buyer, waiting.payment, "authorized").await;
    assert_eq!((till.done(CREATE).await, till.money().await), (5, (3 * 1999, 1999)));
    till.check();
    let (told, same) = reconcile(&till, &[]).await;
    assert!(same, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_have_a_lost_payment_taken_back() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    let lost = rusqlite::Connection::open(till.kit.database::<Payments>()).unwrap();
    assert_eq!(lost.execute("DELETE FROM payment", []).unwrap(), 1);
    // The count is of what was ever there, as it must be: rows are never deleted.
    lost.execute("UPDATE tally SET payments = 0", []).unwrap();
    drop(lost);
    till.confirm(&mut order, payment).await;
    let (told, same) = reconcile(&till, &[]).await;
    assert!(!same && told.contains("not known here"), "{told}");

    let (told, same) = reconcile(&till, &["--adopt"]).await;
    assert!(same && told.contains("1 adopted"), "{told}");
    till.remembered(&buyer, payment, "captured").await;
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (1999, 0)));
    let (told, same) = reconcile(&till, &[]).await;
    assert!(same, "{told}");
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_payments_that_an_order_seems_to_have_the_one_that_it_was_confirmed_with_counts() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let first = till.asked(&buyer, &order).await;
    let database = till.kit.database::<Payments>();
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();
    // Another card takes its place, and the backup knows only the one that it took the place of.
    let second = till.paid(&buyer, &order).await;
    till.settled(&buyer, first.payment, "voided").await;
    till.stop().await;
    till.confirm(&mut order, second).await;
    db::admin::restore(&backup, &database, &Payments::SCHEMA, true).unwrap();
    till.start().await;
    till.remembered(&buyer, second, "captured").await;
    assert_eq!(till.money().await, (1999, 0));
    till.check();
}
