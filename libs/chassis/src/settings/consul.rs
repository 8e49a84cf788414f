use discovery::{Consul, ConsulConfigError};
use url::Url;

use super::{ConfigErrors, Secret, SecretArg, SecretFlag, Settings, default_settings, parsed};

/// The Consul agent that resolves the addresses of other services.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct ConsulSettings {
    /// The Consul agent on this machine, such as `http://127.0.0.1:8500` [default: none, all addresses are fixed]
    #[arg(long = "consul-url", env = "TICKETING_CONSUL_URL", value_name = "URL", value_parser = parsed::<Url>)]
    pub consul_url: Option<Url>,
    /// The ACL token for Consul.
    #[command(flatten)]
    pub token: Option<SecretArg<ConsulToken>>,
}

/// `--consul-token` or `--consul-token-file`.
#[derive(Clone, Copy, Debug)]
pub struct ConsulToken;

impl SecretFlag for ConsulToken {
    type Value = Secret;
    const FLAG: &'static str = "consul-token";
    const ENV: &'static str = "TICKETING_CONSUL_TOKEN";
    const FILE_FLAG: &'static str = "consul-token-file";
    const FILE_ENV: &'static str = "TICKETING_CONSUL_TOKEN_FILE";
    const VALUE_NAME: &'static str = "TOKEN";
    const HELP: &'static str = "The access token for Consul: prefer --consul-token-file";
    const FILE_HELP: &'static str = "The file that contains the access token for Consul.";
}

impl ConsulSettings {
    /// Returns the agent, if one is configured.
    pub(crate) fn agent(&self) -> Result<Option<Consul>, ConsulConfigError> {
        let token = self.token.as_ref().map(|token| token.expose());
        let agent = self.consul_url.as_ref().map(|url| Consul::new(url, token));
        agent.transpose()
    }
}

impl Settings for ConsulSettings {
    fn validate(&self, errors: &mut ConfigErrors) {
        errors.check("--consul-url", self.agent());
    }
}

impl Default for ConsulSettings {
    fn default() -> Self {
        default_settings()
    }
}
