use std::{net::IpAddr, str::FromStr, thread::available_parallelism, time::Duration};

use chassis::ConfigErrors;
use ipnet::IpNet;

use crate::{attempts::Limits, client::TrustedProxies};

/// The flags of this service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Whether browsers send the cookies over TLS only (and to localhost): true or false.
    #[arg(long, env = "TICKETING_COOKIE_SECURE", default_value = "true", value_name = "BOOL")]
    cookie_secure: String,
    /// Networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8 [default: none]
    #[arg(long, env = "TICKETING_TRUSTED_PROXIES", value_delimiter = ',', value_name = "CIDR")]
    trusted_proxies: Vec<String>,
    /// Failed attempts to sign in to one account that are borne in one window.
    #[arg(
        long,
        env = "TICKETING_SIGN_IN_FAILURES_PER_ACCOUNT",
        default_value = "10",
        value_name = "NUMBER"
    )]
    sign_in_failures_per_account: String,
    /// Failed attempts to sign in from one network address that are borne in one window.
    #[arg(
        long,
        env = "TICKETING_SIGN_IN_FAILURES_PER_ADDRESS",
        default_value = "100",
        value_name = "NUMBER"
    )]
    sign_in_failures_per_address: String,
    /// How long that window is, from the first failure.
    #[arg(
        long,
        env = "TICKETING_SIGN_IN_WINDOW_SECONDS",
        default_value = "900",
        value_name = "SECONDS"
    )]
    sign_in_window_seconds: String,
    /// Passwords that are hashed at the same time; each takes 19 MiB meanwhile [default: one for each processor]
    #[arg(long, env = "TICKETING_PASSWORD_HASHERS", value_name = "NUMBER")]
    password_hashers: Option<String>,
    /// Passwords that may wait for that; beyond, the answer is 429.
    #[arg(long, env = "TICKETING_PASSWORD_LINE", default_value = "2000", value_name = "NUMBER")]
    password_line: String,
}

/// The flags, understood.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether browsers send the cookies over TLS only.
    pub cookie_secure: bool,
    /// Proxies that are believed for whom they ask.
    pub trusted_proxies: TrustedProxies,
    /// How many failed attempts to sign in are borne.
    pub sign_in_limits: Limits,
    /// Passwords that are hashed at the same time.
    pub hashers: usize,
    /// Passwords that may wait for that.
    pub waiting: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cookie_secure: true,
            trusted_proxies: TrustedProxies::default(),
            sign_in_limits: Limits {
                per_account: 10,
                per_address: 100,
                window: Duration::from_mins(15),
            },
            hashers: processors(),
            waiting: 2000,
        }
    }
}

impl Args {
    pub(crate) fn settings(&self, errors: &mut ConfigErrors) -> Option<Settings> {
        let secure = errors.parse("--cookie-secure", &self.cookie_secure);
        let networks = self
            .trusted_proxies
            .iter()
            .filter_map(|text| errors.check("--trusted-proxies", network(text)));
        let trusted_proxies = TrustedProxies::new(networks.collect::<Vec<_>>());
        let per_account = positive(
            errors,
            "--sign-in-failures-per-account",
            &self.sign_in_failures_per_account,
        );
        let per_address = positive(
            errors,
            "--sign-in-failures-per-address",
            &self.sign_in_failures_per_address,
        );
        let window = positive(errors, "--sign-in-window-seconds", &self.sign_in_window_seconds);
        let hashers = match &self.password_hashers {
            Some(text) => positive(errors, "--password-hashers", text).and_then(|number| usize::try_from(number).ok()),
            None => Some(processors()),
        };
        let waiting = positive(errors, "--password-line", &self.password_line);
        Some(Settings {
            cookie_secure: secure?,
            trusted_proxies,
            sign_in_limits: Limits {
                per_account: per_account?,
                per_address: per_address?,
                window: Duration::from_secs(window?.into()),
            },
            hashers: hashers?,
            waiting: usize::try_from(waiting?).ok()?,
        })
    }
}

fn positive(errors: &mut ConfigErrors, flag: &str, text: &str) -> Option<u32> {
    let number = errors.parse::<u32>(flag, text)?;
    errors.check(flag, (number > 0).then_some(number).ok_or("must be at least 1"))
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    IpNet::from_str(text)
        .or_else(|_| text.parse().map(|address: IpAddr| address.into()))
        .map_err(|_| format!("{text}: must be a network such as 10.0.0.0/8"))
}

fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}
