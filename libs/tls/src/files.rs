use std::path::{Path, PathBuf};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// The PEM files of one kind of connection.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TlsFiles {
    /// The certificates of the CAs that are trusted, and no others. Those of the operating system if there is no file.
    pub ca: Option<PathBuf>,
    /// The certificate to present, with the intermediate ones after it.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
}

/// A TLS configuration that cannot be used. The message contains nothing of a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or does not contain what it should.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// The operating system has no certificates of CAs.
    #[error("the operating system has no trusted certificates ({0}): install ca-certificates, or give a file of CAs")]
    NoSystemCertificates(String),
    /// A certificate without its key, or a key without its certificate.
    #[error("a client certificate needs both its file and the file of its key")]
    Incomplete,
    /// Certificate and key do not fit together, or cannot be used.
    #[error("the client certificate {path} cannot be used: {reason}")]
    Identity {
        /// The file of the certificate.
        path: String,
        /// Why.
        reason: String,
    },
}

impl TlsFiles {
    /// Whether no file is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        let Some(path) = &self.ca else {
            let system = rustls_native_certs::load_native_certs();
            if roots.add_parsable_certificates(system.certs).0 == 0 {
                let reason = system.errors.first().map(ToString::to_string);
                return Err(TlsError::NoSystemCertificates(
                    reason.unwrap_or_else(|| "none found".to_owned()),
                ));
            }
            return Ok(roots);
        };
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| unusable(path, &error))?;
        }
        Ok(roots)
    }

    pub(crate) fn identity(&self) -> Result<Option<Identity>, TlsError> {
        let (path, key) = match (&self.certificate, &self.key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            _ => return Err(TlsError::Incomplete),
        };
        Ok(Some(Identity {
            path: path.display().to_string(),
            certificates: certificates(path)?,
            key: PrivateKeyDer::from_pem_slice(&read(key)?)
                .map_err(|_| unusable(key, "contains no private key in PEM format"))?,
        }))
    }
}

/// A client certificate.
pub(crate) struct Identity {
    pub(crate) path: String,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| unusable(path, "is not in PEM format"))?;
    if certificates.is_empty() {
        return Err(unusable(path, "contains no certificate in PEM format"));
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| unusable(path, &format!("cannot be read: {error}")))
}

fn unusable(path: &Path, reason: &(impl ToString + ?Sized)) -> TlsError {
    TlsError::File {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}
