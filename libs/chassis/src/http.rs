use std::{any::Any, io, net::SocketAddr, time::Duration};

use poem::{
    EndpointExt, IntoEndpoint, IntoResponse, Route, Server,
    endpoint::{BoxEndpoint, make, make_sync},
    get,
    http::StatusCode,
    listener::TcpAcceptor,
    middleware::{CatchPanic, PanicHandler},
    web::{Html, Json},
};
use serde_json::json;
use token::TrustedOrigins;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    OperatorError, Service,
    observed::{Meters, Observed},
    paths::Paths,
    readiness::Readiness,
    recovering::Gate,
    scrape::Scrape,
    spec,
};

/// Connections on which nothing happens are closed after this; so are those that never finish their headers.
const IDLE: Duration = Duration::from_mins(1);

/// How long requests that are under way may take to finish when the service stops.
const DRAIN: Duration = Duration::from_secs(10);

/// The address that a server listens on.
#[derive(Debug)]
pub struct BoundListener {
    listener: TcpListener,
    /// The address, with the real port.
    pub addr: SocketAddr,
}

impl BoundListener {
    /// Takes the address, or says in a sentence why that cannot be.
    pub async fn bind(addr: SocketAddr) -> Result<Self, OperatorError> {
        let listener = TcpListener::bind(addr).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => OperatorError(format!("{addr} is taken: another program listens there")),
            _ => OperatorError(format!("{addr} cannot be listened on: {error}")),
        })?;
        let addr = listener.local_addr().map_err(OperatorError::new)?;
        Ok(Self { listener, addr })
    }
}

/// Serves until shutdown, then lets what is under way finish.
pub fn serve(
    at: BoundListener,
    endpoint: impl IntoEndpoint<Endpoint: 'static> + Send + 'static,
    shutdown: CancellationToken,
    tasks: &TaskTracker,
) -> Result<(), OperatorError> {
    let addr = at.addr;
    let acceptor = TcpAcceptor::from_tokio(at.listener).map_err(OperatorError::new)?;
    let server = Server::new_with_acceptor(acceptor).idle_timeout(IDLE);
    tasks.spawn(async move {
        if let Err(error) = server
            .run_with_graceful_shutdown(endpoint, shutdown.cancelled_owned(), Some(DRAIN))
            .await
        {
            tracing::error!(%addr, %error, "the HTTP server ended");
        }
    });
    Ok(())
}

/// Everything that a service answers.
pub(crate) fn endpoint<S: Service>(
    app: S::App,
    verifier: token::Verifier,
    trusted: TrustedOrigins,
    readiness: Readiness,
    recovered: watch::Receiver<bool>,
    scrape: Scrape,
) -> BoxEndpoint<'static> {
    let document = spec::<S>();
    let paths = Paths::of(&document);
    let meters = Meters::of(scrape.metrics());
    let ready = make(move |_| {
        let readiness = readiness.clone();
        async move {
            let (ready, checks) = readiness.check().await;
            let status = if ready {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            Json(json!({"ready": ready, "checks": checks})).with_status(status)
        }
    });
    let routes = Route::new()
        .at("/health/live", get(make_sync(|_| Json(json!({"live": true})))))
        .at("/health/ready", get(ready))
        .at("/metrics", get(scrape))
        .at(
            "/docs",
            get(make_sync({
                let document = document.clone();
                move |_| Html(crate::swagger_ui(&document))
            })),
        )
        .at("/openapi.json", get(make_sync(move |_| Json(document.clone()))))
        .nest("/", spec::openapi_service::<S>())
        .with(CatchPanic::new().with_handler(Panicked))
        .data(app)
        .data(verifier)
        .data(trusted);
    Observed::new(Gate::new(routes, recovered), paths, meters).boxed()
}

#[derive(Clone)]
struct Panicked;

impl PanicHandler for Panicked {
    type Response = problem::Problem;

    fn get_response(&self, panic: Box<dyn Any + Send + 'static>) -> Self::Response {
        let told = panic.downcast_ref::<&str>().map(ToString::to_string);
        let told = told
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        problem::Problem::internal(&OperatorError(format!("a handler panicked: {told}")))
    }
}
