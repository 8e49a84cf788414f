//! The whole marketplace in one process: every service on a port and with a database file of its own, the Stripe
//! simulator, and a front door over them all. For development and for end-to-end tests.
//!
//! ```no_run
//! # async fn example(settings: stack::Settings) -> Result<(), chassis::OperatorError> {
//! let stack = stack::Stack::start(settings, |part| eprintln!("starting {part}")).await?;
//! println!("{}", stack.url());
//! stack.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod broker_definitions;
mod data_folder;
pub mod demo;
mod front_door;
mod mail_pages;
mod services;
mod settings;
pub mod specs;
mod stack;

pub use data_folder::DataFolder;
pub use services::{SERVICES, SITES, ServiceEntry, check};
pub use settings::{Ports, Settings, Stripe};
pub use stack::{Stack, delete_namespace};
