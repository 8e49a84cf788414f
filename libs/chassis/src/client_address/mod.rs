//! The network address of the client of a request, behind proxies that are trusted, and the networks it is counted by.

mod extractor;
mod network;
mod trusted_proxies;

pub use extractor::ClientAddress;
pub use network::ClientNetwork;
pub use trusted_proxies::TrustedProxies;
