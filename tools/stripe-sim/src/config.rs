//! The configuration of a simulator.

use std::{fmt, time::Duration};

use values::Clock;

/// The configuration of a simulator.
#[derive(Clone)]
pub struct Config {
    /// The key that servers must send, such as `sk_test_ticketing`.
    pub secret_key: String,
    /// The key that browsers send, such as `pk_test_ticketing`.
    pub publishable_key: String,
    /// The source of the time.
    pub clock: Clock,
    /// The webhook endpoints at the start; more are added over `/v1/webhook_endpoints`.
    pub webhooks: Vec<Webhook>,
    /// The pause before the first retry of a webhook; doubled for each further one, up to half a minute.
    pub webhook_backoff: Duration,
    /// The number of attempts to deliver a webhook.
    pub webhook_attempts: u32,
    /// The delay of scheduled effects, such as a dispute or the failure of a refund, by the machine's clock. `None`: they
    /// are applied only by [`Sim::run_scheduled`](crate::Sim::let_time_pass).
    pub scheduled_delay: Option<Duration>,
}

impl Config {
    /// Returns a configuration with the machine's clock, no webhooks, ten attempts from half a second on, and a delay of
    /// two seconds. The publishable key is the secret key with `pk_` for `sk_`.
    pub fn new(secret_key: impl Into<String>) -> Self {
        let secret_key = secret_key.into();
        let publishable_key = format!("pk_{}", secret_key.strip_prefix("sk_").unwrap_or(&secret_key));
        Self {
            secret_key,
            publishable_key,
            clock: Clock::system(),
            webhooks: Vec::new(),
            webhook_backoff: Duration::from_millis(500),
            webhook_attempts: 10,
            scheduled_delay: Some(Duration::from_secs(2)),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("webhooks", &self.webhooks)
            .finish_non_exhaustive()
    }
}

/// A webhook endpoint of the configuration.
#[derive(Clone)]
pub struct Webhook {
    /// The URL that receives events.
    pub url: String,
    /// The signing secret, such as `whsec_…`.
    pub secret: String,
    /// The types of the events, or `*`.
    pub events: Vec<String>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("url", &self.url)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
