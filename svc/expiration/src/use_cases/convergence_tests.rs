//! Events in any order, with repetitions, lead to the same database.

use std::time::Duration;

use events::{CancelReason, Order, OrderStatus};
use proptest::prelude::*;

use crate::test_support::{NOON, ORDER_WINDOW, TestDb, next_version, order};

/// The sequences of states that an order can have.
fn order_histories() -> impl Strategy<Value = Vec<Order>> {
    let endings: &[&[(OrderStatus, Option<CancelReason>)]] = &[
        &[],
        &[(OrderStatus::AwaitingPayment, None)],
        &[(OrderStatus::AwaitingPayment, None), (OrderStatus::Complete, None)],
        // Complete, and then refunded.
        &[
            (OrderStatus::AwaitingPayment, None),
            (OrderStatus::Complete, None),
            (OrderStatus::Complete, None),
        ],
        &[
            (OrderStatus::AwaitingPayment, None),
            (OrderStatus::Cancelled, Some(CancelReason::PaymentFailed)),
        ],
        &[(OrderStatus::Cancelled, Some(CancelReason::User))],
        &[(OrderStatus::Cancelled, Some(CancelReason::TicketWithdrawn))],
        &[(OrderStatus::Cancelled, Some(CancelReason::Expired))],
    ];
    (any::<bool>(), prop::sample::select(endings)).prop_map(|(extended, ending)| {
        let mut history = vec![order()];
        if extended {
            let extension = next_version(&history[0], OrderStatus::Created, None);
            history.push(Order {
                expires_at: history[0].expires_at + ORDER_WINDOW,
                ..extension
            });
        }
        for (status, reason) in ending {
            history.push(next_version(&history[history.len() - 1], *status, *reason));
        }
        history
    })
}

/// One step of a test case.
#[derive(Clone, Debug)]
enum Step {
    TrackOrder(Box<Order>),
    ProcessTimer,
    ExpireOverdue,
}

/// Returns a history, and its states in any order with repetitions, between timer messages and sweeps.
fn consumed_events() -> impl Strategy<Value = (Vec<Order>, Vec<Step>)> {
    order_histories().prop_flat_map(|history| {
        let again = prop::collection::vec(prop::sample::select(history.clone()), 0..4);
        let timer_steps = prop::collection::vec(
            prop::sample::select(vec![Step::ProcessTimer, Step::ExpireOverdue]),
            0..4,
        );
        let all = history.clone();
        (again, timer_steps).prop_flat_map(move |(again, timer_steps)| {
            let states = all
                .iter()
                .cloned()
                .chain(again)
                .map(|order| Step::TrackOrder(Box::new(order)));
            (
                Just(all.clone()),
                Just(states.chain(timer_steps).collect::<Vec<_>>()).prop_shuffle(),
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn events_in_any_order_lead_to_the_same_database(
        (history, steps) in consumed_events(),
        // Before the deadlines, at the first, between the two, after both.
        minutes in prop::sample::select(vec![0, 14, 15, 20, 31]),
    ) {
        let now = NOON + Duration::from_mins(minutes);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let id = history[0].id;
            let expected = TestDb::new();
            expected.track_order(now, &history[history.len() - 1]).await;
            expected.process_timer(now, id).await;

            let db = TestDb::new();
            for step in &steps {
                match step {
                    Step::TrackOrder(order) => db.track_order(now, order).await,
                    Step::ProcessTimer => db.process_timer(now, id).await,
                    Step::ExpireOverdue => { db.expire_overdue_orders(now).await; }
                }
            }
            db.process_timer(now, id).await;
            prop_assert_eq!(db.timers().await, expected.timers().await);

            let mut expirations = db.published_expirations().await;
            prop_assert!(expirations.iter().all(|(_, deadline)| *deadline <= now), "before the deadline: {:?}", expirations);
            for due in expected.published_expirations().await {
                prop_assert!(expirations.contains(&due), "not published: {:?}", due);
            }
            let published = expirations.len();
            expirations.sort();
            expirations.dedup();
            prop_assert_eq!(published, expirations.len(), "a deadline is published twice");
            Ok(())
        })?;
    }
}
