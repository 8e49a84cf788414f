//! A Stripe simulator for development and tests: stateful, over Stripe's real HTTP API, with faults on demand.
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

mod api;
mod background;
mod config;
mod control;
mod domain;
mod error;
mod faults;
mod form;
mod http;
mod id;
mod scheduler;
mod sim;
mod state;
mod store;
mod stripe_js;
mod webhooks;

pub use config::{Config, Webhook};
pub use faults::{Fault, Hold, Target, Timing};
pub use sim::{ControlError, RunningSim, Sim};
pub use store::{OpenError, journal::RecordedRequest};
pub use webhooks::WebhookFault;
