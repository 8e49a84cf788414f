use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use tokio::sync::Semaphore;

use super::{LoadOutcome, Schedule, closed_loop::check_status, pacer::Pacer};
use crate::{BenchResult, http::Connection, processes::Watched};

/// Requests that are due by a schedule. A latency counts from the moment at which the request was due, so that the time for
/// which a slow server keeps later requests waiting is measured (no coordinated omission).
#[derive(Clone, Copy, Debug)]
pub struct OpenLoop<'a> {
    /// The server.
    pub addr: SocketAddr,
    /// When the requests are due.
    pub schedule: Schedule,
    /// The time at the start that is not measured.
    pub warm_up: Duration,
    /// The maximum number of requests in flight; more wait in the generator, and their latencies grow.
    pub connections: usize,
    /// The statuses that are no failure.
    pub expected: &'a [u16],
    /// The processes whose processor time is measured.
    pub watched: &'a Watched,
}

/// Runs an open loop. `request` returns the bytes of the request with a number.
///
/// # Errors
///
/// A broken connection, and a response with an unexpected status.
pub async fn run_open(plan: OpenLoop<'_>, request: impl Fn(u64) -> Bytes) -> BenchResult<LoadOutcome> {
    let connections = try_join_all((0..plan.connections).map(|_| Connection::open(plan.addr))).await?;
    let outcome = RefCell::new(LoadOutcome::default());
    // Requests that are due and not sent: numbers and moments.
    let due = RefCell::new(VecDeque::new());
    let permits = Semaphore::new(0);
    let pacer = Pacer::new()?;
    let start = Instant::now();
    let measured_from = start + plan.warm_up;
    let last_response = Cell::new(measured_from);
    let (outcome_ref, due_ref, permits_ref, last, request) = (&outcome, &due, &permits, &last_response, &request);
    let clients = connections.into_iter().map(|mut connection| async move {
        // An error: the semaphore is closed, because every request is sent.
        while let Ok(permit) = permits_ref.acquire().await {
            permit.forget();
            let Some((number, due)) = due_ref.borrow_mut().pop_front() else {
                continue;
            };
            let bytes: Bytes = request(number);
            let response = connection.send(&bytes).await?;
            let received = Instant::now();
            check_status(&response, plan.expected)?;
            if due >= measured_from {
                outcome_ref.borrow_mut().add(&response, received - due)?;
                last.set(received);
            }
        }
        BenchResult::Ok(())
    });
    let pace = async {
        let mut before = None;
        for number in 0..plan.schedule.count() {
            let moment = start + plan.schedule.due(number).unwrap_or_default();
            pacer.wait_until(moment).await?;
            if before.is_none() && moment >= measured_from {
                before = Some(plan.watched.cpu_times()?);
            }
            due.borrow_mut().push_back((number, moment));
            permits.add_permits(1);
            if number % 64 == 63 {
                // Behind its schedule, the pacer does not wait, and the clients have to run as well.
                tokio::task::yield_now().await;
            }
        }
        while !due.borrow().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        permits.close();
        let after = plan.watched.cpu_times()?;
        BenchResult::Ok(before.map(|before| after.since(&before)).unwrap_or_default())
    };
    let (_, cpu) = try_join(try_join_all(clients), pace).await?;
    let mut outcome = outcome.take();
    outcome.cpu = cpu;
    outcome.elapsed = last_response.get() - measured_from;
    Ok(outcome)
}
