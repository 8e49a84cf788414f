use std::time::Duration;

use futures_util::future::try_join;

use super::PAGE;
use crate::{
    BenchResult,
    limits::{Tokens, hashes_per_second, sum_of_threads, verifications_per_second},
    load::{LoadOutcome, OpenLoop, Schedule, run_open},
    processes::CpuTimes,
    recorder::Recorder,
    results::Better,
    targets::{Market, measure_sign_ins},
};

/// The pages per second that are requested beside sign-ins: few, so that they wait for the passwords and not for each other.
const PAGES_PER_SECOND: u32 = 500;

/// The maximum number of pages in flight.
const PAGE_CONNECTIONS: usize = 32;

/// Measures sign-ins to the first `accounts` accounts, alone and beside readers, then argon2id alone, and access tokens.
///
/// # Errors
///
/// That of the load.
pub async fn measure_sign_in(recorder: &mut Recorder, market: &Market, accounts: usize) -> BenchResult<()> {
    let (warm_up, round) = (recorder.plan.warm_up, recorder.plan.round);
    let sign_ins = || measure_sign_ins(market.addr, accounts, warm_up, round, &market.watched);
    // The hash alone is measured before and after, since the speed of the memory changes within seconds.
    let before = sum_of_threads(hashes_per_second, round / 2)?;
    recorder.record_load("sign-in.8", &sign_ins().await?, 200)?;
    let after = sum_of_threads(hashes_per_second, round / 2)?;
    recorder.record("argon2id.all.rate", "per s", Better::More, f64::midpoint(before, after));
    recorder.record_load("page.open", &pages(market, warm_up, round).await?, 200)?;
    let (_, mut beside) = try_join(sign_ins(), pages(market, warm_up, round)).await?;
    // It contains the hashes.
    beside.cpu = CpuTimes::default();
    recorder.record_load("sign-in.page", &beside, 200)?;
    for (id, tokens) in [("token.rate", Tokens::New), ("token.known.rate", Tokens::Known)] {
        let rate = tokio::task::spawn_blocking(move || verifications_per_second(tokens, round / 2)).await??;
        recorder.record(id, "per s", Better::More, rate);
    }
    Ok(())
}

async fn pages(market: &Market, warm_up: Duration, round: Duration) -> BenchResult<LoadOutcome> {
    let page = market.get(PAGE);
    let plan = OpenLoop {
        addr: market.addr,
        schedule: Schedule::new(PAGES_PER_SECOND, warm_up + round),
        warm_up,
        connections: PAGE_CONNECTIONS,
        expected: &[200],
        watched: &market.watched,
    };
    run_open(plan, |_| page.clone()).await
}
