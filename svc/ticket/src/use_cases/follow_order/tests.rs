use db::Tx;
use events::{AfterSale, Dispute, DisputeStatus, Order, OrderStatus, examples};
use proptest::prelude::*;

use super::*;
use crate::{
    domain::AdmissionChange,
    test_support::{NOW, codes, database},
    use_cases::record_order,
};

fn complete(quantity: u32) -> Order {
    Order {
        status: OrderStatus::Complete,
        version: 3,
        quantity,
        ..examples::order(NOW)
    }
}

/// The next state of a sale.
fn after(order: &Order, version: u64, refunded: u32, dispute: Option<DisputeStatus>) -> Order {
    Order {
        version,
        after_sale: Some(AfterSale {
            refunded_quantity: refunded,
            returned_quantity: 0,
            refunded_amount: order.total,
            dispute: dispute.map(|status| Dispute {
                status,
                amount: order.total,
            }),
        }),
        ..order.clone()
    }
}

fn record(tx: &Tx, order: &Order) {
    record_order(tx, NOW, &codes(), order).unwrap();
}

fn states(tx: &Tx, order: &Order) -> Vec<String> {
    let mut select = tx
        .prepare("SELECT number || ' ' || state FROM admission WHERE order_id = ? ORDER BY number")
        .unwrap();
    let states = select.query_map([order.id], |row| row.get(0)).unwrap();
    states.collect::<Result<_, _>>().unwrap()
}

fn published(tx: &Tx, name: &str) -> i64 {
    tx.query_row(
        "SELECT count(*) FROM outbox WHERE event_type = ?",
        [format!("ticketing.admission.{name}.v1")],
        |row| row.get(0),
    )
    .unwrap()
}

fn assert_sound(tx: &Tx) {
    for invariant in store::INVARIANTS {
        assert!(!invariant.is_violated(tx).unwrap(), "{}", invariant.name);
    }
}

#[test]
fn a_complete_order_gets_one_admission_for_each_ticket_once() {
    let tx = database();
    let order = complete(3);
    let open = Order {
        status: OrderStatus::AwaitingPayment,
        version: 2,
        ..order.clone()
    };
    record(&tx, &open);
    assert!(states(&tx, &order).is_empty(), "an order that is not paid has none");
    for _ in 0..3 {
        record(&tx, &order);
        record(&tx, &open);
    }
    assert_eq!(states(&tx, &order), ["1 valid", "2 valid", "3 valid"]);
    assert_eq!(published(&tx, "issued"), 3);
    assert_sound(&tx);
}

#[test]
fn a_refund_voids_the_last_unused_tickets_that_were_not_transferred_and_its_undoing_restores_them() {
    let tx = database();
    let order = complete(4);
    record(&tx, &order);
    let mut used = store::admission_of_order(&tx, order.id, 4).unwrap().unwrap();
    used.admit(Some("North gate".to_owned()), NOW, NOW).unwrap();
    store::update_admission(&tx, &used).unwrap();
    let mut given = store::admission_of_order(&tx, order.id, 3).unwrap().unwrap();
    let code = codes().new_code(order.ticket_id, given.id());
    given.transfer(values::UserId::new(NOW), code, NOW);
    store::update_admission(&tx, &given).unwrap();

    record(&tx, &after(&order, 4, 2, None));
    assert_eq!(states(&tx, &order), ["1 void", "2 void", "3 valid", "4 used"]);
    record(&tx, &after(&order, 5, 4, None));
    assert_eq!(states(&tx, &order), ["1 void", "2 void", "3 void", "4 void"]);
    record(&tx, &after(&order, 6, 3, None));
    assert_eq!(
        states(&tx, &order),
        ["1 void", "2 void", "3 void", "4 used"],
        "what was made void last is as it was"
    );
    assert_sound(&tx);
}

#[test]
fn a_lost_dispute_voids_all_and_a_dispute_won_restores_only_what_that_voided() {
    let tx = database();
    let order = complete(3);
    record(&tx, &after(&order, 4, 1, None));
    record(&tx, &after(&order, 5, 1, Some(DisputeStatus::Open)));
    assert_eq!(states(&tx, &order), ["1 valid", "2 valid", "3 void"]);
    record(&tx, &after(&order, 6, 1, Some(DisputeStatus::Lost)));
    assert_eq!(states(&tx, &order), ["1 void", "2 void", "3 void"]);
    assert_sound(&tx);
    record(&tx, &after(&order, 7, 1, Some(DisputeStatus::Won)));
    assert_eq!(states(&tx, &order), ["1 valid", "2 valid", "3 void"]);
    assert_eq!((published(&tx, "voided"), published(&tx, "restored")), (3, 2));
    assert_sound(&tx);
}

#[test]
fn the_admissions_of_a_large_order_are_issued_and_voided_in_steps() {
    let tx = database();
    let order = complete(120);
    record(&tx, &order);
    assert_eq!(states(&tx, &order).len(), 50);
    assert_sound(&tx);
    assert_eq!(store::orders_to_follow(&tx, 10).unwrap(), [order.id]);
    assert!(!follow_order(&tx, NOW, &codes(), order.id, 50).unwrap());
    assert!(follow_order(&tx, NOW, &codes(), order.id, 50).unwrap());
    assert_eq!(states(&tx, &order).len(), 120);
    record(&tx, &after(&order, 4, 120, None));
    while !follow_order(&tx, NOW, &codes(), order.id, 50).unwrap() {}
    assert!(states(&tx, &order).iter().all(|state| state.ends_with("void")));
    assert_eq!(store::orders_to_follow(&tx, 10).unwrap(), []);
    assert_sound(&tx);
}

#[test]
fn an_order_of_an_earlier_release_gets_its_admissions_when_it_is_published_again() {
    let tx = database();
    let order = complete(2);
    // As the earlier release stores it.
    tx.execute(
        "INSERT INTO hold (order_id, ticket_id, quantity, status, version, returned) VALUES (?, ?, 2, 'complete', 3, 0)",
        (order.id, order.ticket_id),
    )
    .unwrap();
    assert!(store::has_orders_without_details(&tx).unwrap());
    assert!(
        follow_order(&tx, NOW, &codes(), order.id, 50).unwrap(),
        "the buyer is not known"
    );
    assert!(states(&tx, &order).is_empty());
    record(&tx, &order);
    assert_eq!(states(&tx, &order), ["1 valid", "2 valid"]);
    assert!(!store::has_orders_without_details(&tx).unwrap());
    assert_sound(&tx);
}

#[test]
fn a_restored_database_gets_the_codes_that_people_have() {
    let (before, after_restore) = (database(), database());
    let order = complete(2);
    record(&before, &order);
    let mut used = store::admission_of_order(&before, order.id, 2).unwrap().unwrap();
    used.admit(Some("North gate".to_owned()), NOW, NOW).unwrap();
    store::update_admission(&before, &used).unwrap();
    publish_admission(&before, NOW, &used).unwrap();
    let mut select = before.prepare("SELECT body FROM outbox ORDER BY id").unwrap();
    let envelopes: Vec<Vec<u8>> = select
        .query_map([], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for _ in 0..2 {
        for envelope in &envelopes {
            let envelope = events::Envelope::parse(envelope).unwrap();
            crate::events::recover(&after_restore, NOW, &envelope).unwrap();
        }
    }
    record(&after_restore, &order);
    for number in [1, 2] {
        let find = |tx: &Tx| store::admission_of_order(tx, order.id, number).unwrap().unwrap();
        assert_eq!(find(&after_restore), find(&before));
    }
    assert_eq!(published(&after_restore, "issued"), 0, "nothing is issued again");
    assert_eq!(used.state().change, AdmissionChange::Used);
    assert_sound(&after_restore);
}

fn arriving() -> impl Strategy<Value = (Vec<Order>, Vec<Order>)> {
    let change = (0..4_u32, proptest::option::of(0..3_usize));
    (1..4_u32, proptest::collection::vec(change, 0..6)).prop_flat_map(|(quantity, changes)| {
        let order = complete(quantity);
        let mut states = vec![order.clone()];
        for (version, (refunded, dispute)) in (4..).zip(changes) {
            let dispute = dispute.map(|index| [DisputeStatus::Open, DisputeStatus::Lost, DisputeStatus::Won][index]);
            states.push(after(&order, version, refunded.min(quantity), dispute));
        }
        let again = proptest::sample::subsequence(states.clone(), 0..=states.len());
        (Just(states), again).prop_flat_map(|(states, again)| {
            let arriving = [states.clone(), again].concat();
            (Just(states), Just(arriving).prop_shuffle())
        })
    })
}

proptest! {
    #[test]
    fn in_any_order_and_with_repetitions_the_admissions_follow_the_newest_state((states_of, arriving) in arriving()) {
        let tx = database();
        for order in &arriving {
            record(&tx, order);
            assert_sound(&tx);
        }
        let newest = states_of.last().unwrap();
        let void = states(&tx, newest).iter().filter(|state| state.ends_with("void")).count();
        let sale = newest.after_sale.as_ref();
        let is_lost = sale.and_then(|sale| sale.dispute.as_ref()).is_some_and(|dispute| dispute.status == DisputeStatus::Lost);
        let expected = if is_lost { newest.quantity } else { sale.map_or(0, |sale| sale.refunded_quantity) };
        prop_assert_eq!(void, usize::try_from(expected).unwrap());
    }
}
