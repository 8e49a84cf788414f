//! The payment service's own flags.

use std::{str::FromStr, time::Duration};

use chassis::{ConfigErrors, OperatorError, Secret, SecretArg, SecretFlag, parsed, seconds};
use url::Url;

use crate::domain::{BasisPoints, CardLimits};

/// The settings of the payment service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// The address of Stripe's API; of the Stripe simulator: `http://127.0.0.1:12111/`.
    #[arg(long, env = "TICKETING_STRIPE_URL", default_value = STRIPE, value_name = "URL", value_parser = api_url)]
    pub stripe_url: Url,
    /// The secret key of the Stripe account. The service does not start without it.
    #[command(flatten)]
    pub stripe_secret_key: Option<SecretArg<StripeSecretKeyFlag>>,
    /// The publishable key of the Stripe account (`pk_…`), which the buyer's browser receives.
    #[arg(
        long,
        env = "TICKETING_STRIPE_PUBLISHABLE_KEY",
        value_name = "KEY",
        value_parser = publishable_key
    )]
    pub stripe_publishable_key: Option<String>,
    /// The signing secrets of webhooks. Without them webhooks are not accepted.
    #[command(flatten)]
    pub stripe_webhook_secrets: Option<SecretArg<WebhookSecretFlag>>,
    /// Seconds to wait for an answer of Stripe (1 to 60).
    #[arg(
        long = "stripe-timeout-seconds",
        env = "TICKETING_STRIPE_TIMEOUT_SECONDS",
        default_value = "10",
        value_name = "SECONDS",
        value_parser = seconds(1..=60)
    )]
    pub stripe_timeout: Duration,
    /// The platform's share of what is sold, in hundredths of a percent (0 to 10000): 250 is 2.5 %. It applies to
    /// payments that are captured from now on.
    #[arg(
        long = "platform-fee-basis-points",
        env = "TICKETING_PLATFORM_FEE_BASIS_POINTS",
        default_value_t,
        value_name = "HUNDREDTHS",
        value_parser = parsed::<BasisPoints>,
        help_heading = None
    )]
    pub platform_fee: BasisPoints,
    /// How many cards may be tried.
    #[command(flatten)]
    pub card_limits: CardLimits,
}

const STRIPE: &str = "https://api.stripe.com/";

/// `--stripe-secret-key` or `--stripe-secret-key-file`.
#[derive(Clone, Copy, Debug)]
pub struct StripeSecretKeyFlag;

impl SecretFlag for StripeSecretKeyFlag {
    type Value = StripeSecretKey;
    const FLAG: &'static str = "stripe-secret-key";
    const ENV: &'static str = "TICKETING_STRIPE_SECRET_KEY";
    const FILE_FLAG: &'static str = "stripe-secret-key-file";
    const FILE_ENV: &'static str = "TICKETING_STRIPE_SECRET_KEY_FILE";
    const VALUE_NAME: &'static str = "KEY";
    const HELP: &'static str =
        "The secret key of the Stripe account (`sk_…` or `rk_…`). Prefer --stripe-secret-key-file";
    const FILE_HELP: &'static str = "The file that contains the secret key of the Stripe account.";
}

/// `--stripe-webhook-secret` or `--stripe-webhook-secret-file`.
#[derive(Clone, Copy, Debug)]
pub struct WebhookSecretFlag;

impl SecretFlag for WebhookSecretFlag {
    type Value = WebhookSecrets;
    const FLAG: &'static str = "stripe-webhook-secret";
    const ENV: &'static str = "TICKETING_STRIPE_WEBHOOK_SECRET";
    const FILE_FLAG: &'static str = "stripe-webhook-secret-file";
    const FILE_ENV: &'static str = "TICKETING_STRIPE_WEBHOOK_SECRET_FILE";
    const VALUE_NAME: &'static str = "SECRET";
    const HELP: &'static str = "The signing secret of Stripe's webhooks (`whsec_…`); while it is rotated, both, \
                                separated by a space. Without it webhooks are not accepted. Prefer \
                                --stripe-webhook-secret-file";
    const FILE_HELP: &'static str = "The file that contains the signing secret of Stripe's webhooks.";
}

/// A secret key of a Stripe account: `sk_…` or `rk_…`.
#[derive(Clone, Debug)]
pub struct StripeSecretKey(Secret);

impl StripeSecretKey {
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    fn is_for_tests(&self) -> bool {
        self.expose().starts_with("sk_test_") || self.expose().starts_with("rk_test_")
    }
}

impl FromStr for StripeSecretKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_key = text.starts_with("sk_") || text.starts_with("rk_");
        if is_key && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err("must be a secret key of Stripe: sk_… or rk_…")
        }
    }
}

/// The secrets that Stripe may sign webhooks with: two while one replaces the other.
#[derive(Clone, Debug)]
pub struct WebhookSecrets(Vec<Secret>);

impl WebhookSecrets {
    /// Returns each secret.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }
}

impl FromStr for WebhookSecrets {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let secrets: Vec<_> = text.split_whitespace().collect();
        if secrets.is_empty() || !secrets.iter().all(|secret| secret.starts_with("whsec_")) {
            return Err("must be a signing secret of Stripe: whsec_…");
        }
        Ok(Self(
            secrets
                .into_iter()
                .map(|secret| Secret::new(secret.to_owned()))
                .collect(),
        ))
    }
}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}

impl Settings {
    /// Whether a Stripe account is configured. If not, the development stack uses the Stripe simulator.
    pub fn has_account(&self) -> bool {
        self.stripe_secret_key.is_some() || self.stripe_url.as_str() != STRIPE
    }

    pub(crate) fn secret_key(&self) -> Result<&StripeSecretKey, OperatorError> {
        match &self.stripe_secret_key {
            Some(key) => Ok(key),
            None => Err(OperatorError(format!("--{}: is needed", StripeSecretKeyFlag::FLAG))),
        }
    }

    /// Returns the signing secrets of webhooks; none if webhooks are not accepted.
    pub(crate) fn webhook_secrets(&self) -> Vec<Secret> {
        let secrets = self.stripe_webhook_secrets.iter();
        secrets.flat_map(|secrets| secrets.iter().cloned()).collect()
    }
}

impl chassis::Settings for Settings {
    fn validate(&self, errors: &mut ConfigErrors) {
        let Some(key) = &self.stripe_secret_key else {
            errors.add(
                "--stripe-secret-key",
                "is needed; for the Stripe simulator, its key and --stripe-url http://127.0.0.1:12111/",
            );
            return;
        };
        if self.stripe_url.scheme() == "http" && !key.is_for_tests() {
            errors.add("--stripe-url", "must be https: the key is not a test key");
        }
        // A browser with a key of the other mode would not find the intent.
        let publishable = self.stripe_publishable_key.as_deref();
        if publishable.is_some_and(|publishable| publishable.starts_with("pk_test_") != key.is_for_tests()) {
            errors.add(
                "--stripe-publishable-key",
                "must be of the same mode as the secret key: both for tests, or both live",
            );
        }
    }
}

fn api_url(text: &str) -> Result<Url, String> {
    let url: Url = parsed(text)?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_http && url.query().is_none() && url.fragment().is_none() {
        Ok(url)
    } else {
        Err("must be an address such as https://api.stripe.com/, without a query".to_owned())
    }
}

fn publishable_key(text: &str) -> Result<String, &'static str> {
    let key = text.trim();
    if key.starts_with("pk_") && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(key.to_owned())
    } else {
        Err("must be a publishable key of Stripe: pk_…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str]) -> Result<Settings, String> {
        chassis::parse_settings(arguments).map_err(|errors| errors.to_string())
    }

    fn errors(arguments: &[&str]) -> String {
        settings(arguments).unwrap_err()
    }

    #[test]
    fn a_real_account_and_the_simulator_are_both_fine() {
        for (url, key) in [
            ("https://api.stripe.com/", "sk_live_1"),
            ("https://api.stripe.com/", "rk_test_1"),
            ("http://127.0.0.1:12111", "sk_test_ticketing"),
            ("http://stripe-sim.service.consul:12111/", "sk_test_ticketing"),
        ] {
            let settings = settings(&["--stripe-url", url, "--stripe-secret-key", key]).unwrap();
            assert_eq!(settings.secret_key().unwrap().expose(), key);
            assert!(!format!("{settings:?}").contains(key));
        }
    }

    #[test]
    fn a_live_key_never_travels_in_the_clear() {
        let error = errors(&[
            "--stripe-url",
            "http://api.stripe.com/",
            "--stripe-secret-key",
            "sk_live_secret",
        ]);
        assert!(error.contains("--stripe-url: must be https"), "{error}");
        assert!(!error.contains("sk_live_secret"));
    }

    #[test]
    fn every_error_is_reported_at_once() {
        let error = errors(&[
            "--stripe-url",
            "ftp://api.stripe.com/",
            "--stripe-secret-key",
            "pk_live_1",
            "--stripe-timeout-seconds",
            "0",
        ]);
        for part in [
            "--stripe-url: must be an address",
            "--stripe-secret-key: must be",
            "--stripe-timeout-seconds: must",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error = errors(&["--stripe-timeout-seconds", "61"]);
        assert!(error.contains("--stripe-timeout-seconds: must"), "{error}");
        assert!(error.contains("--stripe-secret-key: is needed"), "{error}");
    }

    #[test]
    fn while_a_secret_is_rotated_both_are_accepted() {
        let both = settings(&[
            "--stripe-secret-key",
            "sk_test_1",
            "--stripe-publishable-key",
            "pk_test_1",
            "--stripe-webhook-secret",
            "whsec_new\n whsec_old\n",
        ])
        .unwrap();
        let secrets = both.webhook_secrets();
        let secrets: Vec<_> = secrets.iter().map(Secret::expose).collect();
        assert_eq!(secrets, ["whsec_new", "whsec_old"]);
    }

    #[test]
    fn keys_of_two_modes_and_malformed_secrets_are_refused() {
        let error = errors(&[
            "--stripe-secret-key",
            "sk_live_1",
            "--stripe-publishable-key",
            "pk_test_1",
            "--stripe-webhook-secret",
            "sk_live_1",
        ]);
        assert!(
            error.contains("--stripe-publishable-key: must be of the same mode"),
            "{error}"
        );
        assert!(
            error.contains("--stripe-webhook-secret: must be a signing secret"),
            "{error}"
        );
        assert!(!error.contains("sk_live_1"), "{error}");
    }
}
