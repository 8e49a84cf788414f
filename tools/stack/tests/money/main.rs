//! Property test of money under faults. Scripts of steps by users, banks and faults run on the real services; when
//! everything has settled, every cent must be accounted for.
//!
//! proptest shrinks and prints a script that fails; `assert_passes(&[…])` runs it again. `PROPTEST_CASES` sets the
//! number of scripts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actions;
mod checker;
mod conditions;
mod environment;
mod generator;
mod marketplace;
mod runner;
mod script;

use std::cell::{Cell, RefCell};

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Runtime;

use crate::{marketplace::Marketplace, script::*};

/// The number of scripts without `PROPTEST_CASES`.
const DEFAULT_CASES: u32 = 8;

#[expect(clippy::disallowed_methods, reason = "tests have no command line")]
fn cases() -> u32 {
    let configured = std::env::var("PROPTEST_CASES").ok();
    configured.map_or(DEFAULT_CASES, |cases| cases.parse().unwrap())
}

fn new_runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Runs a script in a marketplace, and checks the result.
async fn run_and_check(marketplace: &mut Marketplace, script: &[Step]) -> Result<(), String> {
    runner::run_script(marketplace, script).await;
    marketplace.env.check_after(script).await
}

/// Asserts that a script passes in a marketplace of its own. For scripts that failed once.
fn assert_passes(script: &[Step]) {
    let result = new_runtime().block_on(async {
        let mut marketplace = Marketplace::start().await;
        let result = run_and_check(&mut marketplace, script).await;
        marketplace.stop().await;
        result
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_dispute_after_a_full_refund_takes_no_money() {
    assert_passes(&[Pay(0, "tok_createDispute"), RefundAsSeller(0, None), RunScheduledEvents]);
}

#[test]
fn a_payment_of_unknown_outcome_is_resolved_a_day_later() {
    assert_passes(&[
        FailCalls(CreateIntent, Before, StoredStatus(500), 1),
        Pay(0, "tok_visa"),
        FailCalls(CreateIntent, After, StoredStatus(500), 1),
        Pay(1, "tok_visa"),
    ]);
}

#[test]
fn under_any_faults_every_cent_is_accounted_for() {
    let (runtime, shared) = (new_runtime(), RefCell::new(None));
    let (scripts, steps, faults) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        max_shrink_time: 300_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&generator::script(), |script| {
        scripts.set(scripts.get() + 1);
        steps.set(steps.get() + script.len());
        faults.set(faults.get() + script.iter().filter(|step| step.is_fault()).count());
        runtime.block_on(async {
            // Scripts share one marketplace until a script fails in it.
            let mut marketplace = match shared.take() {
                Some(marketplace) => marketplace,
                None => Marketplace::start().await,
            };
            let result = run_and_check(&mut marketplace, &script).await;
            match result {
                Ok(()) => drop(shared.replace(Some(marketplace))),
                Err(_) => marketplace.stop().await,
            }
            // The whole script, because a shrunk one may not reproduce a race.
            if let Err(reason) = &result {
                eprintln!("{reason}\n{script:?}\n");
            }
            result.map_err(TestCaseError::fail)
        })
    });
    eprintln!(
        "{} scripts, {} steps, {} of them faults",
        scripts.get(),
        steps.get(),
        faults.get()
    );
    if let Some(marketplace) = shared.take() {
        eprintln!("{}", runtime.block_on(marketplace.env.totals()));
        runtime.block_on(marketplace.stop());
    }
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, script)) => panic!("{reason}\n\nassert_passes(&{script:?});"),
        Err(abort) => panic!("{abort}"),
    }
}
