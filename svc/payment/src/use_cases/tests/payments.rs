//! Whatever order, repetition and loss: the same end.

use db::Db;
use events::{CancelReason, Order, OrderStatus};
use proptest::prelude::*;
use tempfile::TempDir;
use values::{OrderId, PaymentId, TicketId, Timestamp, UserId};

use crate::{
    Payments,
    domain::{
        BasisPoints, CaptureDecision, Failure, IntentStatus, PayableOrder, Payment, PaymentStatus, StripeCall,
        StripeResult,
    },
    store,
    test_support::{NOW, approved, card, intent, usd},
    use_cases::{PayOrder, pay_order, record_stripe_result, request_refund, update_order},
};
use chassis::Service;

/// What becomes of the order, in the order service.
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
    /// An event arrives: which of them.
    Hear(usize),
    /// Stripe is asked what is due.
    Ask,
    /// Stripe is asked, does it, and the answer is lost: a timeout, or a crash before it was written down.
    AskInVain,
    /// The buyer tells the bank, if it asks.
    Answer,
    /// Stripe tells of how the intent is, or was at first.
    Tell { late: bool },
}

/// What the bank says to the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Approves,
    Declines,
    /// It asks its owner, who can prove it.
    AsksAndApproves,
    /// It asks its owner, who cannot.
    AsksAndDeclines,
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        3 => Just(Verdict::Approves),
        1 => Just(Verdict::Declines),
        3 => Just(Verdict::AsksAndApproves),
        1 => Just(Verdict::AsksAndDeclines),
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
        3 => (0_usize..3).prop_map(Step::Hear),
        3 => Just(Step::Ask),
        1 => Just(Step::AskInVain),
        1 => Just(Step::Answer),
        1 => any::<bool>().prop_map(|late| Step::Tell { late }),
    ];
    prop::collection::vec(step, 0..24)
}

fn placed() -> Order {
    Order {
        id: OrderId::new(NOW),
        version: 1,
        status: OrderStatus::Created,
        cancel_reason: None,
        buyer_id: UserId::new(NOW),
        seller_id: UserId::new(NOW),
        ticket_id: TicketId::new(NOW),
        quantity: 1,
        total: usd(1999),
        expires_at: NOW + std::time::Duration::from_mins(15),
        payment_id: None,
        after_sale: None,
        record: None,
    }
}

/// The states of the order, one after the other.
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

/// What Stripe knows of the one payment.
struct Bank {
    verdict: Verdict,
    state: Option<IntentStatus>,
    takings: u32,
}

impl Bank {
    fn ask(&mut self, call: StripeCall, payment: &Payment) -> StripeResult {
        self.state = match (call, self.state) {
            (StripeCall::Authorize, None) if self.verdict == Verdict::Declines => {
                return StripeResult::Refused(Failure::generic_decline());
            }
            (StripeCall::Authorize, None) => Some(self.first()),
            // A key that was used before gets the answer that it got before.
            (StripeCall::Authorize, Some(_)) => return intent(payment, self.first()).into(),
            (StripeCall::Capture, Some(IntentStatus::RequiresCapture)) => {
                self.takings += 1;
                Some(IntentStatus::Succeeded)
            }
            (StripeCall::Void, Some(IntentStatus::Succeeded)) => Some(IntentStatus::Succeeded),
            (StripeCall::Void, Some(_)) => Some(IntentStatus::Canceled),
            (_, state) => state,
        };
        self.state
            .map_or(StripeResult::NotFound, |status| intent(payment, status).into())
    }

    fn first(&self) -> IntentStatus {
        if self.verdict == Verdict::Approves {
            IntentStatus::RequiresCapture
        } else {
            IntentStatus::RequiresAction
        }
    }

    fn answer(&mut self) {
        if self.state == Some(IntentStatus::RequiresAction) {
            self.state = Some(if self.verdict == Verdict::AsksAndDeclines {
                IntentStatus::RequiresPaymentMethod
            } else {
                IntentStatus::RequiresCapture
            });
        }
    }
}

struct World {
    db: Db,
    now: Timestamp,
    bank: Bank,
    payment: PaymentId,
    _folder: TempDir,
}

impl World {
    /// An order that somebody has begun to pay.
    async fn new(placed: &Order, verdict: Verdict) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("payment.db"), &Payments::SCHEMA).unwrap();
        let order = placed.clone();
        let payment = db.write(move |tx| {
            update_order(tx, NOW, &PayableOrder::from(&order))?;
            let command = PayOrder {
                buyer_id: order.buyer_id,
                order_id: order.id,
                method: card(),
            };
            let request = idempotency::IdempotentRequest::new("payOrder", order.buyer_id, None, &());
            Ok::<_, db::Error>(pay_order(tx, NOW, command, &request).unwrap())
        });
        let payment = payment.await.unwrap().id();
        Self {
            db,
            now: NOW,
            bank: Bank {
                verdict,
                state: None,
                takings: 0,
            },
            payment,
            _folder: folder,
        }
    }

    async fn hear(&self, order: &Order) {
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

    /// Asks what is due; says whether anything was.
    async fn ask(&mut self, in_vain: bool) -> bool {
        // Long enough that whatever is due later is due now.
        self.now = self.now + std::time::Duration::from_mins(1);
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
                "money is taken for a confirmed order only"
            );
        }
        let result = self.bank.ask(call, &payment);
        let result = if in_vain {
            StripeResult::Unknown("lost".to_owned())
        } else {
            result
        };
        self.db
            .write(move |tx| record_stripe_result(tx, now, BasisPoints::default(), payment.id(), (call, now), result))
            .await
            .unwrap();
        true
    }

    async fn tell(&self, late: bool) {
        let Some(status) = (if late { Some(self.bank.first()) } else { self.bank.state }) else {
            return;
        };
        let (mut payment, now) = (self.payment().await, self.now);
        payment.notify(status, now);
        self.db
            .write(move |tx| store::update_payment(tx, &payment))
            .await
            .unwrap();
    }

    async fn announced(&self, kind: &'static str) -> u32 {
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
        (_, Verdict::AsksAndDeclines) => &[PaymentStatus::Failed, PaymentStatus::Voided],
        (History::Open, _) => &[PaymentStatus::Authorized],
        (History::Ended(_) | History::PaidByAnother, _) => &[PaymentStatus::Voided],
        (History::Confirmed | History::Completed, _) => &[PaymentStatus::Captured],
    }
}

async fn ends_the_same(history: History, steps: Vec<Step>, verdict: Verdict) {
    let placed = placed();
    let mut world = World::new(&placed, verdict).await;
    let states = states(&placed, history, world.payment);
    for step in steps {
        match step {
            Step::Hear(which) => world.hear(&states[which % states.len()]).await,
            Step::Ask => drop(world.ask(false).await),
            Step::AskInVain => drop(world.ask(true).await),
            Step::Answer => world.bank.answer(),
            Step::Tell { late } => world.tell(late).await,
        }
    }
    // Each event arrives at last, the latest perhaps first, and whatever is open is settled.
    for state in states.iter().rev() {
        world.hear(state).await;
    }
    world.ask(false).await;
    world.bank.answer();
    while world.ask(false).await {}

    let payment = world.payment().await;
    let end = payment.status();
    assert!(
        settled(history, verdict).contains(&end),
        "{history:?} {verdict:?} ended {end:?}"
    );
    assert_eq!(payment.trouble(), None);
    assert_eq!(world.bank.takings, u32::from(end == PaymentStatus::Captured));
    assert_eq!(
        world.announced("ticketing.payment.created.v1").await,
        u32::from(end == PaymentStatus::Captured)
    );
    let failed = matches!(end, PaymentStatus::Failed | PaymentStatus::Voided);
    // Told again to an order that was confirmed with it all the same.
    let told = world.announced("ticketing.payment.failed.v1").await;
    assert!(told <= 2 && failed == (told > 0), "{told}");
    let order = placed.id;
    let order_replica = world.db.read(move |conn| store::order(conn, order)).await.unwrap();
    assert_eq!(order_replica, states.last().map(PayableOrder::from));
    world.db.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn events_in_any_order_and_answers_that_get_lost_end_the_same(
        history in histories(),
        steps in steps(),
        verdict in verdicts(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ends_the_same(history, steps, verdict));
    }
}

#[tokio::test]
async fn an_order_that_waits_for_a_payment_that_is_over_is_told_again() {
    let placed = placed();
    let mut world = World::new(&placed, Verdict::Declines).await;
    assert!(world.ask(false).await);
    assert_eq!(world.announced("ticketing.payment.failed.v1").await, 1);
    let states = states(&placed, History::Completed, world.payment);
    for state in [&states[1], &states[1], &states[2]] {
        world.hear(state).await;
        assert_eq!(world.announced("ticketing.payment.failed.v1").await, 2);
    }
    world.db.close().await;
}

#[tokio::test]
async fn a_free_payment_that_was_lost_with_a_database_is_as_its_order_says() {
    let free = Order {
        total: usd(0),
        ..placed()
    };
    let world = World::new(&free, Verdict::Approves).await;
    let (other, lost) = (world.payment, PaymentId::new(NOW));
    let states = states(&free, History::Completed, lost);
    let refund = approved(&states[2], 0);
    world
        .db
        .write(move |tx| request_refund(tx, NOW, &refund))
        .await
        .unwrap();
    for state in [&states[2], &states[1], &states[2]] {
        world.hear(state).await;
    }
    let found = world.db.read(move |conn| {
        Ok::<_, db::Error>(
            [store::payment(conn, lost)?, store::payment(conn, other)?].map(|found| found.unwrap().status()),
        )
    });
    assert_eq!(found.await.unwrap(), [PaymentStatus::Captured, PaymentStatus::Voided]);
    for said in ["ticketing.payment.created.v1", "ticketing.payment.refunded.v1"] {
        assert_eq!(world.announced(said).await, 1, "{said}");
    }
    world.db.close().await;
}
