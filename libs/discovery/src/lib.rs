//! Where another service is now, by Consul's health API.
//!
//! * [`Consul`] is the agent on this machine. [`Consul::follow`] keeps asking it for the healthy instances of a
//!   service, by [blocking queries](https://developer.hashicorp.com/consul/api-docs/features/blocking): an answer comes
//!   when something has changed.
//! * [`Found`] is what is known: an [`Address`] at any moment, without waiting. While Consul is away, or knows no healthy
//!   instance, it is the last one that was good.
//!
//! Nobody who has a fixed address needs any of this.

mod address;
mod answer;
mod consul;
mod follow;
mod found;
mod name;

pub use address::Address;
pub use consul::{Consul, Unusable};
pub use found::{Found, Unknown};
pub use name::{MalformedName, ServiceName};
