//! Payments with events in any order, with repetition and loss: the same end.

use std::time::Duration;

use db::{Db, Tx};
use events::{CancelReason, Order, OrderStatus, examples};
use proptest::prelude::*;
use tempfile::TempDir;
use values::{PaymentId, Timestamp};

use super::start_payment;
use crate::{
    Payments,
    domain::{
        BasisPoints, CaptureDecision, CardAttempts, CardLimits, Failure, Intent, IntentStatus, PayableOrder, Payment,
        PaymentStatus, StripeCall, StripeResult,
    },
    store,
    test_support::{NOW, approved, intent, usd},
    use_cases::{record_stripe_result, request_refund, update_order},
};
use chassis::Service;

/// The history of the order in the order service.
#[derive(Clone, Copy, Debug)]
enum History {
    Open,
    Ended(CancelReason),
    Confirmed,
    Completed,
    PaidByAnother,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// An event arrives: by index.
    Consume(usize),
    /// The due call to Stripe is made.
    Call,
    /// The same, but the response is lost: a timeout, or a crash before it is stored.
    CallAndLose,
    /// The buyer authenticates, if the bank requires it.
    Authenticate,
    /// Stripe sends an event with the current status of the intent, or with its first one.
    StripeEvent { late: bool },
}

/// The bank's response to the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Approves,
    Declines,
    /// It authenticates the buyer, with success.
    AuthenticatesAndApproves,
    /// It authenticates the buyer, without success.
    AuthenticatesAndDeclines,
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        3 => Just(Verdict::Approves),
        1 => Just(Verdict::Declines),
        3 => Just(Verdict::AuthenticatesAndApproves),
        1 => Just(Verdict::AuthenticatesAndDeclines),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    prop_oneof![
        Just(History::Open),
        prop_oneof![
            Just(CancelReason::User),
            Just(CancelReason::Expired),
            Just(CancelReason::TicketWithdrawn)
        ]
        .prop_map(History::Ended),
        Just(History::Confirmed),
        Just(History::Completed),
        Just(History::PaidByAnother),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_usize..3).prop_map(Step::Consume),
        3 => Just(Step::Call),
        1 => Just(Step::CallAndLose),
        1 => Just(Step::Authenticate),
        1 => any::<bool>().prop_map(|late| Step::StripeEvent { late }),
    ];
    prop::collection::vec(step, 0..24)
}

/// The successive states of the order.
fn states(placed: &Order, history: History, payment: PaymentId) -> Vec<Order> {
    let confirmed = |payment| Order {
        version: 2,
        status: OrderStatus::AwaitingPayment,
        payment_id: Some(payment),
        ..placed.clone()
    };
    let mut states = vec![placed.clone()];
    match history {
        History::Open => {}
        History::Ended(reason) => states.push(Order {
            version: 2,
            status: OrderStatus::Cancelled,
            cancel_reason: Some(reason),
            ..placed.clone()
        }),
        History::Confirmed => states.push(confirmed(payment)),
        History::PaidByAnother => states.push(confirmed(PaymentId::new(NOW))),
        History::Completed => {
            states.push(confirmed(payment));
            states.push(Order {
                version: 3,
                status: OrderStatus::Complete,
                ..confirmed(payment)
            });
        }
    }
    states
}

/// The state of the payment at Stripe.
struct StripeModel {
    verdict: Verdict,
    state: Option<IntentStatus>,
    captures: u32,
}

impl StripeModel {
    fn call(&mut self, call: StripeCall, payment: &Payment) -> StripeResult {
        self.state = match (call, self.state) {
            (StripeCall::Authorize, None) if self.verdict == Verdict::Declines => {
                return StripeResult::Refused(Failure::generic_decline());
            }
            (StripeCall::Authorize, None) => Some(self.first_status()),
            // A used key gets its first response.
            (StripeCall::Authorize, Some(_)) => return intent(payment, self.first_status()).into(),
            (StripeCall::Capture, Some(IntentStatus::RequiresCapture)) => {
                self.captures += 1;
                Some(IntentStatus::Succeeded)
            }
            (StripeCall::Void, Some(IntentStatus::Succeeded)) => Some(IntentStatus::Succeeded),
            (StripeCall::Void, Some(_)) => Some(IntentStatus::Canceled),
            (_, state) => state,
        };
        self.state
            .map_or(StripeResult::NotFound, |status| intent(payment, status).into())
    }

    fn first_status(&self) -> IntentStatus {
        if self.verdict == Verdict::Approves {
            IntentStatus::RequiresCapture
        } else {
            IntentStatus::RequiresAction
        }
    }

    fn authenticate(&mut self) {
        if self.state == Some(IntentStatus::RequiresAction) {
            self.state = Some(if self.verdict == Verdict::AuthenticatesAndDeclines {
                IntentStatus::RequiresPaymentMethod
            } else {
                IntentStatus::RequiresCapture
            });
        }
    }
}

struct Simulation {
    db: Db,
    now: Timestamp,
    stripe: StripeModel,
    payment: PaymentId,
    _folder: TempDir,
}

impl Simulation {
    /// An order with a payment that has started.
    async fn new(placed: &Order, verdict: Verdict) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
        let order = placed.clone();
        let payment = db.write(move |tx| {
            let attempts = CardAttempts::new(CardLimits::UNLIMITED);
            start_payment(tx, &order, Vec::new(), &attempts)
        });
        let payment = payment.await.unwrap().id();
        Self {
            db,
            now: NOW,
            stripe: StripeModel {
                verdict,
                state: None,
                captures: 0,
            },
            payment,
            _folder: folder,
        }
    }

    async fn consume(&self, order: &Order) {
        let order_replica = PayableOrder::from(order);
        self.db
            .write(move |tx| update_order(tx, NOW, &order_replica))
            .await
            .unwrap();
    }

    async fn payment(&self) -> Payment {
        let id = self.payment;
        self.db
            .read(move |conn| store::payment(conn, id))
            .await
            .unwrap()
            .unwrap()
    }

    /// Makes the due call to Stripe; returns whether one is due.
    async fn call(&mut self, lose_response: bool) -> bool {
        // Makes every postponed call due.
        self.now = self.now + Duration::from_mins(1);
        let (payment, now) = (self.payment().await, self.now);
        let Some(call) = payment.next_call(now) else {
            return false;
        };
        let order = payment.order_id();
        let order_replica = self
            .db
            .read(move |conn| store::order(conn, order))
            .await
            .unwrap()
            .unwrap();
        if call == StripeCall::Capture {
            assert_eq!(
                order_replica.capture_decision(payment.id()),
                CaptureDecision::Capture,
                "only the payment of a confirmed order is captured"
            );
        }
        let result = self.stripe.call(call, &payment);
        let result = if lose_response {
            StripeResult::Unknown("lost".to_owned())
        } else {
            result
        };
        self.db
            .write(move |tx| {
                record_stripe_result(
                    tx,
                    now,
                    (BasisPoints::default(), CardLimits::UNLIMITED),
                    &payment,
                    (call, now),
                    result,
                )
            })
            .await
            .unwrap();
        true
    }

    async fn stripe_event(&self, late: bool) {
        let Some(current) = self.stripe.state else { return };
        let status = if late { self.stripe.first_status() } else { current };
        let (mut payment, now) = (self.payment().await, self.now);
        let intent = format!("pi_{}", payment.id());
        payment.request_check(&intent, status, now);
        self.db
            .write(move |tx| store::update_payment(tx, &payment))
            .await
            .unwrap();
    }

    async fn count_published(&self, kind: &'static str) -> u32 {
        let count = self.db.read(move |conn| {
            let sql = "SELECT count(*) FROM outbox WHERE event_type = ?1";
            Ok::<u32, db::Error>(conn.query_row(sql, [kind], |row| row.get(0))?)
        });
        count.await.unwrap()
    }
}

fn settled(history: History, verdict: Verdict) -> &'static [PaymentStatus] {
    match (history, verdict) {
        (_, Verdict::Declines) => &[PaymentStatus::Failed],
        // Either the order ended first, or the buyer failed first.
        (_, Verdict::AuthenticatesAndDeclines) => &[PaymentStatus::Failed, PaymentStatus::Voided],
        (History::Open, _) => &[PaymentStatus::Authorized],
        (History::Ended(_) | History::PaidByAnother, _) => &[PaymentStatus::Voided],
        (History::Confirmed | History::Completed, _) => &[PaymentStatus::Captured],
    }
}

async fn ends_the_same(history: History, steps: Vec<Step>, verdict: Verdict) {
    let placed = examples::order(NOW);
    let mut simulation = Simulation::new(&placed, verdict).await;
    let states = states(&placed, history, simulation.payment);
    for step in steps {
        match step {
            Step::Consume(which) => simulation.consume(&states[which % states.len()]).await,
            Step::Call => drop(simulation.call(false).await),
            Step::CallAndLose => drop(simulation.call(true).await),
            Step::Authenticate => simulation.stripe.authenticate(),
            Step::StripeEvent { late } => simulation.stripe_event(late).await,
        }
    }
    // In the end every event arrives, the latest perhaps first, and every open call is made.
    for state in states.iter().rev() {
        simulation.consume(state).await;
    }
    simulation.call(false).await;
    simulation.stripe.authenticate();
    while simulation.call(false).await {}

    let payment = simulation.payment().await;
    let end = payment.status();
    assert!(
        settled(history, verdict).contains(&end),
        "{history:?} {verdict:?} ended {end:?}"
    );
    assert_eq!(payment.trouble(), None);
    assert_eq!(simulation.stripe.captures, u32::from(end == PaymentStatus::Captured));
    assert_eq!(
        simulation.count_published("ticketing.payment.created.v1").await,
        u32::from(end == PaymentStatus::Captured)
    );
    let failed = matches!(end, PaymentStatus::Failed | PaymentStatus::Voided);
    // Published again for an order that is confirmed with it nevertheless.
    let published = simulation.count_published("ticketing.payment.failed.v1").await;
    assert!(published <= 2 && failed == (published > 0), "{published}");
    let order = placed.id;
    let order_replica = simulation.db.read(move |conn| store::order(conn, order)).await.unwrap();
    assert_eq!(order_replica, states.last().map(PayableOrder::from));
    simulation.db.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn events_in_any_order_and_lost_responses_end_the_same(
        history in histories(),
        steps in steps(),
        verdict in verdicts(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ends_the_same(history, steps, verdict));
    }
}

#[tokio::test]
async fn the_end_of_a_payment_is_republished_for_an_order_that_waits_for_it() {
    let placed = examples::order(NOW);
    let mut simulation = Simulation::new(&placed, Verdict::Declines).await;
    assert!(simulation.call(false).await);
    assert_eq!(simulation.count_published("ticketing.payment.failed.v1").await, 1);
    let states = states(&placed, History::Completed, simulation.payment);
    for state in [&states[1], &states[1], &states[2]] {
        simulation.consume(state).await;
        assert_eq!(simulation.count_published("ticketing.payment.failed.v1").await, 2);
    }
    simulation.db.close().await;
}

#[tokio::test]
async fn a_check_stays_due_while_stripe_lacks_the_intent() {
    let mut simulation = Simulation::new(&examples::order(NOW), Verdict::Declines).await;
    assert!(simulation.call(false).await);
    let mut payment = simulation.payment().await;
    assert!(payment.request_check("pi_late", IntentStatus::RequiresCapture, NOW));
    let check = simulation.db.write(move |tx| {
        let read = |tx: &Tx| Ok::<_, db::Error>(store::payment(tx, payment.id())?.unwrap());
        let rules = (BasisPoints::default(), CardLimits::UNLIMITED);
        store::update_payment(tx, &payment)?;
        let (mut now, call) = (NOW, StripeCall::RetrieveIntent);
        for _ in 0..20 {
            now = now + Duration::from_hours(1);
            let payment = read(tx)?;
            assert_eq!(payment.next_call(now), Some(call));
            assert!(payment.state().retry.is_due(now));
            record_stripe_result(tx, now, rules, &payment, (call, now), StripeResult::NotFound)?;
        }
        let payment = read(tx)?;
        assert!(!payment.state().retry.is_due(now + Duration::from_mins(59)));
        let held = Intent {
            id: "pi_late".to_owned(),
            ..intent(&payment, IntentStatus::RequiresCapture)
        };
        record_stripe_result(tx, now, rules, &payment, (call, now), held.into())?;
        Ok::<_, db::Error>(read(tx)?.next_call(now))
    });
    assert_eq!(check.await.unwrap(), Some(StripeCall::Void));
    simulation.db.close().await;
}

#[tokio::test]
async fn an_event_that_names_the_intent_during_a_look_up_outweighs_its_result() {
    let simulation = Simulation::new(&examples::order(NOW), Verdict::Approves).await;
    let called = simulation.payment().await;
    let (call, now) = (StripeCall::FindIntent, NOW + Duration::from_hours(25));
    assert_eq!(called.next_call(now), Some(call));
    let mut named = called.clone();
    assert!(named.request_check("pi_late", IntentStatus::RequiresCapture, now));
    let look_up = simulation.db.write(move |tx| {
        let rules = (BasisPoints::default(), CardLimits::UNLIMITED);
        for result in [StripeResult::NotFound, StripeResult::NotShown] {
            store::update_payment(tx, &named)?;
            record_stripe_result(tx, now, rules, &called, (call, now), result)?;
            assert_eq!(store::payment(tx, called.id())?.as_ref(), Some(&named));
        }
        Ok::<_, db::Error>(())
    });
    look_up.await.unwrap();
    simulation.db.close().await;
}

#[tokio::test]
async fn a_lost_free_payment_is_rebuilt_from_its_order() {
    let free = Order {
        total: usd(0),
        ..examples::order(NOW)
    };
    let simulation = Simulation::new(&free, Verdict::Approves).await;
    let (other, lost) = (simulation.payment, PaymentId::new(NOW));
    let states = states(&free, History::Completed, lost);
    let refund = approved(&states[2], 0);
    simulation
        .db
        .write(move |tx| request_refund(tx, NOW, &refund))
        .await
        .unwrap();
    for state in [&states[2], &states[1], &states[2]] {
        simulation.consume(state).await;
    }
    let found = simulation.db.read(move |conn| {
        Ok::<_, db::Error>(
            [store::payment(conn, lost)?, store::payment(conn, other)?].map(|found| found.unwrap().status()),
        )
    });
    assert_eq!(found.await.unwrap(), [PaymentStatus::Captured, PaymentStatus::Voided]);
    for event in ["ticketing.payment.created.v1", "ticketing.payment.refunded.v1"] {
        assert_eq!(simulation.count_published(event).await, 1, "{event}");
    }
    simulation.db.close().await;
}
