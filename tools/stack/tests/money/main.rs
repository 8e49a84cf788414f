//! Money, whatever goes wrong: scripts of what people, banks and misfortune do are played on the real services, and when
//! all is at rest, every cent has to be where it belongs.
//!
//! A script that fails is printed, as short as proptest could make it: `is_well(&[…])` plays it again. `PROPTEST_CASES` says
//! how many are tried.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod judge;
mod market;
mod play;
mod script;

use std::cell::{Cell, RefCell};

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use tokio::runtime::Runtime;

use crate::{market::Market, script::*};

/// How many scripts are tried, unless somebody wants more.
const CASES: u32 = 8;

#[expect(clippy::disallowed_methods, reason = "tests have no command line")]
fn cases() -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.map_or(CASES, |cases| cases.parse().unwrap())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Plays a script in a marketplace, and judges.
async fn played(market: &mut Market, script: &[Step]) -> Result<(), String> {
    play::play(market, script).await;
    market.world.judged(script).await
}

/// Plays a script in a marketplace of its own: what was found once is not to come back.
fn is_well(script: &[Step]) {
    let well = runtime().block_on(async {
        let mut market = Market::open().await;
        let well = played(&mut market, script).await;
        market.close().await;
        well
    });
    assert_eq!(well, Ok(()));
}

#[test]
fn a_bank_that_comes_when_the_money_is_back_already_takes_nothing() {
    is_well(&[Pays(0, "tok_createDispute"), GivesBack(0, None), Later]);
}

#[test]
fn what_stripe_never_says_of_a_payment_is_known_a_day_later() {
    is_well(&[
        Breaks(Authorize, Before, Keeps(500), 1),
        Pays(0, "tok_visa"),
        Breaks(Authorize, After, Keeps(500), 1),
        Pays(1, "tok_visa"),
    ]);
}

#[test]
fn whatever_goes_wrong_every_cent_is_where_it_belongs() {
    let (runtime, market) = (runtime(), RefCell::new(None));
    let (scripts, steps, faults) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config {
        cases: cases(),
        failure_persistence: None,
        max_shrink_time: 300_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&script(), |script| {
        scripts.set(scripts.get() + 1);
        steps.set(steps.get() + script.len());
        faults.set(faults.get() + script.iter().filter(|step| step.is_a_fault()).count());
        runtime.block_on(async {
            // One marketplace for all that goes well; what did not go well is nobody else's trouble.
            let mut open = match market.take() {
                Some(open) => open,
                None => Market::open().await,
            };
            let well = played(&mut open, &script).await;
            match well {
                Ok(()) => drop(market.replace(Some(open))),
                Err(_) => open.close().await,
            }
            // Before it is made shorter: a race may not be lost so again.
            if let Err(why) = &well {
                eprintln!("{why}\n{script:?}\n");
            }
            well.map_err(TestCaseError::fail)
        })
    });
    eprintln!(
        "{} scripts, {} steps, {} of them faults",
        scripts.get(),
        steps.get(),
        faults.get()
    );
    if let Some(open) = market.take() {
        eprintln!("{}", runtime.block_on(open.world.tally()));
        runtime.block_on(open.close());
    }
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, script)) => panic!("{why}\n\nis_well(&{script:?});"),
        Err(abort) => panic!("{abort}"),
    }
}
