use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use metrics::MetricsRegistry;
use poem::{Response, endpoint::BoxEndpoint};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use values::Clock;

use super::{Site, SiteContext, endpoint::Endpoints};
use crate::{
    OperatorError, SiteSettings,
    http::{BoundListener, Server, ServerLimits, ServerShutdown},
    running::end_tasks,
};

/// A running site.
pub struct RunningSite {
    /// The address that it listens on.
    pub addr: SocketAddr,
    /// Its pages, for a front door in the same process.
    pub endpoint: Arc<BoxEndpoint<'static, Response>>,
    name: &'static str,
    drain_delay: Duration,
    draining: CancellationToken,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl fmt::Debug for RunningSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.name, self.addr)
    }
}

/// Starts a site: binds its port, builds its pages, serves.
pub async fn start<S: Site>(
    settings: SiteSettings,
    own: S::Settings,
    clock: Clock,
) -> Result<RunningSite, OperatorError> {
    // For the ids of its requests, in a process that writes no log.
    telemetry::install_default();
    start_traced::<S>(settings, own, clock)
        .instrument(telemetry::service_span(S::NAME))
        .await
}

async fn start_traced<S: Site>(
    SiteSettings { http, consul }: SiteSettings,
    own: S::Settings,
    clock: Clock,
) -> Result<RunningSite, OperatorError> {
    let listener = BoundListener::bind(http.listen_address(S::PORT)).await?;
    let addr = listener.addr;
    let (draining, shutdown, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    let metrics = MetricsRegistry::new(S::NAME);
    let context = SiteContext {
        clock,
        metrics: metrics.clone(),
        consul: consul.agent().map_err(OperatorError::new)?,
        proxies: http.trusted_proxies.clone(),
        shutdown: shutdown.clone(),
        tasks: tasks.clone(),
    };
    let pages = S::start(context, own).await?;
    let endpoints = Endpoints::new(pages, metrics.clone(), http.trusted_proxies.clone(), draining.clone());
    let server_shutdown = ServerShutdown {
        draining: draining.clone(),
        stopping: shutdown.clone(),
    };
    Server::new(endpoints.all)
        .limits(ServerLimits::of_each(http.servers, http.max_connections))
        .trusted_proxies(http.trusted_proxies)
        .metrics(&metrics)
        .serve(listener, server_shutdown, &tasks);
    tracing::info!(service = S::NAME, %addr, "serving");
    Ok(RunningSite {
        addr,
        endpoint: endpoints.pages,
        name: S::NAME,
        drain_delay: http.drain_delay,
        draining,
        shutdown,
        tasks,
    })
}

impl RunningSite {
    /// Stops in order: readiness fails, no new requests after a delay, running requests end.
    pub async fn stop(self) {
        self.draining.cancel();
        if !self.drain_delay.is_zero() {
            tracing::info!(service = self.name, delay = ?self.drain_delay, "stopping, requests are served meanwhile");
            tokio::time::sleep(self.drain_delay).await;
        }
        end_tasks(self.name, &self.shutdown, &self.tasks).await;
        tracing::info!(service = self.name, "stopped");
    }
}
