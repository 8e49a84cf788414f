use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::LoadOutcome;
use crate::{BenchResult, http::Connection, processes::Watched};

/// A number of clients that each send the next request when the response to the last one has arrived.
#[derive(Clone, Copy, Debug)]
pub struct ClosedLoop<'a> {
    /// The server.
    pub addr: SocketAddr,
    /// The number of clients, each with a connection of its own.
    pub clients: usize,
    /// The time at the start that is not measured.
    pub warm_up: Duration,
    /// The time that is measured.
    pub duration: Duration,
    /// The maximum number of requests, those of the warm-up included.
    pub max_requests: u64,
    /// The statuses that are no failure.
    pub expected: &'a [u16],
    /// The processes whose processor time is measured.
    pub watched: &'a Watched,
}

/// Runs a closed loop. `request` returns the bytes of the request with a number.
///
/// # Errors
///
/// A broken connection, and a response with an unexpected status.
pub async fn run_closed(plan: ClosedLoop<'_>, request: impl Fn(u64) -> Bytes) -> BenchResult<LoadOutcome> {
    let connections = try_join_all((0..plan.clients).map(|_| Connection::open(plan.addr))).await?;
    let (next, outcome) = (Cell::new(0_u64), RefCell::new(LoadOutcome::default()));
    let start = Instant::now();
    let (measured_from, end) = (start + plan.warm_up, start + plan.warm_up + plan.duration);
    let last_response = Cell::new(measured_from);
    let (next, outcome, last_response, request) = (&next, &outcome, &last_response, &request);
    let clients = connections.into_iter().map(|mut connection| async move {
        loop {
            let number = next.get();
            let sent = Instant::now();
            if sent >= end || number >= plan.max_requests {
                return BenchResult::Ok(());
            }
            next.set(number + 1);
            let bytes = request(number);
            let response = connection.send(&bytes).await?;
            let received = Instant::now();
            check_status(&response, plan.expected)?;
            // Also of those that were sent before the end: every wait is measured.
            if received >= measured_from {
                outcome.borrow_mut().add(&response, received - sent)?;
                last_response.set(received);
            }
        }
    });
    let cpu = async {
        sleep_until(measured_from).await;
        let before = plan.watched.cpu_times()?;
        // Ends early where the requests do.
        while Instant::now() < end && next.get() < plan.max_requests {
            sleep_until(end.min(Instant::now() + Duration::from_millis(5))).await;
        }
        BenchResult::Ok(plan.watched.cpu_times()?.since(&before))
    };
    let (_, cpu) = futures_util::future::try_join(try_join_all(clients), cpu).await?;
    let mut outcome = outcome.take();
    outcome.cpu = cpu;
    outcome.elapsed = last_response.get() - measured_from;
    Ok(outcome)
}

/// Sends all requests at the same time, each on a connection that is open already, and returns the responses with the
/// latencies. Any status is accepted.
///
/// # Errors
///
/// A broken connection.
pub async fn at_once(addr: SocketAddr, requests: &[Bytes], watched: &Watched) -> BenchResult<LoadOutcome> {
    let connections = try_join_all(requests.iter().map(|_| Connection::open(addr))).await?;
    let outcome = RefCell::new(LoadOutcome::default());
    let (before, start) = (watched.cpu_times()?, Instant::now());
    let (recorded, requests) = (&outcome, connections.into_iter().zip(requests));
    let clients = requests.map(|(mut connection, request)| async move {
        let response = connection.send(request).await?;
        recorded.borrow_mut().add(&response, start.elapsed())
    });
    try_join_all(clients).await?;
    let mut outcome = outcome.take();
    outcome.elapsed = start.elapsed();
    outcome.cpu = watched.cpu_times()?.since(&before);
    Ok(outcome)
}

pub(super) fn check_status(response: &crate::http::Response, expected: &[u16]) -> BenchResult<()> {
    if expected.contains(&response.status) {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&response.body);
    Err(format!("status {} instead of {expected:?}: {body}", response.status).into())
}

async fn sleep_until(moment: Instant) {
    tokio::time::sleep_until(moment.into()).await;
}
