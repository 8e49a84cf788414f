use std::error::Error;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Returns what is wrong with a TLS connection, if TLS is among the causes of an error.
pub fn describe(error: &(dyn Error + 'static)) -> Option<String> {
    find(error).map(|cause| match cause {
        TlsError::InvalidCertificate(reason) => of_certificate(reason),
        TlsError::InvalidMessage(_) => "it does not speak TLS on this port".to_owned(),
        TlsError::AlertReceived(alert) => of_alert(*alert),
        TlsError::PeerIncompatible(reason) => format!("it has no version or cipher of TLS in common: {reason:?}"),
        other => format!("TLS failed: {other}"),
    })
}

/// Searches an error and its causes. One that wraps another in an `io::Error` skips it in `source`.
fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<TlsError>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        if let Some(found) = wrapped.and_then(|wrapped| find(wrapped)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn of_certificate(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => "its certificate is not signed by a trusted CA".to_owned(),
        CertificateError::NotValidForName => "its certificate is for another host name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "its certificate is not for {} but for {}",
            expected.to_str(),
            presented.join(", ")
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        other => format!("its certificate is not valid: {other}"),
    }
}

fn of_alert(alert: AlertDescription) -> String {
    match alert {
        // RabbitMQ, nginx and Consul send either for a missing certificate, by the version of TLS.
        AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure => {
            "it requires a client certificate, or has no cipher in common".to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => format!("it refuses the client certificate ({alert:?})"),
        other => format!("it ended the TLS connection ({other:?})"),
    }
}
