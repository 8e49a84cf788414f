//! Who tests stolen cards is stopped: for an order, for a buyer, and for a network.

use std::time::Duration;

use payment::{CardLimits, Payments};
use stripe_sim::{Fault, Target, Timing};
use testkit::{Reply, eventually};
use tokio::task::JoinSet;
use values::{Clock, OrderId};

use crate::test_app::{Buyer, CANCEL, CREATE, TestApp, pay, pay_in_browser};

const DECLINED: &str = "tok_chargeDeclined";

/// Few enough for a test.
const LIMITS: CardLimits = CardLimits {
    per_order: 3,
    per_buyer: 5,
    per_network: 8,
};

#[track_caller]
fn assert_limited(reply: &Reply, scope: &str) -> u64 {
    let problem = reply.json();
    assert_eq!(reply.status.as_u16(), 429, "{problem}");
    assert_eq!(problem["type"], "urn:ticketing:problem:card-attempts");
    assert_eq!(problem["code"], scope, "{problem}");
    reply.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

async fn decline(app: &TestApp, buyer: &Buyer, order: OrderId) {
    let _ = pay(&app.client(buyer), order, DECLINED).await.expect(402);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_accepts_a_limited_number_of_declined_cards() {
    let app = TestApp::with_limits(Clock::system(), LIMITS).await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    for _ in 0..3 {
        decline(&app, &buyer, order.id).await;
    }
    let refused = pay(&app.client(&buyer), order.id, "tok_visa").await;
    let wait = assert_limited(&refused, "order");
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert_eq!(app.executed_posts(CREATE).await, 3);
    let other = app.create_order(&buyer).await;
    app.authorize(&buyer, &other).await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_has_a_limited_number_of_declined_cards_and_a_restart_changes_nothing() {
    let mut app = TestApp::with_limits(Clock::system(), LIMITS).await;
    let (buyer, other) = (app.buyer(), app.buyer());
    for _ in 0..5 {
        let order = app.create_order(&buyer).await;
        decline(&app, &buyer, order.id).await;
    }
    app.restart().await;
    let order = app.create_order(&buyer).await;
    assert_limited(&pay(&app.client(&buyer), order.id, "tok_visa").await, "buyer");
    assert_limited(&pay_in_browser(&app.client(&buyer), order.id).await, "buyer");
    let order = app.create_order(&other).await;
    app.authorize(&other, &order).await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_hour_a_buyer_may_try_again() {
    let clock = Clock::manual(Clock::system().now());
    let app = TestApp::with_limits(clock.clone(), LIMITS).await;
    let buyer = app.buyer();
    for _ in 0..5 {
        let order = app.create_order(&buyer).await;
        decline(&app, &buyer, order.id).await;
    }
    let order = app.create_order(&buyer).await;
    assert_limited(&pay(&app.client(&buyer), order.id, "tok_visa").await, "buyer");
    clock.advance(Duration::from_secs(3601));
    let buyer = app.sign_in_again(&buyer);
    let order = app.create_order(&buyer).await;
    app.authorize(&buyer, &order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_has_a_limited_number_of_declined_cards_over_all_its_buyers() {
    let app = TestApp::with_limits(Clock::system(), LIMITS).await;
    for _ in 0..8 {
        let buyer = app.buyer();
        let order = app.create_order(&buyer).await;
        decline(&app, &buyer, order.id).await;
    }
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    assert_limited(&pay(&app.client(&buyer), order.id, "tok_visa").await, "network");
    assert_eq!(app.executed_posts(CREATE).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_declined_cards_do_not_exceed_the_limit_of_a_network() {
    let app = TestApp::with_limits(Clock::system(), LIMITS).await;
    let mut tries = JoinSet::new();
    for _ in 0..24 {
        let buyer = app.buyer();
        let order = app.create_order(&buyer).await;
        let client = app.client(&buyer);
        tries.spawn(async move { pay(&client, order.id, DECLINED).await.status.as_u16() });
    }
    let mut statuses = tries.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![402; 8], vec![429; 16]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_with_its_key_counts_once() {
    let app = TestApp::with_limits(Clock::system(), LIMITS).await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    for number in 0..3 {
        let client = app.client(&buyer).with("idempotency-key", format!("key-{number}"));
        for _ in 0..5 {
            let _ = pay(&client, order.id, DECLINED).await.expect(402);
        }
    }
    assert_limited(&pay(&app.client(&buyer), order.id, "tok_visa").await, "order");
    let first = app.client(&buyer).with("idempotency-key", "key-0");
    let _ = pay(&first, order.id, DECLINED).await.expect(402);
    assert_eq!(app.executed_posts(CREATE).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn successful_payments_count_a_quarter_of_declined_cards() {
    let app = TestApp::with_limits(Clock::system(), CardLimits { per_buyer: 2, ..LIMITS }).await;
    let buyer = app.buyer();
    for _ in 0..8 {
        let order = app.create_order(&buyer).await;
        app.authorize(&buyer, &order).await;
    }
    let order = app.create_order(&buyer).await;
    assert_limited(&pay(&app.client(&buyer), order.id, "tok_visa").await, "buyer");
    let free = app.create_order_of(&buyer, 0).await;
    let _ = pay_in_browser(&app.client(&buyer), free.id).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_are_declined_in_a_browser_count_and_end_the_intent() {
    let app = TestApp::with_limits(Clock::system(), LIMITS).await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let begun = app.start_in_browser(&buyer, &order).await;
    let card = "pm_card_visa_chargeDeclined";
    for number in 1..=2_i64 {
        let _ = app.enter_card(&begun, card).await.expect(402);
        // Each event comes twice; without one, the periodic check counts the charge.
        let event = app.latest_stripe_event("payment_intent.payment_failed").await;
        for _ in 0..2 {
            let _ = app.send_webhook(&event).await.expect(204);
        }
        eventually("the declined card is counted", || async {
            (declines(&app) >= number).then_some(())
        })
        .await;
        assert_eq!(declines(&app), number);
    }
    let _ = app.enter_card(&begun, card).await.expect(402);
    let ended = app.wait_for_status(&buyer, begun.payment, "failed").await;
    assert_eq!(ended["failure"]["code"], "generic_decline");
    assert_eq!(app.executed_posts(CANCEL).await, 1);
    let late = app.enter_card(&begun, "pm_card_visa").await;
    assert_eq!(late.status.as_u16(), 400, "the intent is cancelled: {}", late.text);
    assert_limited(&pay(&app.client(&buyer), order.id, "tok_visa").await, "order");
    assert_eq!(app.money().await, (0, 0));
    app.check_invariants();
}

/// How many declined cards are counted.
fn declines(app: &TestApp) -> i64 {
    let conn = rusqlite::Connection::open(app.env.database::<Payments>()).unwrap();
    let sql = "SELECT sum(declines) FROM payment";
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_stripe_does_not_answer_is_no_declined_card() {
    let app = TestApp::with_limits(Clock::system(), LIMITS).await;
    let buyer = app.buyer();
    app.sim
        .inject(Target::post(CREATE).times(3), Timing::Before, Fault::Cut);
    let order = app.create_order(&buyer).await;
    let _ = pay(&app.client(&buyer), order.id, "tok_visa").await;
    app.sim.clear_faults();
    let order = app.create_order(&buyer).await;
    app.authorize(&buyer, &order).await;
    assert_eq!(declines(&app), 0);
}
