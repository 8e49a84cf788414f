use bus::{AmqpUrl, BrokerLocator};
use discovery::{Consul, Found, ServiceName};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::CommonSettings;

/// Where the keys stand at auth.
const JWKS_PATH: &str = "/api/v1/auth/jwks.json";

/// Who is looked for in Consul; the addresses of all others are fixed.
#[derive(Clone, Debug)]
pub(crate) struct Discovery {
    pub(crate) consul: Consul,
    pub(crate) auth: Option<ServiceName>,
    pub(crate) broker: Option<ServiceName>,
}

/// Where the others are, now and whenever it is asked.
pub(crate) struct Peers {
    pub(crate) jwks: Box<dyn Fn() -> Result<Url, String> + Send + Sync>,
    pub(crate) broker: BrokerLocator,
}

impl Peers {
    /// Follows those who are looked for in Consul, until `shutdown`.
    pub(crate) fn follow(
        common: &CommonSettings,
        discovery: Option<&Discovery>,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let find = |service: fn(&Discovery) -> &Option<ServiceName>| {
            let discovery = discovery?;
            let service = service(discovery).clone()?;
            Some(discovery.consul.follow(service, shutdown.clone(), tasks))
        };
        let (jwks_url, amqp_url) = (common.jwks_url.clone(), common.bus.url.clone());
        Self {
            jwks: match find(|discovery| &discovery.auth) {
                Some(auth) => Box::new(move || jwks_at(&auth)),
                None => Box::new(move || Ok(jwks_url.clone())),
            },
            broker: match find(|discovery| &discovery.broker) {
                Some(broker) => BrokerLocator::moving(move || broker_at(&broker, &amqp_url)),
                None => amqp_url.into(),
            },
        }
    }
}

fn jwks_at(auth: &Found) -> Result<Url, String> {
    let address = auth.address().map_err(|unknown| unknown.to_string())?;
    format!("http://{address}{JWKS_PATH}")
        .parse()
        .map_err(|error| format!("{address}: {error}"))
}

fn broker_at(broker: &Found, url: &AmqpUrl) -> Result<AmqpUrl, String> {
    let address = broker.address().map_err(|unknown| unknown.to_string())?;
    Ok(url.at(&address.host, address.port))
}
