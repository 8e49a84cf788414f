//! Refunds over a real database: what the stock is, and who has what, after any history.

use events::{AskedBy, Dispute, DisputeStatus, RefundOutcome, RefundStatus, RefundTerms, Reversal};
use values::RefundId;

use super::*;
use crate::{
    domain::{CannotRefund, Decided, Order, Progress, Refund},
    store,
    test_support::usd,
    use_cases::{
        DecideRefund, DecideRefundError, RequestRefund, RequestRefundError, RetryWithdrawalError, decide_refund,
        refund_withdrawn_sales, request_refund, retry_withdrawal,
    },
};

/// What the payment service says of an order's payment.
fn reversal(order: &Order, version: u64, refunded: i64, refund: Option<(&Refund, bool)>) -> Reversal {
    Reversal {
        payment: Payment {
            id: order.payment_id.unwrap(),
            version,
            status: PaymentStatus::Captured,
            order_id: order.id,
            buyer_id: order.buyer_id,
            amount: order.total(),
        },
        refunded_total: usd(refunded),
        refund: refund.map(|(refund, paid)| RefundOutcome {
            id: refund.id,
            amount: refund.amount,
            failure: (!paid).then(|| "The account is closed.".to_owned()),
        }),
        dispute: None,
    }
}

fn disputed(order: &Order, version: u64, status: DisputeStatus) -> Event {
    Event::PaymentDisputed(Reversal {
        dispute: Some(Dispute {
            status,
            amount: order.total(),
        }),
        ..reversal(order, version, 0, None)
    })
}

fn paid_back(order: &Order, version: u64, refunded: i64, refund: &Refund) -> Event {
    Event::PaymentRefunded(reversal(order, version, refunded, Some((refund, true))))
}

fn not_paid_back(order: &Order, version: u64, refunded: i64, refund: &Refund) -> Event {
    Event::PaymentRefundFailed(reversal(order, version, refunded, Some((refund, false))))
}

impl World {
    /// An order of so many tickets, as it stands now.
    async fn get(&self, id: OrderId) -> Order {
        self.db.read(move |conn| store::order(conn, id)).await.unwrap().unwrap()
    }

    async fn refund(&self, id: RefundId) -> Refund {
        let found = self.db.read(move |conn| store::refund(conn, id)).await;
        found.unwrap().unwrap()
    }

    async fn refunds(&self, id: OrderId) -> Vec<Refund> {
        self.db.read(move |conn| store::refunds_of(conn, id)).await.unwrap()
    }

    /// So many tickets, paid.
    async fn sold(&self, quantity: u32) -> Order {
        let id = self.order(quantity).await.unwrap();
        self.pay(id).await;
        self.get(id).await
    }

    async fn pay(&self, id: OrderId) {
        let order = self.get(id).await;
        self.hear(Event::PaymentCreated(Payment {
            id: order.payment_id.unwrap_or_else(|| PaymentId::new(noon())),
            version: 4,
            status: PaymentStatus::Captured,
            order_id: id,
            buyer_id: order.buyer_id,
            amount: order.total(),
        }))
        .await;
    }

    async fn authorize(&self, id: OrderId) {
        let order = self.get(id).await;
        self.hear(Event::PaymentAuthorized(Payment {
            id: PaymentId::new(noon()),
            version: 2,
            status: PaymentStatus::Authorized,
            order_id: id,
            buyer_id: order.buyer_id,
            amount: order.total(),
        }))
        .await;
    }

    async fn ask(&self, by: UserId, order: OrderId, quantity: Option<u32>) -> Result<Refund, RequestRefundError> {
        let asked = RequestRefund {
            order_id: order,
            by,
            quantity,
            reason: None,
        };
        self.db.write(move |tx| request_refund(tx, noon(), asked)).await
    }

    async fn decide(&self, by: UserId, refund: &Refund, approve: bool) -> Result<Refund, DecideRefundError> {
        let decision = DecideRefund {
            order_id: refund.order_id,
            refund_id: refund.id,
            by,
            approve,
        };
        self.db.write(move |tx| decide_refund(tx, noon(), decision)).await
    }

    async fn change(&self, version: u64, withdrawn: bool, terms: RefundTerms) {
        self.hear(Event::TicketUpdated(Ticket {
            version,
            withdrawn_at: withdrawn.then(noon),
            refund_terms: terms,
            ..self.ticket.clone()
        }))
        .await;
    }

    async fn progress(&self) -> Progress {
        let ticket = self.ticket.id;
        self.db.read(move |conn| store::progress(conn, ticket)).await.unwrap()
    }

    async fn retry(&self, seller: UserId) -> Result<(Timestamp, Progress), RetryWithdrawalError> {
        let ticket = self.ticket.id;
        self.db.write(move |tx| retry_withdrawal(tx, ticket, seller)).await
    }

    /// One turn of the job; says whether another is to follow.
    async fn turn(&self) -> bool {
        self.db
            .write(move |tx| refund_withdrawn_sales(tx, noon()))
            .await
            .unwrap();
        self.db.read(store::open_withdrawal).await.unwrap().is_some()
    }

    /// What was said, by the names of the events.
    async fn said(&self) -> Vec<String> {
        let read = |conn: &rusqlite::Connection| {
            let mut rows = conn.prepare("SELECT event_type FROM outbox ORDER BY id")?;
            let rows = rows.query_map([], |row| row.get(0))?;
            Ok::<_, db::Error>(rows.collect::<Result<Vec<String>, _>>()?)
        };
        self.db.read(read).await.unwrap()
    }
}

#[tokio::test]
async fn refunded_tickets_are_sold_again() {
    let world = World::with(3).await;
    let order = world.sold(3).await;
    let refund = world.ask(order.buyer_id, order.id, Some(2)).await.unwrap();
    assert_eq!(refund.status, RefundStatus::Requested);
    let refund = world.decide(order.seller_id, &refund, true).await.unwrap();
    assert_eq!((refund.status, refund.amount), (RefundStatus::Approved, usd(3998)));
    assert_eq!(
        world.stock().await,
        (3, 0, 3),
        "until the money is back they are the buyer's"
    );
    for _ in 0..2 {
        world.hear(paid_back(&order, 5, 3998, &refund)).await;
    }
    assert_eq!(world.stock().await, (3, 0, 1));
    assert!(world.order(2).await.is_ok());
    let order = world.get(order.id).await;
    assert_eq!((order.version, order.refunded_amount()), (3, 3998));
    let said = world.said().await;
    let after_the_sale: Vec<_> = said.iter().map(|name| name.trim_start_matches("ticketing.")).collect();
    assert_eq!(
        after_the_sale,
        [
            "order.created.v1",
            "order.completed.v1",
            "refund.requested.v1",
            "refund.approved.v1",
            "refund.paid.v1",
            "order.refunded.v1",
            "order.created.v1",
        ]
    );
    world.expect_sound().await;
}

#[tokio::test]
async fn where_the_listing_says_so_refunded_tickets_are_void() {
    let world = World::with(2).await;
    let void = RefundTerms {
        resell_refunded: false,
        ..RefundTerms::default()
    };
    world.change(2, false, void).await;
    let order = world.sold(2).await;
    let refund = world.ask(order.seller_id, order.id, None).await.unwrap();
    world.hear(paid_back(&order, 5, 3998, &refund)).await;
    assert_eq!(world.stock().await, (2, 0, 2));
    assert!(world.order(1).await.is_err());
    assert!(!world.refund(refund.id).await.returned);
    world.expect_sound().await;
}

#[tokio::test]
async fn a_buyer_has_what_the_listing_promised_when_the_order_was_placed_or_promises_now() {
    let world = World::with(5).await;
    let until = |moment| RefundTerms {
        refundable_until: Some(moment),
        ..RefundTerms::default()
    };
    let later = noon() + Duration::from_mins(1);
    world.change(2, false, until(later)).await;
    let early = world.sold(1).await;
    world.change(3, false, RefundTerms::default()).await;
    let late = world.sold(1).await;
    let ask = async |order: &Order| world.ask(order.buyer_id, order.id, None).await.unwrap().status;
    assert_eq!(ask(&early).await, RefundStatus::Approved, "it was promised");
    assert_eq!(ask(&late).await, RefundStatus::Requested);
    world.change(4, false, until(later)).await;
    let third = world.sold(1).await;
    assert_eq!(ask(&third).await, RefundStatus::Approved);
    world.expect_sound().await;
}

#[tokio::test]
async fn a_refund_that_could_not_be_paid_leaves_the_tickets_and_can_be_asked_for_again() {
    let world = World::with(1).await;
    let order = world.sold(1).await;
    let refund = world.ask(order.seller_id, order.id, None).await.unwrap();
    assert!(matches!(
        world.ask(order.buyer_id, order.id, None).await,
        Err(RequestRefundError::CannotRefund(CannotRefund::NothingLeft))
    ));
    world.hear(not_paid_back(&order, 5, 0, &refund)).await;
    let failed = world.refund(refund.id).await;
    assert_eq!(
        (failed.status, failed.failure.as_deref()),
        (RefundStatus::Failed, Some("The account is closed."))
    );
    assert_eq!(world.stock().await, (1, 0, 1));
    let again = world.ask(order.buyer_id, order.id, None).await.unwrap();
    assert_eq!(again.status, RefundStatus::Requested);
    // What was said to have failed was paid after all: then both would be more than was sold.
    let late = paid_back(&order, 6, 1999, &refund);
    assert!(world.try_hear(late).await.is_err(), "that is for somebody to look at");
    world.expect_sound().await;
}

#[tokio::test]
async fn only_buyer_and_seller_ask_and_only_the_seller_decides() {
    let world = World::with(2).await;
    let order = world.sold(2).await;
    let stranger = UserId::new(noon());
    assert!(matches!(
        world.ask(stranger, order.id, None).await,
        Err(RequestRefundError::NotFound(_))
    ));
    let refund = world.ask(order.buyer_id, order.id, Some(1)).await.unwrap();
    assert!(matches!(
        world.decide(order.buyer_id, &refund, true).await,
        Err(DecideRefundError::NotTheSeller)
    ));
    assert!(matches!(
        world.decide(stranger, &refund, true).await,
        Err(DecideRefundError::NotFound(_))
    ));
    world.decide(order.seller_id, &refund, false).await.unwrap();
    assert!(matches!(
        world.decide(order.seller_id, &refund, true).await,
        Err(DecideRefundError::Decided(Decided(RefundStatus::Declined)))
    ));
    // What was declined claims nothing.
    assert_eq!(world.ask(order.buyer_id, order.id, None).await.unwrap().quantity, 2);
    world.expect_sound().await;
}

#[tokio::test]
async fn a_disputed_order_is_frozen_until_the_bank_has_decided() {
    let world = World::with(2).await;
    let order = world.sold(1).await;
    let asked = world.ask(order.buyer_id, order.id, None).await.unwrap();
    world.hear(disputed(&order, 5, DisputeStatus::Open)).await;
    assert!(world.get(order.id).await.is_disputed());
    assert!(matches!(
        world.ask(order.seller_id, order.id, None).await,
        Err(RequestRefundError::CannotRefund(CannotRefund::Disputed))
    ));
    assert!(matches!(
        world.decide(order.seller_id, &asked, true).await,
        Err(DecideRefundError::CannotRefund(CannotRefund::Disputed))
    ));
    world.hear(disputed(&order, 6, DisputeStatus::Won)).await;
    world.hear(disputed(&order, 5, DisputeStatus::Open)).await;
    assert!(world.decide(order.seller_id, &asked, true).await.is_ok());

    let other = world.sold(1).await;
    world.hear(disputed(&other, 5, DisputeStatus::Open)).await;
    world.hear(disputed(&other, 6, DisputeStatus::Lost)).await;
    assert_eq!(world.get(other.id).await.refunded_amount(), 1999);
    assert!(
        world.ask(other.seller_id, other.id, None).await.is_err(),
        "nothing is paid back twice"
    );
    world.expect_sound().await;
}

#[tokio::test]
async fn money_given_back_by_hand_is_counted_and_no_ticket_goes_back() {
    let world = World::with(2).await;
    let order = world.sold(2).await;
    world
        .hear(Event::PaymentRefunded(reversal(&order, 5, 1000, None)))
        .await;
    let after = world.get(order.id).await;
    assert_eq!((after.refunded_amount(), after.after.tickets.refunded), (1000, 0));
    assert_eq!(world.stock().await, (2, 0, 2));
    world.expect_sound().await;
}

#[tokio::test]
async fn a_refund_that_nobody_knows_is_for_somebody_to_look_at() {
    let world = World::with(2).await;
    let order = world.sold(1).await;
    let refund = world.ask(order.seller_id, order.id, None).await.unwrap();
    let unknown = Refund {
        id: RefundId::new(noon()),
        ..refund
    };
    assert!(world.try_hear(paid_back(&order, 5, 1999, &unknown)).await.is_err());
    world.expect_sound().await;
}

#[tokio::test]
async fn a_withdrawn_listing_refunds_all_of_its_sales() {
    let world = World::with(500).await;
    let mut sold = Vec::new();
    for _ in 0..205 {
        sold.push(world.sold(1).await);
    }
    let partly = world.sold(3).await;
    let before = world.ask(partly.seller_id, partly.id, Some(1)).await.unwrap();
    world.hear(paid_back(&partly, 5, 1999, &before)).await;
    let asked = world.ask(partly.buyer_id, partly.id, Some(1)).await.unwrap();
    let disputed_one = world.sold(1).await;
    world.hear(disputed(&disputed_one, 5, DisputeStatus::Open)).await;
    let asked_about = world.sold(1).await;
    world.hear(disputed(&asked_about, 5, DisputeStatus::Open)).await;
    let being_paid = world.order(1).await.unwrap();
    world.authorize(being_paid).await;
    let open = world.order(1).await.unwrap();

    world.change(2, true, RefundTerms::default()).await;
    assert_eq!(world.status(open).await, "cancelled");
    // It goes on where it was, whoever turns: what one turn has done is in the database.
    assert!(world.turn().await);
    assert!(world.turn().await);
    while world.turn().await {}
    let said = world.said().await.len();
    world.turn().await;
    world.change(2, true, RefundTerms::default()).await;
    world.turn().await;
    assert_eq!(world.said().await.len(), said, "and nothing is done twice");
    assert_eq!(
        world.progress().await,
        Progress {
            orders: 209,
            refunded: 0,
            failed: 0,
            sent_back: 0,
        }
    );
    for order in &sold {
        let refunds = world.refunds(order.id).await;
        assert_eq!(refunds.len(), 1);
        assert_eq!(
            (refunds[0].asked_by, refunds[0].status),
            (AskedBy::Withdrawal, RefundStatus::Approved)
        );
    }
    assert_eq!(world.refund(asked.id).await.status, RefundStatus::Approved);
    let quantities: Vec<_> = world
        .refunds(partly.id)
        .await
        .iter()
        .map(|refund| refund.quantity)
        .collect();
    assert_eq!(quantities, [1, 1, 1]);

    // What is paid afterwards goes back, too; and what was disputed once the bank has let it go.
    world.pay(being_paid).await;
    assert_eq!(world.refunds(being_paid).await[0].asked_by, AskedBy::Withdrawal);
    assert_eq!(world.refunds(disputed_one.id).await, []);
    world.hear(disputed(&disputed_one, 6, DisputeStatus::Won)).await;
    assert_eq!(world.refunds(disputed_one.id).await.len(), 1);

    // A bank that has only asked a question says no more.
    assert_eq!(world.refunds(asked_about.id).await, []);
    world
        .hear(Event::PaymentDisputed(reversal(&asked_about, 6, 0, None)))
        .await;
    assert_eq!(world.refunds(asked_about.id).await.len(), 1);

    let (paid, failed) = (&sold[0], &sold[1]);
    world
        .hear(paid_back(paid, 5, 1999, &world.refunds(paid.id).await[0]))
        .await;
    world
        .hear(not_paid_back(failed, 5, 0, &world.refunds(failed.id).await[0]))
        .await;
    let progress = world.progress().await;
    assert_eq!((progress.refunded, progress.failed, progress.pending()), (1, 1, 207));
    world.expect_sound().await;
}

#[tokio::test]
async fn what_failed_of_a_withdrawal_is_refunded_again_when_its_seller_says_so() {
    let world = World::with(10).await;
    let [paid, sent_back, failed, open] = [
        world.sold(1).await,
        world.sold(1).await,
        world.sold(2).await,
        world.sold(1).await,
    ];
    let early = world.retry(world.ticket.seller_id).await.unwrap_err();
    assert!(matches!(early, RetryWithdrawalError::NotWithdrawn), "{early}");
    world.change(2, true, RefundTerms::default()).await;
    while world.turn().await {}
    for order in [&paid, &sent_back] {
        let refund = world.refunds(order.id).await.remove(0);
        world.hear(paid_back(order, 5, 1999, &refund)).await;
    }
    let refund = world.refunds(sent_back.id).await.remove(0);
    world.hear(not_paid_back(&sent_back, 6, 0, &refund)).await;
    let refund = world.refunds(failed.id).await.remove(0);
    world.hear(not_paid_back(&failed, 5, 0, &refund)).await;
    assert!(!world.turn().await, "not by itself");
    let stuck = Progress {
        orders: 4,
        refunded: 1,
        failed: 1,
        sent_back: 1,
    };
    assert_eq!(world.progress().await, stuck);

    let stranger = world.retry(UserId::new(noon())).await.unwrap_err();
    assert!(matches!(stranger, RetryWithdrawalError::NotFound(_)), "{stranger}");
    for _ in 0..2 {
        assert_eq!(world.retry(world.ticket.seller_id).await.unwrap().0, noon());
        while world.turn().await {}
    }
    let again = world.refunds(failed.id).await;
    assert_eq!(
        again
            .iter()
            .map(|refund| (refund.status, refund.quantity))
            .collect::<Vec<_>>(),
        [(RefundStatus::Failed, 2), (RefundStatus::Approved, 2)]
    );
    for (order, refunds) in [(&paid, 1), (&sent_back, 1), (&open, 1)] {
        assert_eq!(world.refunds(order.id).await.len(), refunds);
    }
    world.hear(paid_back(&failed, 6, 3998, &again[1])).await;
    assert_eq!(
        world.progress().await,
        Progress {
            refunded: 2,
            failed: 0,
            ..stuck
        }
    );
    world.expect_sound().await;
}

/// What people and the payment service may do about two orders, again and again.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask { seller: bool, quantity: u32 },
    Decide { which: usize, approve: bool },
    Answer { which: usize, paid: bool, old: bool },
    Dispute(DisputeStatus),
    Resell(bool),
    Withdraw,
    Retry,
    Turn,
    Buy(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (any::<bool>(), 1..3_u32).prop_map(|(seller, quantity)| Step::Ask { seller, quantity }),
        4 => (0..4_usize, any::<bool>()).prop_map(|(which, approve)| Step::Decide { which, approve }),
        6 => (0..4_usize, any::<bool>(), any::<bool>())
            .prop_map(|(which, paid, old)| Step::Answer { which, paid, old }),
        1 => prop::sample::select(vec![DisputeStatus::Open, DisputeStatus::Won]).prop_map(Step::Dispute),
        1 => any::<bool>().prop_map(Step::Resell),
        1 => Just(Step::Withdraw),
        1 => Just(Step::Retry),
        2 => Just(Step::Turn),
        2 => (1..3_u32).prop_map(Step::Buy),
    ];
    prop::collection::vec(step, 0..24)
}

impl World {
    async fn step(&self, step: Step, orders: &[OrderId; 2], version: u64) {
        let first = self.get(orders[0]).await;
        match step {
            Step::Ask { seller, quantity } => {
                let by = if seller { first.seller_id } else { first.buyer_id };
                let _ = self.ask(by, first.id, Some(quantity)).await;
            }
            Step::Decide { which, approve } => {
                if let Some(refund) = self.refunds(first.id).await.get(which) {
                    let _ = self.decide(refund.seller_id, refund, approve).await;
                }
            }
            Step::Answer { which, paid, old } => {
                // The payment service answers what was approved, and may say so again, or late.
                let refunds = self.refunds(first.id).await;
                let refund = refunds
                    .get(which)
                    .filter(|refund| ![RefundStatus::Requested, RefundStatus::Declined].contains(&refund.status));
                if let Some(refund) = refund {
                    let version = if old { 5 } else { version };
                    let event = if paid {
                        paid_back(&first, version, refund.amount.amount, refund)
                    } else {
                        not_paid_back(&first, version, 0, refund)
                    };
                    let _ = self.try_hear(event).await;
                }
            }
            Step::Dispute(status) => self.hear(disputed(&first, version, status)).await,
            Step::Resell(resell_refunded) => {
                let terms = RefundTerms {
                    resell_refunded,
                    ..RefundTerms::default()
                };
                self.change(version, false, terms).await;
            }
            // What is withdrawn stays so.
            Step::Withdraw => self.change(1000, true, RefundTerms::default()).await,
            Step::Retry => drop(self.retry(self.ticket.seller_id).await),
            Step::Turn => {
                self.turn().await;
            }
            Step::Buy(quantity) => drop(self.order(quantity).await),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever people ask and the payment service answers, in whatever order: the stock is exact, nothing is sold twice,
    /// and no more goes back than was sold.
    #[test]
    fn the_stock_is_exact_after_any_history_of_refunds(steps in steps()) {
        runtime().block_on(async move {
            let world = World::with(6).await;
            let orders = [world.sold(3).await.id, world.sold(2).await.id];
            for (version, step) in (6..).zip(steps) {
                world.step(step, &orders, version).await;
                let (quantity, held, sold) = world.stock().await;
                let (first, second) = (world.get(orders[0]).await, world.get(orders[1]).await);
                prop_assert!(held + sold <= quantity);
                prop_assert_eq!(sold, first.kept() + second.kept(), "{:?}", step);
                prop_assert!(first.claimed <= first.quantity && first.after.tickets.refunded <= first.claimed);
            }
            world.expect_sound().await;
            Ok::<_, TestCaseError>(())
        })?;
    }
}
