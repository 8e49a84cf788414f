//! How a double is set up.

use std::{fmt, time::Duration};

use values::Clock;

/// How a double is set up.
#[derive(Clone)]
pub struct Config {
    /// The key that servers must send, such as `sk_test_ticketing`.
    pub secret_key: String,
    /// The key that browsers send, such as `pk_test_ticketing`.
    pub publishable_key: String,
    /// Where the time comes from.
    pub clock: Clock,
    /// Who is told of events from the start; more are added over `/v1/webhook_endpoints`.
    pub webhooks: Vec<Webhook>,
    /// The pause before a webhook is tried again: doubled each time, half a minute at most.
    pub webhook_backoff: Duration,
    /// How often a webhook is tried.
    pub webhook_attempts: u32,
    /// When happens what a test card does "some time later" (a dispute, a refund that fails), counted by the machine's
    /// clock; `None`: only on [`Sim::run_scheduled`](crate::Sim::let_time_pass).
    pub scheduled_delay: Option<Duration>,
}

impl Config {
    /// The machine's clock, no webhooks, ten attempts from half a second on, two seconds until "later". The publishable
    /// key is the secret one with `pk_` for `sk_`.
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

/// A webhook endpoint that the configuration names.
#[derive(Clone)]
pub struct Webhook {
    /// Where events are posted.
    pub url: String,
    /// What they are signed with, such as `whsec_…`.
    pub secret: String,
    /// Which events: their types, or `*`.
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
