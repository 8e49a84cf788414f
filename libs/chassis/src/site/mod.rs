//! A site: pages for people, from a server without a database and without a broker. It shares the HTTP server, telemetry,
//! settings and the command line of services.

mod cli;
mod endpoint;
mod running;

use std::{fmt::Debug, future::Future};

use discovery::Consul;
use metrics::MetricsRegistry;
use poem::{Response, endpoint::BoxEndpoint};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::Clock;

pub use cli::{command_line, main};
pub use running::{RunningSite, start};

use crate::{OperatorError, Settings, TrustedProxies};

/// The parts of a site that differ from other sites.
pub trait Site: Send + Sync + 'static {
    /// The name, such as `storefront`: of its binary and in its metrics.
    const NAME: &'static str;
    /// Its purpose, in one sentence.
    const ABOUT: &'static str;
    /// Its default port.
    const PORT: u16;
    /// Its own settings.
    type Settings: Settings + Clone + Debug + Send + Sync + 'static;

    /// Builds its pages.
    fn start(
        context: SiteContext,
        settings: Self::Settings,
    ) -> impl Future<Output = Result<Pages, OperatorError>> + Send;
}

/// The resources that a site starts with.
#[derive(Clone, Debug)]
pub struct SiteContext {
    /// The clock.
    pub clock: Clock,
    /// Its metrics.
    pub metrics: MetricsRegistry,
    /// The Consul agent, if one is configured.
    pub consul: Option<Consul>,
    /// The proxies that state the addresses of their clients.
    pub proxies: TrustedProxies,
    /// Cancelled when the site stops.
    pub shutdown: CancellationToken,
    /// Tracks all spawned tasks, so that the stop waits for them.
    pub tasks: TaskTracker,
}

/// The pages of a site.
pub struct Pages {
    /// The paths with their methods: `("/events/{id}", "GET, HEAD")`. They name requests in metrics and traces.
    pub paths: Vec<(String, &'static str)>,
    /// Responds to all of them, and to every other path.
    pub endpoint: BoxEndpoint<'static, Response>,
}

impl Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.paths).finish()
    }
}
