use std::path::PathBuf;

use bus::{AmqpUrl, BrokerLocator, Namespace, TopologyMode};
use clap::ArgAction;
use discovery::ServiceName;
use tls::{ClientTls, TlsError, TlsFiles};
use values::Timestamp;

use super::{ConfigErrors, ConsulSettings, SecretArg, SecretFlag, Settings, default_settings, parsed};

/// The broker, and the names in it.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct BusSettings {
    /// The broker's address, amqp or amqps.
    #[command(flatten)]
    pub url: SecretArg<AmqpUrlFlag>,
    /// The certificates of the CAs that may sign the broker's, for amqps, in PEM format [default: those of the operating system]
    #[arg(long, env = "TICKETING_AMQP_CA_FILE", value_name = "FILE")]
    pub amqp_ca_file: Option<PathBuf>,
    /// The certificate to present to the broker, for amqps.
    #[arg(long, env = "TICKETING_AMQP_CERTIFICATE_FILE", value_name = "FILE")]
    pub amqp_certificate_file: Option<PathBuf>,
    /// The private key of this certificate.
    #[arg(long, env = "TICKETING_AMQP_KEY_FILE", value_name = "FILE")]
    pub amqp_key_file: Option<PathBuf>,
    /// The broker's service name in Consul. Consul provides host and port then, the broker's address the rest.
    #[arg(
        long,
        env = "TICKETING_AMQP_SERVICE",
        value_name = "NAME",
        value_parser = parsed::<ServiceName>
    )]
    pub amqp_service: Option<ServiceName>,
    /// The Consul agent.
    #[command(flatten)]
    pub consul: ConsulSettings,
    /// The prefix of all names in the broker: marketplaces that share a broker have different ones.
    #[arg(
        long,
        env = "TICKETING_NAMESPACE",
        default_value = "ticketing",
        value_name = "NAME",
        value_parser = parsed::<Namespace>
    )]
    pub namespace: Namespace,
    /// Who declares the exchanges and queues: declare (the service, whenever it connects) or existing (an operator, who imports
    /// the definitions; the service checks that they exist). A user with the permissions of the definitions needs existing.
    #[arg(
        long,
        env = "TICKETING_BROKER_TOPOLOGY",
        default_value = "declare",
        value_name = "WHO",
        value_parser = parsed::<TopologyMode>
    )]
    pub broker_topology: TopologyMode,
    /// The time until which messages without a user-id are applied, such as 2026-12-31T12:00:00Z: for an update from release
    /// 0.1, which sets none. Otherwise they are parked.
    #[arg(
        long,
        env = "TICKETING_UNIDENTIFIED_MESSAGES_UNTIL",
        value_name = "TIME",
        value_parser = parsed::<Timestamp>
    )]
    pub unidentified_messages_until: Option<Timestamp>,
    /// Whether several events share a message to the broker: true or false. All services must be of a release that has this
    /// setting: earlier ones park such messages. A later release will set it by default.
    #[arg(
        long,
        env = "TICKETING_EVENT_BATCHES",
        default_value = "false",
        value_name = "BOOL",
        action = ArgAction::Set,
        value_parser = parsed::<bool>
    )]
    pub event_batches: bool,
}

impl BusSettings {
    /// Returns the broker's address, with the certificates for its TLS.
    pub fn broker_url(&self) -> Result<AmqpUrl, TlsError> {
        let url = AmqpUrl::clone(&self.url);
        if !url.has_tls() {
            return Ok(url);
        }
        Ok(url.with_tls(ClientTls::load(&self.tls_files())?))
    }

    fn tls_files(&self) -> TlsFiles {
        TlsFiles {
            ca: self.amqp_ca_file.clone(),
            certificate: self.amqp_certificate_file.clone(),
            key: self.amqp_key_file.clone(),
        }
    }

    /// Returns the configuration of a service that neither consumes nor has timers.
    pub(crate) fn config(self, service: &'static str, broker: BrokerLocator) -> bus::Config {
        bus::Config {
            broker,
            namespace: self.namespace,
            topology: self.broker_topology,
            unidentified_until: self.unidentified_messages_until,
            event_batches: self.event_batches,
            service,
            delay_ladder: None,
            retry_delays: bus::RETRY_DELAYS,
            consumers: Vec::new(),
            recovery: None,
        }
    }
}

/// `--amqp-url` or `--amqp-url-file`.
#[derive(Clone, Copy, Debug)]
pub struct AmqpUrlFlag;

impl SecretFlag for AmqpUrlFlag {
    type Value = AmqpUrl;
    const FLAG: &'static str = "amqp-url";
    const ENV: &'static str = "TICKETING_AMQP_URL";
    const FILE_FLAG: &'static str = "amqp-url-file";
    const FILE_ENV: &'static str = "TICKETING_AMQP_URL_FILE";
    const VALUE_NAME: &'static str = "URL";
    const HELP: &'static str = "The broker's address, amqps:// for TLS. It contains a password: prefer --amqp-url-file";
    const FILE_HELP: &'static str = "The file that contains the broker's address.";
    const DEFAULT: Option<&'static str> = Some("amqp://guest:guest@127.0.0.1:5672/%2f");
}

impl Settings for BusSettings {
    fn validate(&self, errors: &mut ConfigErrors) {
        self.consul.validate(errors);
        errors.check("--amqp-ca-file", self.broker_url());
        if !self.url.has_tls() && !self.tls_files().is_empty() {
            errors.add(
                "--amqp-ca-file",
                "certificates for the broker need --amqp-url to begin with amqps",
            );
        }
        if self.amqp_service.is_some() && self.consul.consul_url.is_none() {
            errors.add("--amqp-service", "needs --consul-url");
        }
    }
}

impl Default for BusSettings {
    fn default() -> Self {
        default_settings()
    }
}
