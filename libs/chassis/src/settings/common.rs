use std::{path::PathBuf, str::FromStr, time::Duration};

use discovery::ServiceName;
use tls::{ClientTls, TlsError, TlsFiles};
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{BusSettings, ConfigErrors, HttpSettings, Settings, default_settings, in_range, list_of, parsed};
use crate::{LogFormat, Service};

/// The log.
#[derive(Clone, Debug, clap::Args)]
pub struct LogSettings {
    /// What to log: a level, or a list such as info,order=debug.
    #[arg(
        long,
        env = "TICKETING_LOG",
        default_value = "info",
        value_name = "FILTER",
        value_parser = log_filter,
        global = true
    )]
    pub log: String,
    /// json (one object a line) or human [default: human on a terminal, else json]
    #[arg(
        long,
        env = "TICKETING_LOG_FORMAT",
        value_name = "FORMAT",
        value_parser = parsed::<LogFormat>,
        global = true
    )]
    pub log_format: Option<LogFormat>,
}

impl LogSettings {
    /// Returns the format: the default depends on where the log goes.
    pub fn format(&self) -> LogFormat {
        self.log_format.unwrap_or_else(LogFormat::of_the_terminal)
    }
}

/// Checks a log filter; [`start_telemetry`](crate::start_telemetry) takes its text.
pub fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The database.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DatabaseSettings {
    /// The database file; its folder must exist [default: .data/<service>.db]
    #[arg(long, env = "TICKETING_DATABASE", value_name = "FILE", global = true)]
    database: Option<PathBuf>,
}

impl DatabaseSettings {
    pub(crate) fn path<S: Service>(&self) -> PathBuf {
        self.database
            .clone()
            .unwrap_or_else(|| format!(".data/{}.db", S::NAME).into())
    }
}

/// The settings that all services have.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct CommonSettings {
    /// The HTTP server.
    #[command(flatten)]
    pub http: HttpSettings,
    /// The days for which the audit log is kept.
    #[arg(
        long = "audit-retention-days",
        env = "TICKETING_AUDIT_RETENTION_DAYS",
        default_value = "365",
        value_name = "DAYS",
        value_parser = in_range::<u32>(1..=36_500)
    )]
    pub audit_retention_days: u32,
    /// The broker.
    #[command(flatten)]
    pub bus: BusSettings,
    /// The service name of auth in Consul: auth publishes the keys that verify access tokens.
    #[arg(
        long,
        env = "TICKETING_AUTH_SERVICE",
        default_value = "ticketing-auth",
        value_name = "NAME",
        value_parser = parsed::<ServiceName>
    )]
    pub auth_service: ServiceName,
    /// The address of the keys that verify access tokens [default: from Consul, else
    /// `http://127.0.0.1:4001/api/v1/auth/jwks.json`]
    #[arg(long, env = "TICKETING_JWKS_URL", value_name = "URL", value_parser = parsed::<Url>)]
    pub jwks_url: Option<Url>,
    /// The certificates of the CAs that may sign that of an https address of the keys, in PEM format [default: those of the
    /// operating system]
    #[arg(long, env = "TICKETING_JWKS_CA_FILE", value_name = "FILE")]
    pub jwks_ca_file: Option<PathBuf>,
    /// The issuer of access tokens: their `iss`.
    #[arg(
        long,
        env = "TICKETING_TOKEN_ISSUER",
        default_value = token::DEFAULT_ISSUER,
        value_name = "NAME"
    )]
    pub token_issuer: String,
    /// The audience of access tokens: their `aud`.
    #[arg(
        long,
        env = "TICKETING_TOKEN_AUDIENCE",
        default_value = token::DEFAULT_AUDIENCE,
        value_name = "NAME"
    )]
    pub token_audience: String,
    /// Origins of other pages that may read and write (CORS), also with the session cookie: `https://shop.example` [default: none]
    #[arg(
        long,
        env = "TICKETING_ALLOWED_ORIGINS",
        default_value = "",
        hide_default_value = true,
        value_name = "ORIGIN,…",
        value_parser = list_of(origin)
    )]
    pub allowed_origins: ::std::vec::Vec<String>,
}

impl CommonSettings {
    /// Returns how long the audit log is kept.
    pub(crate) fn audit_retention(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.audit_retention_days))
    }

    /// Returns how the server of the keys is verified, if it has TLS.
    pub(crate) fn jwks_tls(&self) -> Result<Option<ClientTls>, TlsError> {
        let files = TlsFiles {
            ca: self.jwks_ca_file.clone(),
            ..TlsFiles::default()
        };
        let has_tls = self.jwks_url.as_ref().is_some_and(|url| url.scheme() == "https");
        has_tls.then(|| ClientTls::load(&files)).transpose()
    }
}

impl Settings for CommonSettings {
    fn validate(&self, errors: &mut ConfigErrors) {
        self.bus.validate(errors);
        if let Some(None) = errors.check("--jwks-ca-file", self.jwks_tls())
            && self.jwks_ca_file.is_some()
        {
            errors.add("--jwks-ca-file", "needs --jwks-url to begin with https");
        }
        if self
            .jwks_url
            .as_ref()
            .is_some_and(|url| !["http", "https"].contains(&url.scheme()))
        {
            errors.add("--jwks-url", "must begin with http or https");
        }
        self.http.validate_in_cluster(&self.bus.consul, errors);
    }
}

impl Default for CommonSettings {
    fn default() -> Self {
        default_settings()
    }
}

fn origin(text: &str) -> Result<String, String> {
    let url = Url::from_str(text.trim()).map_err(|error| format!("{text}: {error}"))?;
    let origin = url.origin();
    if origin.is_tuple() && url.path() == "/" && url.query().is_none() {
        Ok(origin.ascii_serialization())
    } else {
        Err(format!("{text}: must be an origin such as https://shop.example"))
    }
}

#[cfg(test)]
mod tests {
    use test_certificates::TestCa;

    use super::*;
    use crate::parse_settings;

    #[test]
    fn a_service_of_a_cluster_does_not_start_before_its_proxies_are_configured() {
        let consul = "--consul-url=http://127.0.0.1:8500";
        for arguments in [
            &[consul][..],
            &[consul, "--trusted-proxies="],
            &[consul, "--trusted-proxies= , "],
        ] {
            let errors = parse_settings::<CommonSettings>(arguments).unwrap_err().to_string();
            assert!(
                errors.contains("--trusted-proxies: needed with --consul-url"),
                "{errors}"
            );
        }
        for proxies in ["--trusted-proxies=none", "--trusted-proxies=10.0.0.5,2001:db8::5"] {
            parse_settings::<CommonSettings>(&[consul, proxies]).unwrap();
        }
        parse_settings::<CommonSettings>(&[]).unwrap();
    }

    #[test]
    fn certificates_are_checked_before_a_service_starts_and_need_tls() {
        let folder = tempfile::tempdir().unwrap();
        let ca = TestCa::new(folder.path(), "ca").file.display().to_string();
        let flag = |name: &str, file: &str| format!("--{name}={file}");
        let parse = |url: &str, files: &[String]| {
            let arguments: Vec<_> = std::iter::once(url)
                .chain(["--trusted-proxies=none"])
                .chain(files.iter().map(String::as_str))
                .collect();
            parse_settings::<CommonSettings>(&arguments)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        for (plain, encrypted, name) in [
            ("--amqp-url=amqp://host", "--amqp-url=amqps://order:s3cret@host", "amqp"),
            ("--consul-url=http://host", "--consul-url=https://host", "consul"),
            ("--jwks-url=http://host", "--jwks-url=https://host", "jwks"),
        ] {
            let ca_flag = format!("{name}-ca-file");
            parse(encrypted, &[flag(&ca_flag, &ca)]).unwrap();
            let unused = parse(plain, &[flag(&ca_flag, &ca)]).unwrap_err();
            assert!(unused.contains(&format!("--{ca_flag}: ")), "{unused}");
            let missing = parse(encrypted, &[flag(&ca_flag, "/missing")]).unwrap_err();
            assert!(missing.contains("/missing: cannot be read"), "{missing}");
            assert!(!missing.contains("s3cret"), "{missing}");
            if name != "jwks" {
                let incomplete = parse(
                    encrypted,
                    &[flag(&ca_flag, &ca), flag(&format!("{name}-key-file"), &ca)],
                );
                assert!(
                    incomplete
                        .unwrap_err()
                        .contains("needs both its file and the file of its key")
                );
            }
        }
    }
}
