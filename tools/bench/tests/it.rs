//! The load and the works on real servers, in the smallest size.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    cell::RefCell,
    path::PathBuf,
    time::{Duration, Instant},
};

use bench::{
    Plan, Progress, Recorder, Size, http,
    load::{ClosedLoop, OpenLoop, Schedule, run_closed, run_open},
    processes::Watched,
    results::{Results, Terms},
    targets::{Market, sign_up},
    works,
};
use poem::{
    Route, Server, get, handler,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
    post,
};
use sale_limits::SaleLimits;
use stack::{Settings, Stack};
use testkit::amqp_url;
use tokio::sync::{Notify, Semaphore};

fn settings(data: PathBuf) -> Settings {
    Settings {
        order: order::Settings {
            sale: SaleLimits::UNREACHED,
            ..order::Settings::default()
        },
        ..Settings::with_free_ports(data, amqp_url())
    }
}

/// The smallest plan that measures anything.
fn recorder() -> Recorder {
    let plan = Plan {
        repetitions: 1,
        warm_up: Duration::from_millis(20),
        round: Duration::from_millis(200),
        on_sale_tickets: 30,
        on_sale_rate: 200,
        ..Plan::of(Size::Quick)
    };
    Recorder {
        plan,
        results: Results::new(Terms::of_this_machine().unwrap()),
        progress: Progress::start(),
    }
}

#[tokio::test]
async fn every_work_on_a_running_marketplace_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let stack = Stack::start(settings(data.clone()), |_| {}).await.unwrap();
    let people = sign_up(stack.addr, 9).await.unwrap();
    let address = |url: String| url.trim_start_matches("http://").parse().unwrap();
    let services = stack.services().map(|(_, url)| address(url)).collect();
    let market = Market::new((stack.addr, services), data, std::process::id(), people).unwrap();
    let mut recorder = recorder();
    let ticket = market.list_tickets("Night of the orchestra", 100).await.unwrap();
    works::measure_reads(&mut recorder, &market, &ticket).await.unwrap();
    works::measure_listings(&mut recorder, &market).await.unwrap();
    works::measure_orders(&mut recorder, &market).await.unwrap();
    works::measure_mixed(&mut recorder, &market).await.unwrap();
    works::measure_on_sale(&mut recorder, &market).await.unwrap();
    works::measure_purchases(&mut recorder, &market).await.unwrap();
    for id in [
        "page.32.rate",
        "search.8.p99",
        "home.32.rate",
        "listing.32.rate",
        "order.128.rate",
        "order.128.applied",
        "mixed.page.32.rate",
        "on-sale.p99",
        "purchase.16.rate",
    ] {
        let figure = recorder
            .results
            .figure(id)
            .unwrap_or_else(|| panic!("{id} was not measured"));
        assert!(figure.samples.iter().all(|sample| *sample > 0.0), "{figure:?}");
    }
    // Eight buyers cannot hold 100 tickets: not exactly sold out, which fails the run.
    let unsold = works::measure_at_once(&mut recorder, &market).await.unwrap_err();
    assert!(unsold.to_string().contains("8 buyers of 100 tickets"), "{unsold}");
    let namespace = stack.namespace.clone();
    stack.stop().await;
    stack::delete_namespace(&amqp_url(), &namespace).await.unwrap();
}

/// Answers while permits last.
static PERMITS: Semaphore = Semaphore::const_new(0);

#[handler]
async fn wait_for_permit() -> StatusCode {
    let permit = PERMITS.acquire().await.unwrap();
    permit.forget();
    StatusCode::OK
}

#[handler]
fn refuse() -> StatusCode {
    StatusCode::CONFLICT
}

/// Starts a server whose `/wait` answers while permits last, and returns its address.
async fn start_server() -> std::net::SocketAddr {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let addr = *acceptor.local_addr()[0].as_socket_addr().unwrap();
    let routes = Route::new()
        .at("/wait", get(wait_for_permit))
        .at("/refuse", post(refuse));
    #[expect(clippy::disallowed_methods, reason = "ends with the test")]
    tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));
    addr
}

#[tokio::test]
async fn the_latency_of_an_open_loop_counts_from_the_moment_at_which_a_request_was_due() {
    let addr = start_server().await;
    let watched = Watched::default();
    let schedule = Schedule::new(100, Duration::from_millis(200));
    let plan = OpenLoop {
        addr,
        schedule,
        warm_up: Duration::ZERO,
        connections: 1,
        expected: &[200],
        watched: &watched,
    };
    let request = http::get(addr, "/wait", "");
    let (sent, is_sending) = (RefCell::new(Vec::new()), Notify::new());
    let load = run_open(plan, |_| {
        sent.borrow_mut().push(Instant::now());
        is_sending.notify_one();
        request.clone()
    });
    // The server stands still until every request is overdue, then it answers all of them at once. The first request is due
    // when it is sent, or before.
    let release = async {
        is_sending.notified().await;
        let first_sent = sent.borrow()[0];
        let overdue = first_sent + schedule.due(schedule.count() - 1).unwrap() + Duration::from_millis(50);
        tokio::time::sleep_until(overdue.into()).await;
        PERMITS.add_permits(1000);
    };
    let (outcome, ()) = tokio::join!(load, release);
    let outcome = outcome.unwrap();
    let sent = sent.into_inner();
    assert_eq!((outcome.count(200), sent.len()), (20, 20));
    // All but the first were sent long after they were due, and their latencies contain the wait: a generator that waited
    // with the server would have measured one slow request and 19 fast ones.
    let latencies = outcome.with_status(200).unwrap();
    assert!(latencies.percentile(50.0) >= 100.0, "{}", latencies.percentile(50.0));
    assert!(latencies.percentile(1.0) >= 45.0, "{}", latencies.percentile(1.0));
}

#[tokio::test]
async fn a_response_with_an_unexpected_status_fails_the_run() {
    let addr = start_server().await;
    let watched = Watched::default();
    let plan = ClosedLoop {
        addr,
        clients: 2,
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(30),
        max_requests: 10,
        expected: &[201],
        watched: &watched,
    };
    let request = http::post(addr, "/refuse", "", &serde_json::json!({}));
    let error = run_closed(plan, |_| request.clone()).await.unwrap_err();
    assert!(error.to_string().contains("status 409"), "{error}");
    let plan = ClosedLoop {
        expected: &[409],
        ..plan
    };
    let outcome = run_closed(plan, |_| request.clone()).await.unwrap();
    assert_eq!(outcome.count(409), 10);
}

#[tokio::test]
async fn another_machine_is_never_put_under_load() {
    let error = http::Connection::open("192.0.2.1:80".parse().unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not on this machine"), "{error}");
}
