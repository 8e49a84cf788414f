use std::path::PathBuf;

use discovery::{Consul, ConsulConfigError};
use tls::{ClientTls, TlsFiles};
use url::Url;

use super::{ConfigErrors, Secret, SecretArg, SecretFlag, Settings, default_settings, parsed};

/// The Consul agent that resolves the addresses of other services.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct ConsulSettings {
    /// The Consul agent on this machine, such as `http://127.0.0.1:8500` or `https://127.0.0.1:8501` [default: none, all addresses are fixed]
    #[arg(long = "consul-url", env = "TICKETING_CONSUL_URL", value_name = "URL", value_parser = parsed::<Url>)]
    pub consul_url: Option<Url>,
    /// The certificates of the CAs that may sign Consul's, for https, in PEM format [default: those of the operating system]
    #[arg(long, env = "TICKETING_CONSUL_CA_FILE", value_name = "FILE")]
    pub consul_ca_file: Option<PathBuf>,
    /// The certificate to present to Consul, for https.
    #[arg(long, env = "TICKETING_CONSUL_CERTIFICATE_FILE", value_name = "FILE")]
    pub consul_certificate_file: Option<PathBuf>,
    /// The private key of this certificate.
    #[arg(long, env = "TICKETING_CONSUL_KEY_FILE", value_name = "FILE")]
    pub consul_key_file: Option<PathBuf>,
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
        let Some(url) = &self.consul_url else {
            return Ok(None);
        };
        let tls = (url.scheme() == "https").then(|| ClientTls::load(&self.tls_files()));
        Ok(Some(Consul::new(url, token, tls.transpose()?.as_ref())?))
    }

    fn tls_files(&self) -> TlsFiles {
        TlsFiles {
            ca: self.consul_ca_file.clone(),
            certificate: self.consul_certificate_file.clone(),
            key: self.consul_key_file.clone(),
        }
    }
}

impl Settings for ConsulSettings {
    fn validate(&self, errors: &mut ConfigErrors) {
        errors.check("--consul-url", self.agent());
        let has_tls = self.consul_url.as_ref().is_some_and(|url| url.scheme() == "https");
        if !has_tls && !self.tls_files().is_empty() {
            errors.add(
                "--consul-ca-file",
                "certificates for Consul need --consul-url to begin with https",
            );
        }
    }
}

impl Default for ConsulSettings {
    fn default() -> Self {
        default_settings()
    }
}
