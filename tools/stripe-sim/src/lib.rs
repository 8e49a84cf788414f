//! A Stripe of one's own, for development and tests: stateful, over Stripe's real HTTP API, with faults on demand.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use stripe_sim::{Config, Fault, Target, Sim, Timing};
//!
//! let sim = Sim::in_memory(Config::new("sk_test_example"))?;
//! let running = sim.serve("127.0.0.1:0".parse()?).await?;
//! sim.inject(Target::post("/v1/payment_intents/*/capture"), Timing::After, Fault::Cut);
//! println!("{}", running.url);
//! # Ok(())
//! # }
//! ```

mod auth;
mod balance;
mod browser;
mod cards;
mod challenge;
mod charges;
mod config;
mod confirm;
mod control;
mod currency;
mod delivery;
mod disputes;
mod disturb;
mod error;
mod events;
mod exchange;
mod expand;
mod faults;
mod form;
mod gate;
mod hand;
mod id;
mod idempotency;
mod intent;
mod intents;
mod journal;
mod later;
mod methods;
mod refunds;
mod routes;
mod server;
mod sim;
mod store;
mod webhooks;

pub use config::{Config, Webhook};
pub use disturb::WebhookFault;
pub use faults::{Fault, Target, Timing};
pub use gate::Hold;
pub use journal::RecordedRequest;
pub use sim::{ControlError, RunningSim, Sim};
pub use store::OpenError;
