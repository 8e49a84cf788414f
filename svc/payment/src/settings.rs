//! The payment service's own flags.

use std::time::Duration;

use chassis::{ConfigErrors, Secret};
use url::Url;

use crate::domain::BasisPoints;

/// The payment service's own flags.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Where Stripe's API is; for the double: `http://127.0.0.1:12111/`.
    #[arg(long, env = "TICKETING_STRIPE_URL", default_value = STRIPE, value_name = "URL")]
    stripe_url: String,
    /// The secret key of the Stripe account (`sk_…` or `rk_…`). Prefer --stripe-secret-key-file
    #[arg(
        long,
        env = "TICKETING_STRIPE_SECRET_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    stripe_secret_key: Option<String>,
    /// The file that holds the secret key of the Stripe account.
    #[arg(long, env = "TICKETING_STRIPE_SECRET_KEY_FILE", value_name = "FILE")]
    stripe_secret_key_file: Option<String>,
    /// The publishable key of the Stripe account (`pk_…`), which a buyer's browser is told.
    #[arg(long, env = "TICKETING_STRIPE_PUBLISHABLE_KEY", value_name = "KEY")]
    stripe_publishable_key: Option<String>,
    /// What Stripe signs its webhooks with (`whsec_…`); while it is rotated, both, with a space between them. Without it
    /// webhooks are not listened to. Prefer --stripe-webhook-secret-file
    #[arg(
        long,
        env = "TICKETING_STRIPE_WEBHOOK_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    stripe_webhook_secret: Option<String>,
    /// The file that holds what Stripe signs its webhooks with.
    #[arg(long, env = "TICKETING_STRIPE_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    stripe_webhook_secret_file: Option<String>,
    /// Seconds that one answer of Stripe is waited for (1 to 60).
    #[arg(
        long,
        env = "TICKETING_STRIPE_TIMEOUT_SECONDS",
        default_value = "10",
        value_name = "SECONDS"
    )]
    stripe_timeout_seconds: String,
    /// The platform's share of what is sold, in hundredths of a percent (0 to 10000): 250 is 2.5 %. It holds for what is
    /// taken from now on.
    #[arg(
        long,
        env = "TICKETING_PLATFORM_FEE_BASIS_POINTS",
        default_value = "0",
        value_name = "HUNDREDTHS",
        help_heading = None
    )]
    platform_fee_basis_points: String,
}

/// The payment service's own flags, understood.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where Stripe's API is.
    pub stripe_url: Url,
    /// The secret key of the Stripe account.
    pub stripe_secret_key: Secret,
    /// The publishable key of the Stripe account, where browsers pay.
    pub stripe_publishable_key: Option<String>,
    /// What Stripe signs its webhooks with; none, where webhooks are not listened to.
    pub stripe_webhook_secrets: Vec<Secret>,
    /// How long one answer of Stripe is waited for.
    pub stripe_timeout: Duration,
    /// The platform's share of what is taken from now on.
    pub platform_fee: BasisPoints,
}

const KEY_FLAG: &str = "--stripe-secret-key";
const WEBHOOK_FLAG: &str = "--stripe-webhook-secret";
const PUBLISHABLE_FLAG: &str = "--stripe-publishable-key";
const STRIPE: &str = "https://api.stripe.com/";

impl Args {
    /// Whether anything is said about who takes the cards. Where nothing is, a development stack has a double.
    pub fn say_who(&self) -> bool {
        self.stripe_secret_key.is_some() || self.stripe_secret_key_file.is_some() || self.stripe_url != STRIPE
    }

    /// The platform's share, also where a development stack has a double.
    pub fn platform_fee(&self, errors: &mut ConfigErrors) -> Option<BasisPoints> {
        errors.parse("--platform-fee-basis-points", &self.platform_fee_basis_points)
    }

    pub(crate) fn settings(&self, errors: &mut ConfigErrors) -> Option<Settings> {
        let url = errors.parse::<Url>("--stripe-url", &self.stripe_url);
        let url = url.and_then(|url| errors.check("--stripe-url", is_address(&url).then_some(url).ok_or(NO_ADDRESS)));
        let key = self.key(errors);
        if let (Some(url), Some(key)) = (&url, &key)
            && url.scheme() == "http"
            && !is_test_key(key.expose())
        {
            errors.add("--stripe-url", "must be https: the key is not one for tests");
        }
        let seconds = errors
            .parse::<u64>("--stripe-timeout-seconds", &self.stripe_timeout_seconds)
            .and_then(|seconds| {
                let fits = (1..=60).contains(&seconds);
                errors.check(
                    "--stripe-timeout-seconds",
                    fits.then_some(seconds).ok_or("must be 1 to 60"),
                )
            });
        let publishable = self.publishable(errors, key.as_ref());
        let webhook_secrets = self.webhook_secrets(errors);
        let fee = self.platform_fee(errors);
        Some(Settings {
            stripe_url: url?,
            stripe_secret_key: key?,
            stripe_publishable_key: publishable,
            stripe_webhook_secrets: webhook_secrets,
            stripe_timeout: Duration::from_secs(seconds?),
            platform_fee: fee?,
        })
    }

    fn publishable(&self, errors: &mut ConfigErrors, secret: Option<&Secret>) -> Option<String> {
        let key = self.stripe_publishable_key.as_deref()?.trim();
        let fits = key.starts_with("pk_") && key.bytes().all(|byte| byte.is_ascii_graphic());
        let key = errors.check(
            PUBLISHABLE_FLAG,
            fits.then_some(key).ok_or("must be a publishable key of Stripe: pk_…"),
        )?;
        // A browser with the other mode's key would not find the intent.
        if secret.is_some_and(|secret| is_test_key(secret.expose()) != key.starts_with("pk_test_")) {
            errors.add(
                PUBLISHABLE_FLAG,
                "must be of the same mode as the secret key: both for tests, or both live",
            );
        }
        Some(key.to_owned())
    }

    fn webhook_secrets(&self, errors: &mut ConfigErrors) -> Vec<Secret> {
        let (value, file) = (
            self.stripe_webhook_secret.as_deref(),
            self.stripe_webhook_secret_file.as_deref(),
        );
        let Some(given) = errors.secret(WEBHOOK_FLAG, value, file) else {
            return Vec::new();
        };
        let secrets: Vec<_> = given.expose().split_whitespace().collect();
        if secrets.is_empty() || !secrets.iter().all(|secret| secret.starts_with("whsec_")) {
            errors.add(WEBHOOK_FLAG, "must be a signing secret of Stripe: whsec_…");
        }
        secrets
            .into_iter()
            .map(|secret| Secret::new(secret.to_owned()))
            .collect()
    }

    fn key(&self, errors: &mut ConfigErrors) -> Option<Secret> {
        let (value, file) = (
            self.stripe_secret_key.as_deref(),
            self.stripe_secret_key_file.as_deref(),
        );
        if value.is_none() && file.is_none() {
            errors.add(
                KEY_FLAG,
                "is needed; for the double, its key and --stripe-url http://127.0.0.1:12111/",
            );
            return None;
        }
        let key = errors.secret(KEY_FLAG, value, file)?;
        let fits = is_key(key.expose());
        errors.check(
            KEY_FLAG,
            fits.then_some(key)
                .ok_or("must be a secret key of Stripe: sk_… or rk_…"),
        )
    }
}

const NO_ADDRESS: &str = "must be an address such as https://api.stripe.com/, without a query";

fn is_address(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none()
}

fn is_key(text: &str) -> bool {
    (text.starts_with("sk_") || text.starts_with("rk_")) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_test_key(text: &str) -> bool {
    text.starts_with("sk_test_") || text.starts_with("rk_test_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(url: &str, key: Option<&str>, timeout: &str) -> Args {
        Args {
            stripe_url: url.to_owned(),
            stripe_secret_key: key.map(str::to_owned),
            stripe_secret_key_file: None,
            stripe_publishable_key: None,
            stripe_webhook_secret: None,
            stripe_webhook_secret_file: None,
            stripe_timeout_seconds: timeout.to_owned(),
            platform_fee_basis_points: "250".to_owned(),
        }
    }

    fn errors(args: &Args) -> String {
        let mut errors = ConfigErrors::default();
        args.settings(&mut errors);
        errors.to_string()
    }

    #[test]
    fn a_real_account_and_the_double_are_both_fine() {
        let mut none = ConfigErrors::default();
        for (url, key) in [
            ("https://api.stripe.com/", "sk_live_1"),
            ("https://api.stripe.com/", "rk_test_1"),
            ("http://127.0.0.1:12111", "sk_test_ticketing"),
            ("http://stripe-sim.service.consul:12111/", "sk_test_ticketing"),
        ] {
            assert!(args(url, Some(key), "10").settings(&mut none).is_some());
        }
        assert!(none.is_empty(), "{none}");
    }

    #[test]
    fn a_live_key_never_travels_in_the_clear() {
        let told = errors(&args("http://api.stripe.com/", Some("sk_live_secret"), "10"));
        assert!(told.contains("--stripe-url: must be https"), "{told}");
        assert!(!told.contains("sk_live_secret"));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let told = errors(&args("ftp://api.stripe.com/", Some("pk_live_1"), "0"));
        for part in [
            "--stripe-url: must be an address",
            "--stripe-secret-key: must be",
            "--stripe-timeout-seconds: must",
        ] {
            assert!(told.contains(part), "{told}");
        }
        let told = errors(&args("https://api.stripe.com/", None, "10"));
        assert!(told.contains("--stripe-secret-key: is needed"), "{told}");
    }

    #[test]
    fn while_a_secret_is_rotated_both_are_known() {
        let both = Args {
            stripe_publishable_key: Some("pk_test_1".to_owned()),
            stripe_webhook_secret: Some("whsec_new\n whsec_old\n".to_owned()),
            ..args("https://api.stripe.com/", Some("sk_test_1"), "10")
        };
        let mut none = ConfigErrors::default();
        let settings = both.settings(&mut none).unwrap();
        let secrets: Vec<_> = settings.stripe_webhook_secrets.iter().map(Secret::expose).collect();
        assert_eq!(secrets, ["whsec_new", "whsec_old"]);
        assert!(none.is_empty(), "{none}");
    }

    #[test]
    fn keys_of_two_modes_and_what_is_no_secret_are_refused() {
        let wrong = Args {
            stripe_publishable_key: Some("pk_test_1".to_owned()),
            stripe_webhook_secret: Some("sk_live_1".to_owned()),
            ..args("https://api.stripe.com/", Some("sk_live_1"), "10")
        };
        let told = errors(&wrong);
        assert!(
            told.contains("--stripe-publishable-key: must be of the same mode"),
            "{told}"
        );
        assert!(
            told.contains("--stripe-webhook-secret: must be a signing secret"),
            "{told}"
        );
        assert!(!told.contains("sk_live_1"), "{told}");
    }
}
