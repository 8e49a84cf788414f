use std::fmt::Display;

use bus::{AmqpUrl, BrokerLocator};
use discovery::{Resolver, ServiceName};
use tls::ClientTls;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{CommonSettings, OperatorError};

/// The path of auth's keys.
const JWKS_PATH: &str = "/api/v1/auth/jwks.json";

/// The address of auth without Consul.
const AUTH_ADDRESS: &str = "127.0.0.1:4001";

/// Returns the URL of auth's keys, or why it is not known.
pub(crate) type JwksUrl = Box<dyn Fn() -> Result<Url, String> + Send + Sync>;

/// The addresses of auth and of the broker: fixed ones, or those that Consul has at the time of the call.
pub(crate) struct Peers {
    pub(crate) jwks: JwksUrl,
    /// How the server of the keys is verified, if it has TLS.
    pub(crate) jwks_tls: Option<ClientTls>,
    pub(crate) broker: BrokerLocator,
}

impl Peers {
    /// Follows in Consul the services whose addresses are not fixed, until `shutdown`.
    pub(crate) fn follow(
        common: &CommonSettings,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, OperatorError> {
        let consul = common.bus.consul.agent().map_err(OperatorError::new)?;
        let follow = |service: &ServiceName| {
            let consul = consul.as_ref()?;
            Some(consul.watch(service.clone(), shutdown.clone(), tasks))
        };
        let amqp_url = common.bus.broker_url().map_err(OperatorError::new)?;
        Ok(Self {
            jwks_tls: common.jwks_tls().map_err(OperatorError::new)?,
            jwks: match (common.jwks_url.clone(), follow(&common.auth_service)) {
                (Some(url), _) => Box::new(move || Ok(url.clone())),
                (None, Some(auth)) => Box::new(move || jwks_of(&auth)),
                (None, None) => Box::new(|| jwks_at(AUTH_ADDRESS)),
            },
            broker: match common.bus.amqp_service.as_ref().and_then(follow) {
                Some(broker) => BrokerLocator::dynamic(move || broker_at(&broker, &amqp_url)),
                None => amqp_url.into(),
            },
        })
    }
}

fn jwks_of(auth: &Resolver) -> Result<Url, String> {
    let address = auth.address().map_err(|error| error.to_string())?;
    jwks_at(address)
}

fn jwks_at(address: impl Display) -> Result<Url, String> {
    format!("http://{address}{JWKS_PATH}")
        .parse()
        .map_err(|error| format!("{address}: {error}"))
}

fn broker_at(broker: &Resolver, url: &AmqpUrl) -> Result<AmqpUrl, String> {
    let address = broker.address().map_err(|error| error.to_string())?;
    Ok(url.with_address(&address.host, address.port))
}
