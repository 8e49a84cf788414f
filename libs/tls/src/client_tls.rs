use std::{fmt, io, sync::Arc};

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier, pki_types};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client};

use crate::{TlsError, TlsFiles};

/// An encrypted connection.
pub type TlsStream = client::TlsStream<TcpStream>;

/// How a client verifies servers, and what it presents to them. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

/// The name or address that a server's certificate must contain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerName(pki_types::ServerName<'static>);

/// Neither a DNS name nor an IP address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the host is neither a DNS name nor an IP address, so no certificate can contain it")]
pub struct MalformedServerName;

impl ClientTls {
    /// Reads the files. Without any, the operating system's certificates are trusted, and none is presented.
    ///
    /// # Errors
    ///
    /// The first file that cannot be used.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let builder = builder().with_root_certificates(files.roots()?);
        let config = match files.identity()? {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.certificates, identity.key)
                .map_err(|error| TlsError::Identity {
                    path: identity.path,
                    reason: error.to_string(),
                })?,
        };
        Ok(Self(Arc::new(config)))
    }

    /// Trusts no server: for a client that is used without TLS.
    pub fn trusting_none() -> Self {
        let builder = builder().with_root_certificates(RootCertStore::empty());
        Self(Arc::new(builder.with_no_client_auth()))
    }

    /// Returns the configuration for a client of rustls.
    pub fn config(&self) -> ClientConfig {
        ClientConfig::clone(&self.0)
    }

    /// Encrypts a connection, and verifies that its server is `name`.
    ///
    /// # Errors
    ///
    /// The handshake fails. [`describe`](crate::describe) explains why.
    pub async fn connect(&self, name: ServerName, stream: TcpStream) -> io::Result<TlsStream> {
        TlsConnector::from(Arc::clone(&self.0)).connect(name.0, stream).await
    }
}

/// Names the provider of cryptography: a process may contain several, of which none is the default.
#[expect(clippy::expect_used, reason = "the versions and ciphers are constants")]
fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers for TLS 1.2 and 1.3")
}

/// The same configuration, not an equal one.
impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ClientTls {}

/// Without certificates and keys.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}

impl TryFrom<&str> for ServerName {
    type Error = MalformedServerName;

    fn try_from(host: &str) -> Result<Self, MalformedServerName> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        pki_types::ServerName::try_from(bare.unwrap_or(host).to_owned())
            .map(Self)
            .map_err(|_| MalformedServerName)
    }
}
