use std::sync::{Arc, Mutex};

use poem::{
    Endpoint, Request, Response, Server,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::{Address, Found};

const DEADLINE: Duration = Duration::from_secs(10);

/// What the double answers, from which index on.
#[derive(Clone, Debug)]
struct State {
    index: u64,
    status: StatusCode,
    ports: Vec<u16>,
}

/// Consul, as far as the health of one service is concerned: it holds an answer back until its index moves.
struct Double {
    consul: Consul,
    state: watch::Sender<State>,
    asked: Arc<Mutex<Vec<Asked>>>,
    _server: JoinSet<()>,
}

#[derive(Clone, Debug)]
struct Asked {
    path: String,
    query: String,
    token: Option<String>,
}

impl Asked {
    fn index(&self) -> u64 {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == "index")
            .map_or(0, |(_, index)| index.parse().unwrap())
    }
}

struct Handler {
    state: watch::Receiver<State>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Endpoint for Handler {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let asked = Asked {
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            token: request.header("x-consul-token").map(ToOwned::to_owned),
        };
        let index = asked.index();
        self.asked.lock().unwrap().push(asked);
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

impl Double {
    async fn with(ports: &[u16]) -> Self {
        let (state, receiver) = watch::channel(State {
            index: 10,
            status: StatusCode::OK,
            ports: ports.to_vec(),
        });
        let asked = Arc::default();
        let handler = Handler {
            state: receiver,
            asked: Arc::clone(&asked),
        };
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        let addr = acceptor.local_addr().remove(0).as_socket_addr().copied().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { Server::new_with_acceptor(acceptor).run(handler).await.unwrap() });
        let url = format!("http://{addr}").parse().unwrap();
        let pace = Pace {
            pause: Duration::ZERO,
            ..Pace::USUAL
        };
        let consul = Consul::new(&url, Some("s3cret")).unwrap().paced(pace);
        Self {
            consul,
            state,
            asked,
            _server: server,
        }
    }

    fn says(&self, index: u64, status: StatusCode, ports: &[u16]) {
        self.state.send_replace(State {
            index,
            status,
            ports: ports.to_vec(),
        });
    }

    /// Waits until it has been asked something like this.
    async fn is_asked(&self, like: impl Fn(&Asked) -> bool) -> Asked {
        let asking = async {
            loop {
                if let Some(asked) = self.asked.lock().unwrap().iter().rev().find(|asked| like(asked)) {
                    return asked.clone();
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, asking)
            .await
            .expect("it was never asked so")
    }

    fn forget_questions(&self) {
        self.asked.lock().unwrap().clear();
    }
}

fn service() -> ServiceName {
    "ticketing-auth".parse().unwrap()
}

/// Follows until the test ends.
fn follow(double: &Double) -> (Found, tokio_util::sync::DropGuard) {
    let stop = CancellationToken::new();
    let found = double.consul.follow(service(), stop.clone(), &TaskTracker::new());
    (found, stop.drop_guard())
}

async fn becomes(found: &mut Found, wanted: impl Fn(&Result<Address, crate::Unknown>) -> bool) {
    let becoming = async {
        while !wanted(&found.address()) {
            found.changed().await;
        }
    };
    tokio::time::timeout(DEADLINE, becoming)
        .await
        .expect("it never becomes so");
}

fn port(port: u16) -> impl Fn(&Result<Address, crate::Unknown>) -> bool {
    move |address| address.as_ref().is_ok_and(|address| address.port == port)
}

#[tokio::test]
async fn a_service_that_moves_is_found_again_as_soon_as_consul_knows() {
    let double = Double::with(&[4001]).await;
    let (mut found, _following) = follow(&double);
    becomes(&mut found, port(4001)).await;
    let asked = double.is_asked(|asked| asked.index() == 10).await;
    assert_eq!(asked.path, "/v1/health/service/ticketing-auth");
    assert_eq!(asked.query, "passing&stale&index=10&wait=15000ms");
    assert_eq!(asked.token.as_deref(), Some("s3cret"));
    double.says(11, StatusCode::OK, &[4002]);
    becomes(&mut found, port(4002)).await;
}

#[tokio::test]
async fn the_last_known_good_is_kept_while_consul_is_away_or_knows_nobody() {
    let double = Double::with(&[4001]).await;
    let (mut found, _following) = follow(&double);
    becomes(&mut found, port(4001)).await;
    double.says(11, StatusCode::OK, &[]);
    double.is_asked(|asked| asked.index() == 11).await;
    assert_eq!(found.address().unwrap().port, 4001);
    double.forget_questions();
    double.says(12, StatusCode::INTERNAL_SERVER_ERROR, &[]);
    // It asks again from the beginning, and does not wait for a change that it may have missed.
    double.is_asked(|asked| asked.index() == 0).await;
    assert_eq!(found.address().unwrap().port, 4001);
    double.says(13, StatusCode::OK, &[4003]);
    becomes(&mut found, port(4003)).await;
}

#[tokio::test]
async fn a_consul_whose_history_went_back_is_asked_from_the_beginning() {
    let double = Double::with(&[4001]).await;
    let (mut found, _following) = follow(&double);
    becomes(&mut found, port(4001)).await;
    double.is_asked(|asked| asked.index() == 10).await;
    double.forget_questions();
    double.says(3, StatusCode::OK, &[4002]);
    becomes(&mut found, port(4002)).await;
    double.is_asked(|asked| asked.index() == 0).await;
    double.is_asked(|asked| asked.index() == 3).await;
}

#[tokio::test]
async fn who_was_never_found_is_told_with_the_reason() {
    let double = Double::with(&[]).await;
    double.says(11, StatusCode::FORBIDDEN, &[]);
    let (mut found, _following) = follow(&double);
    let refused = |address: &Result<Address, crate::Unknown>| {
        address
            .as_ref()
            .is_err_and(|unknown| unknown.to_string().contains("it answered 403 Forbidden"))
    };
    becomes(&mut found, refused).await;
    double.says(12, StatusCode::OK, &[4001]);
    becomes(&mut found, port(4001)).await;
    assert_eq!(double.consul.locate(&service()).await.unwrap().port, 4001);
}
