//! The explorations and their bounds.

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use crate::{state::Bounds, system::System};

/// Explores every state, and returns the end states.
fn explore(name: &str, system: System) -> String {
    let started = Instant::now();
    let checker = system.checker().threads(threads()).spawn_bfs().join();
    let system = checker.model();
    let violations = checker.discoveries();
    for (property, path) in &violations {
        println!(
            "VIOLATED: {property} {:?}, after",
            path.last_state().violation.unwrap_or_default()
        );
        for action in path.clone().into_actions() {
            println!("  {}", system.format_action(&action));
        }
    }
    if let Some(unsettled) = &*system.unsettled.lock().unwrap() {
        println!("{}: a state that continues with", unsettled.reason);
        for action in &unsettled.path {
            println!("  {}", system.format_action(action));
        }
        println!(
            "{:#?}\n{:#?}\n{:#?}",
            system.order(&unsettled.end),
            system.payment(&unsettled.end),
            unsettled.end
        );
    }
    println!(
        "{name}: {} states, {} steps, depth {}; databases and their steps: order {:?}, payment {:?}; {:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        system.orders.size(),
        system.payments.size(),
        started.elapsed()
    );
    assert!(violations.is_empty(), "{name}: see above");
    let ends = system.end_states.lock().unwrap();
    ends.iter().cloned().collect::<Vec<_>>().join("; ")
}

/// Returns the first violation in services with injected faults, on the shortest path.
fn first_violation(order: Option<&'static str>, payment: Option<&'static str>) -> String {
    let checker = System::with_injected_faults(ONE_ATTEMPT, order, payment).checker();
    let checker = checker.finish_when(HasDiscoveries::Any).spawn_bfs().join();
    let violations = checker.discoveries();
    let path = violations.values().next().expect("a violation");
    let unsettled = checker.model().unsettled.lock().unwrap();
    let reason = unsettled.as_ref().map(|unsettled| unsettled.reason);
    let violation = path.last_state().violation.or(reason);
    violation.unwrap_or_default().to_owned()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Everything that can happen to one payment attempt.
const ONE_ATTEMPT: Bounds = Bounds {
    clock: 3,
    attempts: 1,
    cards: true,
    browsers: true,
    declines: 1,
    cancel: true,
    withdraw: true,
    webhooks: true,
    delayed_requests: 1,
    lapses: 1,
    refused_captures: 1,
    refunds: 0,
    dashboard_refunds: 0,
    failed_refunds: 0,
    uncovered_refunds: 0,
    retries: 0,
};

/// Events after an order is paid.
const SALE: Bounds = Bounds {
    clock: 4,
    withdraw: true,
    webhooks: true,
    delayed_requests: 1,
    refunds: 1,
    failed_refunds: 1,
    attempts: 0,
    cards: false,
    browsers: false,
    declines: 0,
    cancel: false,
    lapses: 0,
    refused_captures: 0,
    dashboard_refunds: 0,
    uncovered_refunds: 0,
    retries: 0,
};

#[test]
fn one_payment_attempt_settles() {
    let ends = explore("one attempt", System::new(ONE_ATTEMPT));
    assert_eq!(
        ends,
        "cancelled; cancelled failed; cancelled voided; complete captured; complete captured paid"
    );
}

#[test]
fn two_payment_attempts_settle() {
    let bounds = Bounds {
        attempts: 2,
        declines: 0,
        refused_captures: 0,
        delayed_requests: 0,
        webhooks: false,
        withdraw: false,
        ..ONE_ATTEMPT
    };
    let ends = explore("two attempts", System::new(bounds));
    assert_eq!(
        ends,
        "cancelled; cancelled failed; cancelled failed failed; cancelled failed voided; cancelled voided; \
         cancelled voided failed; cancelled voided voided; complete captured; complete failed captured; \
         complete voided captured"
    );
}

#[test]
fn a_sale_and_its_refunds_settle() {
    let ends = explore("a sale", System::new(SALE).starting_with_sale());
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
fn a_withdrawn_sale_whose_refund_is_retried_settles() {
    let bounds = Bounds {
        delayed_requests: 0,
        refunds: 0,
        uncovered_refunds: 1,
        retries: 1,
        ..SALE
    };
    explore("a withdrawn sale", System::new(bounds).starting_with_sale());
}

#[test]
fn a_sale_that_is_refunded_in_the_dashboard_settles() {
    let bounds = Bounds {
        clock: 0,
        withdraw: false,
        dashboard_refunds: 1,
        ..SALE
    };
    explore(
        "a sale, refunded in the dashboard",
        System::new(bounds).starting_with_sale(),
    );
}

/// Millions of states, some gigabytes: `cargo test -p model -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes, and for two attempts an hour"]
fn wider_bounds_settle() {
    let sale = Bounds {
        uncovered_refunds: 1,
        retries: 1,
        ..SALE
    };
    explore("a sale, with more", System::new(sale).starting_with_sale());
    let two_attempts = Bounds {
        attempts: 2,
        withdraw: false,
        ..ONE_ATTEMPT
    };
    explore("two attempts, with more", System::new(two_attempts));
}

#[test]
fn a_broken_rule_is_found() {
    let in_payment = |fault| first_violation(None, Some(fault));
    let in_order = |fault| first_violation(Some(fault), None);
    // A capture before the order is confirmed.
    let violation = in_payment("UPDATE payment SET status = 'capturing' WHERE status = 'authorized'");
    assert_eq!(
        violation,
        "a payment is captured only for an order that was confirmed with it"
    );
    // A payment that is not voided at Stripe.
    let violation = in_payment(
        "UPDATE payment SET status = 'voided', failure_kind = NULL, failure_code = NULL, failure_message = NULL
         WHERE status = 'voiding'",
    );
    assert_eq!(violation, "a payment does not agree with its intent");
    // A failure of a payment that is not published.
    let violation = in_payment("DELETE FROM outbox WHERE event_type = 'ticketing.payment.failed.v1'");
    assert_eq!(violation, "an order has not ended");
    // A cancellation that is not published.
    let violation = in_order("DELETE FROM outbox WHERE event_type = 'ticketing.order.cancelled.v1'");
    assert_eq!(
        violation,
        "the payment service has not consumed the last event of the order"
    );
    // A confirmed order that can expire again.
    let violation = in_order(r#"UPDATE "order" SET status = 'created' WHERE status = 'awaiting:payment'"#);
    assert_eq!(
        violation,
        "a capture is requested for an order that is not confirmed with that payment"
    );
}
