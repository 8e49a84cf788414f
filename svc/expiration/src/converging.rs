//! Whatever comes twice, late, or before what was said earlier: in the end the database is the same.

use std::time::Duration;

use events::{CancelReason, Order, OrderStatus};
use proptest::prelude::*;

use crate::{
    desk::Desk,
    timer::tests::{NOON, WINDOW, order, then},
};

/// The lives that an order can have, state after state.
fn lives() -> impl Strategy<Value = Vec<Order>> {
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
        let mut life = vec![order()];
        if extended {
            let extension = then(&life[0], OrderStatus::Created, None);
            life.push(Order {
                expires_at: life[0].expires_at + WINDOW,
                ..extension
            });
        }
        for (status, reason) in ending {
            life.push(then(&life[life.len() - 1], *status, *reason));
        }
        life
    })
}

/// Something that comes to this service's ears.
#[derive(Clone, Debug)]
enum Step {
    Hear(Box<Order>),
    Ring,
    Sweep,
}

/// A life as it may be heard: each state at least once, in any order, between timers that drop out and sweeps.
fn consumed_events() -> impl Strategy<Value = (Vec<Order>, Vec<Step>)> {
    lives().prop_flat_map(|life| {
        let again = prop::collection::vec(prop::sample::select(life.clone()), 0..4);
        let rings = prop::collection::vec(prop::sample::select(vec![Step::Ring, Step::Sweep]), 0..4);
        let all = life.clone();
        (again, rings).prop_flat_map(move |(again, rings)| {
            let states = all
                .iter()
                .cloned()
                .chain(again)
                .map(|order| Step::Hear(Box::new(order)));
            (
                Just(all.clone()),
                Just(states.chain(rings).collect::<Vec<_>>()).prop_shuffle(),
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_repetition_of_what_is_heard_ends_in_the_same_database(
        (life, steps) in consumed_events(),
        // Before the deadlines, at the first, between the two, after both.
        minutes in prop::sample::select(vec![0, 14, 15, 20, 31]),
    ) {
        let now = NOON + Duration::from_mins(minutes);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let id = life[0].id;
            let expected = Desk::new();
            expected.hear(now, &life[life.len() - 1]).await;
            expected.ring(now, id).await;

            let desk = Desk::new();
            for step in &steps {
                match step {
                    Step::Hear(order) => desk.hear(now, order).await,
                    Step::Ring => desk.ring(now, id).await,
                    Step::Sweep => { desk.sweep(now).await; }
                }
            }
            desk.ring(now, id).await;
            prop_assert_eq!(desk.timers().await, expected.timers().await);

            let mut announced = desk.announced().await;
            prop_assert!(announced.iter().all(|(_, deadline)| *deadline <= now), "too early: {:?}", announced);
            for due in expected.announced().await {
                prop_assert!(announced.contains(&due), "not said: {:?}", due);
            }
            let said = announced.len();
            announced.sort();
            announced.dedup();
            prop_assert_eq!(said, announced.len(), "a deadline is announced once");
            Ok(())
        })?;
    }
}
