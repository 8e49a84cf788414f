//! What is explored, and how far.

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use crate::world::{Bounds, Market};

/// Explores all of it; gives back how it can end.
fn explore(name: &str, market: Market) -> String {
    let began = Instant::now();
    let checker = market.checker().threads(threads()).spawn_bfs().join();
    let market = checker.model();
    let found = checker.discoveries();
    for (property, way) in &found {
        println!(
            "NOT: {property} {:?}, after",
            way.last_state().wrong.unwrap_or_default()
        );
        for action in way.clone().into_actions() {
            println!("  {}", market.format_action(&action));
        }
    }
    if let Some(bad) = &*market.bad.lock().unwrap() {
        println!("{}: a world that goes on with", bad.why);
        for action in &bad.way {
            println!("  {}", market.format_action(action));
        }
        println!(
            "{:#?}\n{:#?}\n{:#?}",
            market.order(&bad.end),
            market.payment(&bad.end),
            bad.end
        );
    }
    println!(
        "{name}: {} states, {} steps, depth {}; databases and their steps: order {:?}, payment {:?}; {:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        market.orders.size(),
        market.payments.size(),
        began.elapsed()
    );
    assert!(found.is_empty(), "{name}: see above");
    let ends = market.ends.lock().unwrap();
    ends.iter().cloned().collect::<Vec<_>>().join("; ")
}

/// What is found first in services that are broken, by the shortest way.
fn finds(order: Option<&'static str>, payment: Option<&'static str>) -> String {
    let checker = Market::flawed(ONCE, order, payment).checker();
    let checker = checker.finish_when(HasDiscoveries::Any).spawn_bfs().join();
    let found = checker.discoveries();
    let way = found.values().next().expect("it is found");
    let bad = checker.model().bad.lock().unwrap();
    let wrong = way.last_state().wrong.or(bad.as_ref().map(|bad| bad.why));
    wrong.unwrap_or_default().to_owned()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// All that may happen to an attempt to pay.
const ONCE: Bounds = Bounds {
    clock: 3,
    attempts: 1,
    cards: true,
    browsers: true,
    declines: 1,
    cancel: true,
    withdraw: true,
    webhooks: true,
    late: 1,
    lapses: 1,
    refusals: 1,
    refunds: 0,
    by_hand: 0,
    failures: 0,
    uncovered: 0,
    retries: 0,
};

/// What may happen to an order that is paid.
const SALE: Bounds = Bounds {
    clock: 4,
    withdraw: true,
    webhooks: true,
    late: 1,
    refunds: 1,
    failures: 1,
    attempts: 0,
    cards: false,
    browsers: false,
    declines: 0,
    cancel: false,
    lapses: 0,
    refusals: 0,
    by_hand: 0,
    uncovered: 0,
    retries: 0,
};

#[test]
fn an_attempt_to_pay() {
    let ends = explore("one attempt", Market::new(ONCE));
    assert_eq!(
        ends,
        "cancelled; cancelled failed; cancelled voided; complete captured; complete captured paid"
    );
}

#[test]
fn two_attempts_to_pay() {
    let bounds = Bounds {
        attempts: 2,
        declines: 0,
        refusals: 0,
        late: 0,
        webhooks: false,
        withdraw: false,
        ..ONCE
    };
    let ends = explore("two attempts", Market::new(bounds));
    assert_eq!(
        ends,
        "cancelled; cancelled failed; cancelled failed failed; cancelled failed voided; cancelled voided; \
         cancelled voided failed; cancelled voided voided; complete captured; complete failed captured; \
         complete voided captured"
    );
}

#[test]
fn a_sale_and_its_refunds() {
    let ends = explore("a sale", Market::new(SALE).sold());
    assert_eq!(
        ends,
        "complete captured; complete captured declined; complete captured declined failed; \
         complete captured declined paid; complete captured failed; complete captured failed declined; \
         complete captured failed paid; complete captured failed requested; complete captured paid; \
         complete captured paid declined; complete captured paid failed; complete captured paid paid; \
         complete captured requested"
    );
}

#[test]
fn a_withdrawn_sale_whose_refund_is_tried_again() {
    let bounds = Bounds {
        late: 0,
        refunds: 0,
        uncovered: 1,
        retries: 1,
        ..SALE
    };
    explore("a withdrawn sale", Market::new(bounds).sold());
}

#[test]
fn a_sale_that_somebody_refunds_by_hand() {
    let bounds = Bounds {
        clock: 0,
        withdraw: false,
        by_hand: 1,
        ..SALE
    };
    explore("a sale, refunded by hand", Market::new(bounds).sold());
}

/// Millions of states, some gigabytes: `cargo test -p model -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes, and for two attempts an hour"]
fn deeper() {
    let sale = Bounds {
        uncovered: 1,
        retries: 1,
        ..SALE
    };
    explore("a sale, with more", Market::new(sale).sold());
    let twice = Bounds {
        attempts: 2,
        withdraw: false,
        ..ONCE
    };
    explore("two attempts, with more", Market::new(twice));
}

#[test]
fn a_rule_that_is_broken_is_found() {
    let in_payment = |flaw| finds(None, Some(flaw));
    let in_order = |flaw| finds(Some(flaw), None);
    // Money is taken without the order's word.
    let found = in_payment("UPDATE payment SET status = 'capturing' WHERE status = 'authorized'");
    assert_eq!(
        found,
        "a payment is captured only for an order that was confirmed with it"
    );
    // Stripe is not asked to let go.
    let found = in_payment(
        "UPDATE payment SET status = 'voided', failure_kind = NULL, failure_code = NULL, failure_message = NULL
         WHERE status = 'voiding'",
    );
    assert_eq!(found, "a payment is not as its intent");
    // Nobody hears that a payment is over.
    let found = in_payment("DELETE FROM outbox WHERE event_type = 'ticketing.payment.failed.v1'");
    assert_eq!(found, "an order has not ended");
    // Nobody hears that an order ended.
    let found = in_order("DELETE FROM outbox WHERE event_type = 'ticketing.order.cancelled.v1'");
    assert_eq!(found, "the payment service has not heard how the order is");
    // A confirmed order goes back to where it can expire.
    let found = in_order(r#"UPDATE "order" SET status = 'created' WHERE status = 'awaiting:payment'"#);
    assert_eq!(
        found,
        "Stripe is asked to take money for an order that is not confirmed with that payment"
    );
}
