use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use bus::{AmqpUrl, Namespace};
use discovery::{Consul, ServiceName};
use url::Url;

use crate::{ConfigErrors, Secret, Service, peers::Discovery, telemetry::LogFormat};

/// Where the broker is, and under which names.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BusArgs {
    /// The broker's address. It holds a password: prefer --amqp-url-file [default: `amqp://guest:guest@127.0.0.1:5672/%2f`]
    #[arg(long, env = "TICKETING_AMQP_URL", hide_env_values = true, value_name = "URL")]
    amqp_url: Option<String>,
    /// The file that holds the broker's address.
    #[arg(long, env = "TICKETING_AMQP_URL_FILE", value_name = "FILE")]
    amqp_url_file: Option<String>,
    /// What the broker is called in Consul. Host and port are Consul's then, the rest is the broker's address'.
    #[arg(long, env = "TICKETING_AMQP_SERVICE", requires = "consul_url", value_name = "NAME")]
    amqp_service: Option<String>,
    #[command(flatten)]
    consul: ConsulArgs,
    /// What all names in the broker begin with: marketplaces that share a broker differ here.
    #[arg(long, env = "TICKETING_NAMESPACE", default_value = "ticketing", value_name = "NAME")]
    namespace: String,
}

/// The Consul agent that knows where the others are.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_field_names, reason = "flags are named after their fields")]
pub(crate) struct ConsulArgs {
    /// The Consul agent on this machine, such as `http://127.0.0.1:8500` [default: none, all addresses are fixed]
    #[arg(long, env = "TICKETING_CONSUL_URL", value_name = "URL")]
    consul_url: Option<String>,
    /// What Consul lets us in with: prefer --consul-token-file
    #[arg(long, env = "TICKETING_CONSUL_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    consul_token: Option<String>,
    /// The file that holds what Consul lets us in with.
    #[arg(long, env = "TICKETING_CONSUL_TOKEN_FILE", value_name = "FILE")]
    consul_token_file: Option<String>,
}

impl ConsulArgs {
    fn settings(&self, errors: &mut ConfigErrors) -> Option<Consul> {
        let (token, file) = (self.consul_token.as_deref(), self.consul_token_file.as_deref());
        let token = errors.secret("--consul-token", token, file);
        let url = errors.parse::<Url>("--consul-url", self.consul_url.as_deref()?)?;
        errors.check("--consul-url", Consul::new(&url, token.as_ref().map(Secret::expose)))
    }
}

/// The broker's side of the configuration, understood.
#[derive(Clone, Debug)]
pub struct BusSettings {
    /// Where the broker is.
    pub url: AmqpUrl,
    /// What all names in the broker begin with.
    pub namespace: Namespace,
}

impl BusArgs {
    /// Where Consul is, and what the broker is called there; both, either or none of them.
    pub(crate) fn discovery(&self, errors: &mut ConfigErrors) -> (Option<Consul>, Option<ServiceName>) {
        let broker = self
            .amqp_service
            .as_deref()
            .and_then(|name| errors.parse("--amqp-service", name));
        (self.consul.settings(errors), broker)
    }

    pub(crate) fn settings(&self, errors: &mut ConfigErrors) -> Option<BusSettings> {
        const DEFAULT: &str = "amqp://guest:guest@127.0.0.1:5672/%2f";
        let given = errors.secret("--amqp-url", self.amqp_url.as_deref(), self.amqp_url_file.as_deref());
        let url = errors.parse("--amqp-url", given.as_ref().map_or(DEFAULT, |url| url.expose()));
        let namespace = errors.parse("--namespace", &self.namespace);
        Some(BusSettings {
            url: url?,
            namespace: namespace?,
        })
    }
}

/// How to log.
#[derive(Clone, Debug, clap::Args)]
pub struct LogArgs {
    /// What to log: a level, or a list such as info,order=debug.
    #[arg(
        long,
        env = "TICKETING_LOG",
        default_value = "info",
        value_name = "FILTER",
        global = true
    )]
    pub log: String,
    /// json (one object a line) or human [default: human on a terminal, else json]
    #[arg(long, env = "TICKETING_LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
}

impl LogArgs {
    /// The format, understood.
    pub fn format(&self, errors: &mut ConfigErrors) -> Option<LogFormat> {
        match &self.log_format {
            Some(format) => errors.parse("--log-format", format),
            None => Some(LogFormat::of_the_terminal()),
        }
    }
}

/// Where the database is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DatabaseArgs {
    /// The database file; its folder must exist [default: .data/<service>.db]
    #[arg(long, env = "TICKETING_DATABASE", value_name = "FILE", global = true)]
    database: Option<PathBuf>,
}

impl DatabaseArgs {
    pub(crate) fn path<S: Service>(&self) -> PathBuf {
        self.database
            .clone()
            .unwrap_or_else(|| format!(".data/{}.db", S::NAME).into())
    }
}

/// The flags that all services have.
#[derive(Clone, Debug, clap::Args)]
pub struct CommonArgs {
    /// The address to listen on [default: 127.0.0.1 and the service's port]
    #[arg(long, env = "TICKETING_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,
    #[command(flatten)]
    bus: BusArgs,
    /// What auth is called in Consul: there are the keys that access tokens are verified with.
    #[arg(
        long,
        env = "TICKETING_AUTH_SERVICE",
        default_value = "ticketing-auth",
        value_name = "NAME"
    )]
    auth_service: String,
    /// Where the keys are published that access tokens are verified with [default: where Consul says, else
    /// `http://127.0.0.1:4001/api/v1/auth/jwks.json`]
    #[arg(long, env = "TICKETING_JWKS_URL", value_name = "URL")]
    jwks_url: Option<String>,
    /// Who issues access tokens: their `iss`.
    #[arg(
        long,
        env = "TICKETING_TOKEN_ISSUER",
        default_value = "ticketing",
        value_name = "NAME"
    )]
    token_issuer: String,
    /// Whom access tokens are for: their `aud`.
    #[arg(
        long,
        env = "TICKETING_TOKEN_AUDIENCE",
        default_value = "ticketing",
        value_name = "NAME"
    )]
    token_audience: String,
    /// Origins of pages that may write with the session cookie, besides the service's own: `https://shop.example`
    #[arg(
        long,
        env = "TICKETING_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    allowed_origins: Vec<String>,
}

/// The flags that all services have, understood.
#[derive(Clone, Debug)]
pub struct CommonSettings {
    /// The address to listen on; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The broker.
    pub bus: BusSettings,
    /// Where the keys are published that access tokens are verified with.
    pub jwks_url: Url,
    /// Who issues access tokens.
    pub token_issuer: String,
    /// Whom access tokens are for.
    pub token_audience: String,
    /// Origins of pages that may write with the session cookie.
    pub allowed_origins: Vec<String>,
}

const JWKS_URL: &str = "http://127.0.0.1:4001/api/v1/auth/jwks.json";

impl CommonArgs {
    /// Who is looked for in Consul: nobody without one, and nobody whose address is given.
    pub(crate) fn discovery(&self, errors: &mut ConfigErrors) -> Option<Discovery> {
        let (consul, broker) = self.bus.discovery(errors);
        let auth = errors
            .parse("--auth-service", &self.auth_service)
            .filter(|_| self.jwks_url.is_none());
        Some(Discovery {
            consul: consul?,
            auth,
            broker,
        })
    }

    pub(crate) fn settings<S: Service>(&self, errors: &mut ConfigErrors) -> Option<CommonSettings> {
        let listen = match &self.listen {
            Some(address) => errors.parse("--listen", address),
            None => Some(SocketAddr::from(([127, 0, 0, 1], S::PORT))),
        };
        let bus = self.bus.settings(errors);
        let jwks_url = errors.parse("--jwks-url", self.jwks_url.as_deref().unwrap_or(JWKS_URL));
        let mut origins = Vec::new();
        for origin in &self.allowed_origins {
            origins.extend(errors.check("--allowed-origins", parse_origin(origin)));
        }
        Some(CommonSettings {
            listen: listen?,
            bus: bus?,
            jwks_url: jwks_url?,
            token_issuer: self.token_issuer.clone(),
            token_audience: self.token_audience.clone(),
            allowed_origins: origins,
        })
    }
}

fn parse_origin(text: &str) -> Result<String, String> {
    let url = Url::from_str(text.trim()).map_err(|error| format!("{text}: {error}"))?;
    let origin = url.origin();
    if origin.is_tuple() && url.path() == "/" && url.query().is_none() {
        Ok(origin.ascii_serialization())
    } else {
        Err(format!("{text}: must be an origin such as https://shop.example"))
    }
}
