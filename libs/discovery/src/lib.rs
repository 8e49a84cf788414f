//! Addresses of other services, resolved through Consul's health API.
//!
//! * [`Consul`] is a client of the Consul agent on this machine. [`Consul::watch`] keeps a query for the healthy
//!   instances of a service open, by [blocking queries](https://developer.hashicorp.com/consul/api-docs/features/blocking).
//! * [`Resolver`] returns an [`Address`] at any time, without waiting. While Consul cannot be queried, or reports no
//!   healthy instance, it returns the instances that were last healthy.
//!
//! A service whose address is fixed needs none of this.

mod address;
mod consul;
mod health_response;
mod name;
mod resolver;
mod watcher;

pub use address::Address;
pub use consul::{Consul, ConsulConfigError};
pub use name::{MalformedName, ServiceName};
pub use resolver::{NoHealthyInstance, Resolver};
