//! TLS as a client: whose certificates are trusted, and which certificate is presented.

mod client_tls;
mod describe;
mod files;

pub use client_tls::{ClientTls, MalformedServerName, ServerName, TlsStream};
pub use describe::describe;
pub use files::{TlsError, TlsFiles};
