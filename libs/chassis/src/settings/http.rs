use std::{net::SocketAddr, time::Duration};

use super::{ConfigErrors, ConsulSettings, default_settings, in_range, parsed, seconds};
use crate::TrustedProxies;

/// The HTTP server of a service or of a site.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct HttpSettings {
    /// The address to listen on [default: 127.0.0.1 and the service's port]
    #[arg(long, env = "TICKETING_LISTEN", value_name = "ADDRESS", value_parser = parsed::<SocketAddr>)]
    pub listen: Option<SocketAddr>,
    /// Maximum number of connections, beyond which only health and metrics are served [default: what the limit of open files
    /// allows, at most 4096]
    #[arg(
        long,
        env = "TICKETING_MAX_CONNECTIONS",
        value_name = "COUNT",
        value_parser = in_range::<usize>(1..=1_000_000)
    )]
    pub max_connections: Option<usize>,
    /// Addresses or networks of the proxies in front, such as 10.0.0.5,10.0.0.6, whose X-Forwarded-For is trusted; `none` if
    /// clients connect directly [default: none; with Consul it must be given]
    #[arg(
        long,
        env = "TICKETING_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_name = "ADDRESS,…",
        value_parser = parsed::<TrustedProxies>
    )]
    pub trusted_proxies: TrustedProxies,
    /// Seconds to serve requests after the signal to stop (0 to 60): readiness fails at once, and the ingress needs this
    /// long to notice. What stops the service has to allow 30 seconds more before it kills it.
    #[arg(
        long = "drain-seconds",
        env = "TICKETING_DRAIN_SECONDS",
        default_value = "2",
        value_name = "SECONDS",
        value_parser = seconds(0..=60)
    )]
    pub drain_delay: Duration,
    /// The number of HTTP servers in this process, which share its limit of open files.
    #[arg(skip = 1_usize)]
    pub servers: usize,
}

impl HttpSettings {
    /// Returns the address to listen on: port 0 is any free one.
    pub(crate) fn listen_address(&self, default_port: u16) -> SocketAddr {
        self.listen
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], default_port)))
    }

    /// Adds the error of a server of a cluster whose proxies are not configured.
    pub(crate) fn validate_in_cluster(&self, consul: &ConsulSettings, errors: &mut ConfigErrors) {
        if consul.consul_url.is_some() && !self.trusted_proxies.is_configured() {
            errors.add(
                "--trusted-proxies",
                "needed with --consul-url: behind an ingress that is not named, all clients have its address and share one \
                 allowance; give the addresses of the ingress, or none if clients connect directly",
            );
        }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        default_settings()
    }
}
