//! Everything in one process: the five services, each on a port and with a database file of its own, the Stripe double,
//! and one front door over them all. For development, for trying out, and for tests from end to end.
//!
//! ```no_run
//! # async fn example(settings: stack::Settings) -> Result<(), chassis::OperatorError> {
//! let stack = stack::Stack::start(settings, |part| eprintln!("starting {part}")).await?;
//! println!("{}", stack.url());
//! stack.stop().await;
//! # Ok(())
//! # }
//! ```

mod checks;
mod data_folder;
pub mod demo;
mod front_door;
mod running;
mod settings;
pub mod specs;

pub use checks::check;
pub use data_folder::DataFolder;
pub use running::{Stack, delete_namespace};
pub use settings::{Ports, Settings, Stripe};
