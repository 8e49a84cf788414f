use std::sync::{Arc, Mutex};

use poem::{
    Endpoint, Request, Response, Server,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::{Address, NoHealthyInstance, Resolver};

const DEADLINE: Duration = Duration::from_secs(10);

/// The response of the fake Consul, and its index.
#[derive(Clone, Debug)]
struct State {
    index: u64,
    status: StatusCode,
    ports: Vec<u16>,
}

/// A fake Consul with the health of one service. It delays its response until the index changes.
struct FakeConsul {
    consul: Consul,
    state: watch::Sender<State>,
    queries: Arc<Mutex<Vec<Query>>>,
    _server: JoinSet<()>,
}

#[derive(Clone, Debug)]
struct Query {
    path: String,
    parameters: String,
    token: Option<String>,
}

impl Query {
    fn index(&self) -> u64 {
        url::form_urlencoded::parse(self.parameters.as_bytes())
            .find(|(key, _)| key == "index")
            .map_or(0, |(_, index)| index.parse().unwrap())
    }
}

struct Handler {
    state: watch::Receiver<State>,
    queries: Arc<Mutex<Vec<Query>>>,
}

impl Endpoint for Handler {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let query = Query {
            path: request.uri().path().to_owned(),
            parameters: request.uri().query().unwrap_or_default().to_owned(),
            token: request.header("x-consul-token").map(ToOwned::to_owned),
        };
        let index = query.index();
        self.queries.lock().unwrap().push(query);
        let mut state = self.state.clone();
        let state = state.wait_for(|state| state.index != index).await.unwrap().clone();
        let node = |port: &u16| format!(r#"{{"Node": {{"Address": "127.0.0.1"}}, "Service": {{"Port": {port}}}}}"#);
        let body = state.ports.iter().map(node).collect::<Vec<_>>().join(", ");
        Ok(Response::builder()
            .status(state.status)
            .header("x-consul-index", state.index)
            .body(format!("[{body}]")))
    }
}

impl FakeConsul {
    async fn start(ports: &[u16]) -> Self {
        let (state, receiver) = watch::channel(State {
            index: 10,
            status: StatusCode::OK,
            ports: ports.to_vec(),
        });
        let queries = Arc::default();
        let handler = Handler {
            state: receiver,
            queries: Arc::clone(&queries),
        };
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let addr = acceptor.local_addr().remove(0).as_socket_addr().copied().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { Server::new_with_acceptor(acceptor).run(handler).await.unwrap() });
        let url = format!("http://{addr}").parse().unwrap();
        let timing = QueryTiming {
            min_interval: Duration::ZERO,
            ..QueryTiming::DEFAULT
        };
        let consul = Consul::new(&url, Some("s3cret"), None).unwrap().with_timing(timing);
        Self {
            consul,
            state,
            queries,
            _server: server,
        }
    }

    fn respond(&self, index: u64, status: StatusCode, ports: &[u16]) {
        self.state.send_replace(State {
            index,
            status,
            ports: ports.to_vec(),
        });
    }

    /// Waits for a query that matches.
    async fn wait_for_query(&self, matches: impl Fn(&Query) -> bool) -> Query {
        let waiting = async {
            loop {
                if let Some(query) = self.queries.lock().unwrap().iter().rev().find(|query| matches(query)) {
                    return query.clone();
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect("no such query")
    }

    fn clear_queries(&self) {
        self.queries.lock().unwrap().clear();
    }
}

fn service() -> ServiceName {
    "ticketing-auth".parse().unwrap()
}

/// Watches until the test ends.
fn watch(fake: &FakeConsul) -> (Resolver, tokio_util::sync::DropGuard) {
    let stop = CancellationToken::new();
    let resolver = fake.consul.watch(service(), stop.clone(), &TaskTracker::new());
    (resolver, stop.drop_guard())
}

async fn wait_for_address(resolver: &mut Resolver, wanted: impl Fn(&Result<Address, NoHealthyInstance>) -> bool) {
    let waiting = async {
        while !wanted(&resolver.address()) {
            resolver.changed().await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting)
        .await
        .expect("the address was never resolved");
}

fn port(port: u16) -> impl Fn(&Result<Address, NoHealthyInstance>) -> bool {
    move |address| address.as_ref().is_ok_and(|address| address.port == port)
}

#[tokio::test]
async fn a_service_that_moves_is_resolved_as_soon_as_consul_reports_it() {
    let fake = FakeConsul::start(&[4001]).await;
    let (mut resolver, _watching) = watch(&fake);
    wait_for_address(&mut resolver, port(4001)).await;
    let query = fake.wait_for_query(|query| query.index() == 10).await;
    assert_eq!(query.path, "/v1/health/service/ticketing-auth");
    assert_eq!(query.parameters, "passing&stale&index=10&wait=15000ms");
    assert_eq!(query.token.as_deref(), Some("s3cret"));
    fake.respond(11, StatusCode::OK, &[4002]);
    wait_for_address(&mut resolver, port(4002)).await;
}

#[tokio::test]
async fn the_last_known_addresses_are_kept_while_consul_fails_or_reports_no_instance() {
    let fake = FakeConsul::start(&[4001]).await;
    let (mut resolver, _watching) = watch(&fake);
    wait_for_address(&mut resolver, port(4001)).await;
    fake.respond(11, StatusCode::OK, &[]);
    fake.wait_for_query(|query| query.index() == 11).await;
    assert_eq!(resolver.address().unwrap().port, 4001);
    fake.clear_queries();
    fake.respond(12, StatusCode::INTERNAL_SERVER_ERROR, &[]);
    // The next query has no index: it does not wait for a change that may have been missed.
    fake.wait_for_query(|query| query.index() == 0).await;
    assert_eq!(resolver.address().unwrap().port, 4001);
    fake.respond(13, StatusCode::OK, &[4003]);
    wait_for_address(&mut resolver, port(4003)).await;
}

#[tokio::test]
async fn a_consul_whose_index_went_back_is_queried_without_an_index() {
    let fake = FakeConsul::start(&[4001]).await;
    let (mut resolver, _watching) = watch(&fake);
    wait_for_address(&mut resolver, port(4001)).await;
    fake.wait_for_query(|query| query.index() == 10).await;
    fake.clear_queries();
    fake.respond(3, StatusCode::OK, &[4002]);
    wait_for_address(&mut resolver, port(4002)).await;
    fake.wait_for_query(|query| query.index() == 0).await;
    fake.wait_for_query(|query| query.index() == 3).await;
}

#[tokio::test]
async fn a_service_that_was_never_resolved_is_an_error_with_the_reason() {
    let fake = FakeConsul::start(&[]).await;
    fake.respond(11, StatusCode::FORBIDDEN, &[]);
    let (mut resolver, _watching) = watch(&fake);
    let refused = |address: &Result<Address, NoHealthyInstance>| {
        address
            .as_ref()
            .is_err_and(|error| error.to_string().contains("it answered 403 Forbidden"))
    };
    wait_for_address(&mut resolver, refused).await;
    fake.respond(12, StatusCode::OK, &[4001]);
    wait_for_address(&mut resolver, port(4001)).await;
    assert_eq!(fake.consul.locate(&service()).await.unwrap().port, 4001);
}
