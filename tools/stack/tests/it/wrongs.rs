//! What the seed does wrong, one test for each: none of them would pass there.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use stripe_sim::{Fault, Sim, Target, Timing};
use values::Timestamp;

use crate::{
    TcpProxy,
    child::{Child, dev},
    eventually,
    home::Home,
    person::{PASSWORD, Person, new_email, offer},
    town::Town,
};

/// The payment intents that were made for an order.
pub(crate) async fn intents(double: &Sim, order: &str) -> Vec<Value> {
    let all = double.payment_intents().await.unwrap();
    all.into_iter()
        .filter(|intent| intent["metadata"]["order_id"] == order)
        .collect()
}

/// The one intent of an order that took money, and how much.
pub(crate) async fn charged_once(double: &Sim, order: &str) -> i64 {
    let mut taken = intents(double, order).await;
    taken.retain(|intent| intent["amount_received"] != 0);
    assert_eq!(taken.len(), 1, "{taken:#?}");
    assert_eq!(taken[0]["status"], "succeeded");
    taken[0]["amount_received"].as_i64().unwrap()
}

#[tokio::test]
async fn wrong_01_an_order_reserves_the_ticket_at_run_time() {
    let town = Town::shared();
    let (ada, bert) = (town.user().await, town.user().await);
    let ticket = ada.lists(json!({})).await;
    let order = bert.holds(&ticket, 1).await;
    ada.counts(&ticket, 1, 0).await;
    let dearer = json!({"price": {"amount": 9999, "currency": "usd"}});
    assert_eq!(
        ada.changes(&ticket, dearer.clone()).await.expect(409).problem().0,
        "ticket-reserved"
    );
    let _ = bert.cancels(&order).await.expect(204);
    ada.counts(&ticket, 0, 0).await;
    let _ = ada.changes(&ticket, dearer).await.expect(200);
}

#[tokio::test]
async fn wrong_02_two_buyers_never_get_one_ticket() {
    let town = Town::shared();
    let (ada, bert, cleo) = (town.user().await, town.user().await, town.user().await);
    for _ in 0..20 {
        let ticket = ada.lists(json!({})).await;
        let (one, other) = join(bert.orders(&ticket, 1), cleo.orders(&ticket, 1)).await;
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.text, other.text);
    }
}

#[tokio::test]
async fn wrong_03_a_complete_order_is_not_paid_again() {
    let town = Town::shared();
    let (ada, bert) = (town.user().await, town.user().await);
    let order = bert.holds(&ada.lists(json!({"quantity": 3})).await, 3).await;
    let clicks = join_all((0..5).map(|_| bert.pays(&order, "tok_visa"))).await;
    let mut statuses = clicks.iter().map(|reply| reply.status.as_u16()).collect::<Vec<_>>();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409]);
    bert.sees(&order, "complete").await;
    // Refused in any case; why changes when the payment service hears of the end.
    eventually("it is known that the order is complete", || async {
        let refused = bert.pays(&order, "tok_visa").await.expect(409);
        (refused.problem().0 == "order-complete").then_some(())
    })
    .await;
    assert_eq!(charged_once(town.stripe_simulator(), &order).await, 3 * 1999);
}

#[tokio::test]
async fn wrong_04_a_complete_order_is_not_cancelled_and_its_ticket_not_sold_again() {
    let town = Town::shared();
    let (ada, bert, cleo) = (town.user().await, town.user().await, town.user().await);
    let ticket = ada.lists(json!({})).await;
    let order = bert.holds(&ticket, 1).await;
    bert.buys(&order).await;
    assert_eq!(bert.cancels(&order).await.expect(409).problem().0, "order-complete");
    bert.sees(&order, "complete").await;
    ada.counts(&ticket, 0, 1).await;
    assert_eq!(cleo.orders(&ticket, 1).await.expect(409).problem().0, "sold-out");
}

/// That no message was set aside is looked at when the town goes away.
#[tokio::test]
async fn wrong_05_a_cancel_after_completion_leaves_nobody_waiting() {
    let town = Town::shared();
    let (ada, bert, cleo) = (town.user().await, town.user().await, town.user().await);
    let ticket = ada.lists(json!({"quantity": 2})).await;
    let order = bert.holds(&ticket, 1).await;
    bert.buys(&order).await;
    let _ = bert.cancels(&order).await.expect(409);
    let next = cleo.holds(&ticket, 1).await;
    cleo.buys(&next).await;
    ada.counts(&ticket, 0, 2).await;
}

#[tokio::test]
async fn wrong_06_an_old_timer_does_not_release_the_next_buyers_ticket() {
    let town = Town::shared();
    let (ada, bert, cleo) = (town.user().await, town.user().await, town.user().await);
    let ticket = ada.lists(json!({"orderWindowSeconds": 10})).await;
    let first = bert.orders(&ticket, 1).await.expect(201);
    let (first, deadline) = (first.text_at("/id"), first.text_at("/expiresAt"));
    let _ = bert.cancels(&first).await.expect(204);
    ada.counts(&ticket, 0, 0).await;
    // The next buyer has more time, so that the only timer that can come is the first one's.
    let _ = ada
        .changes(&ticket, json!({"orderWindowSeconds": 600}))
        .await
        .expect(200);
    let second = eventually("the order service has heard of the new window", || async {
        let order = cleo.orders(&ticket, 1).await.expect(201);
        let (id, its_deadline) = (order.text_at("/id"), order.text_at("/expiresAt"));
        if minutes_between(&deadline, &its_deadline) >= 5 {
            return Some(id);
        }
        let _ = cleo.cancels(&id).await.expect(204);
        None
    })
    .await;
    // Another timer, set after the first one, has come: so has the first one.
    let marker = bert.holds(&ada.lists(json!({"orderWindowSeconds": 10})).await, 1).await;
    bert.sees(&marker, "cancelled").await;
    cleo.sees(&second, "created").await;
    ada.counts(&ticket, 1, 0).await;
    assert_eq!(bert.sees(&first, "cancelled").await["cancelReason"], "user");
    cleo.buys(&second).await;
}

fn minutes_between(earlier: &str, later: &str) -> u64 {
    let (earlier, later): (Timestamp, Timestamp) = (earlier.parse().unwrap(), later.parse().unwrap());
    earlier.until(later).as_secs() / 60
}

#[tokio::test]
async fn wrong_07_who_is_charged_is_never_told_that_it_failed() {
    let town = Town::new();
    let (ada, bert) = (town.user().await, town.user().await);
    let order = bert.holds(&ada.lists(json!({})).await, 1).await;
    // The bank sets the money aside, and takes it; both times the answer is lost.
    town.stripe_simulator()
        .inject(Target::post("/v1/payment_intents"), Timing::After, Fault::Cut);
    town.stripe_simulator()
        .inject(Target::post("/v1/payment_intents/*/capture"), Timing::After, Fault::Cut);
    let client = bert.client().clone().with("idempotency-key", "one-click");
    let body = json!({"orderId": order, "token": "tok_visa"});
    eventually("the payment is known to have been made", || async {
        let reply = client.post("/api/v1/payments", body.clone()).await;
        assert!([201, 404, 503].contains(&reply.status.as_u16()), "{}", reply.text);
        (reply.status == 201).then_some(())
    })
    .await;
    bert.sees(&order, "complete").await;
    assert_eq!(charged_once(town.stripe_simulator(), &order).await, 1999);
    assert_eq!(intents(town.stripe_simulator(), &order).await.len(), 1);
}

#[tokio::test]
async fn wrong_08_the_price_is_charged_to_the_cent() {
    let town = Town::shared();
    let (ada, bert) = (town.user().await, town.user().await);
    for price in [
        json!(19.99),
        json!({"amount": 19.99, "currency": "usd"}),
        json!({"amount": "1999", "currency": "usd"}),
    ] {
        let refused = ada
            .client()
            .post("/api/v1/tickets", offer(json!({"price": price})))
            .await;
        assert!(refused.status.is_client_error(), "{price}: {}", refused.text);
        assert!(refused.problem().1.starts_with("price"), "{}", refused.text);
    }
    let order = bert.holds(&ada.lists(json!({"quantity": 3})).await, 3).await;
    bert.buys(&order).await;
    assert_eq!(charged_once(town.stripe_simulator(), &order).await, 5997);
    let order = bert.waits_for(&format!("/api/v1/orders/{order}"), &[]).await;
    assert_eq!(order["total"], json!({"amount": 5997, "currency": "usd"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_09_a_crash_between_saving_and_publishing_loses_no_event() {
    let (home, wire) = (Home::new(), TcpProxy::to_broker().await);
    let start = || {
        let mut command = dev(&home.data());
        command.env("TICKETING_AMQP_URL", wire.broker_url());
        Child::start(command)
    };
    let child = start();
    let at = crate::Client::new(&child.url);
    let (ada, bert) = (Person::sign_up(&at).await, Person::sign_up(&at).await);
    let ticket = ada.lists(json!({"quantity": 2})).await;
    bert.holds(&ticket, 1).await;
    ada.counts(&ticket, 1, 0).await;
    // From here on nothing gets out.
    wire.disconnect();
    let order = bert.holds(&ticket, 1).await;
    child.kill();

    wire.forward_to_broker();
    let child = start();
    let (ada, bert) = (ada.at(&child.url), bert.at(&child.url));
    ada.counts(&ticket, 2, 0).await;
    bert.buys(&order).await;
    ada.counts(&ticket, 1, 1).await;
    child.stop();
    home.assert_sound();
}

#[tokio::test]
async fn wrong_10_an_email_address_has_one_account() {
    let town = Town::shared();
    let at = town.client();
    let email = new_email();
    let sign_up = |email: String| at.post("/api/v1/auth/signup", json!({"email": email, "password": PASSWORD}));
    let both = join(sign_up(email.clone()), sign_up(email.to_uppercase())).await;
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", both.0.text, both.1.text);
    assert_eq!(
        sign_up(email).await.expect(409).problem(),
        ("email-taken".to_owned(), "email".to_owned())
    );
}

#[tokio::test]
async fn wrong_11_a_restart_forgets_nothing() {
    let mut town = Town::new();
    let (ada, bert) = (town.user().await, town.user().await);
    let (paid, open) = (ada.lists(json!({})).await, ada.lists(json!({})).await);
    let short = ada.lists(json!({"orderWindowSeconds": 10})).await;
    let bought = bert.holds(&paid, 1).await;
    bert.buys(&bought).await;
    let held = bert.holds(&open, 1).await;
    // Its timer runs in the broker, or is still on the way there.
    let ending = bert.holds(&short, 1).await;

    town.restart();
    let (ada, bert) = (ada.at(&town.url()), bert.at(&town.url()));
    let _ = bert.client().get("/api/v1/auth/users/current").await.expect(200);
    let credentials = json!({"email": bert.email, "password": PASSWORD});
    let _ = town.client().post("/api/v1/auth/signin", credentials).await.expect(200);
    bert.sees(&bought, "complete").await;
    ada.counts(&paid, 0, 1).await;
    ada.counts(&open, 1, 0).await;
    bert.buys(&held).await;
    let ended = bert.sees(&ending, "cancelled").await;
    assert_eq!(ended["cancelReason"], "expired");
    ada.counts(&short, 0, 0).await;
}

#[tokio::test]
async fn wrong_12_a_payment_that_lands_as_the_order_expires_is_given_up() {
    let town = Town::new();
    let (ada, bert, cleo) = (town.user().await, town.user().await, town.user().await);
    let ticket = ada.lists(json!({"orderWindowSeconds": 10})).await;
    let late = bert.holds(&ticket, 1).await;
    let hold = town
        .stripe_simulator()
        .hold(Target::post("/v1/payment_intents"), Timing::Before);
    let paying = bert.client().clone();
    let body = json!({"orderId": late, "token": "tok_visa"});
    bert.waits_for(&format!("/api/v1/expirations/{late}"), &[]).await;
    let (answer, ()) = join(paying.post("/api/v1/payments", body), async {
        hold.wait_for_request().await;
        // While the bank thinks, the time is over, and somebody else gets the ticket.
        bert.sees(&late, "cancelled").await;
        let next = cleo.holds(&ticket, 1).await;
        hold.release();
        cleo.buys(&next).await;
        assert_eq!(charged_once(town.stripe_simulator(), &next).await, 1999);
    })
    .await;
    assert!([402, 409, 503].contains(&answer.status.as_u16()), "{}", answer.text);
    let path = format!("/api/v1/payments?orderId={late}");
    bert.waits_for(&path, &[("/items/0/status", json!("voided"))]).await;
    let intents = intents(town.stripe_simulator(), &late).await;
    assert!(
        intents
            .iter()
            .all(|intent| intent["amount_received"] == 0 && intent["status"] == "canceled"),
        "{intents:#?}"
    );
    ada.counts(&ticket, 0, 1).await;
}
