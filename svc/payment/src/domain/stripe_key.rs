//! How long an idempotency key names one request of Stripe (<https://docs.stripe.com/api/idempotent_requests>).

use std::time::Duration;

/// How long Stripe keeps a key at least.
pub(crate) const STRIPE_KEY_LIFETIME: Duration = Duration::from_hours(24);

/// For how much of its lifetime a key is used: the rest allows for clock skew and requests in flight.
pub(crate) const STRIPE_KEY_USE: Duration = Duration::from_hours(23);
