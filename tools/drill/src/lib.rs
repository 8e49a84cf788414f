//! A load of buyers and sellers on a running marketplace, with every response recorded, and a comparison of the record
//! with the databases of all services and with Stripe.

mod accounts;
pub mod checks;
pub mod cli;
mod client;
mod endpoints;
mod error;
pub mod load;
mod operation;
pub mod random;
pub mod recording;
pub mod settle;
pub mod statistics;
pub mod trespass;
mod workload;

pub use checks::SERVICES;
pub use endpoints::Endpoints;
pub use error::DrillError;
pub use operation::Operation;
