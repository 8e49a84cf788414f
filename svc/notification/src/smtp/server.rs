use std::{error::Error, fs, iter, path::Path, time::Duration};

use chassis::OperatorError;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};

use super::{
    delivery_error::DeliveryError,
    message::OutgoingMail,
    url::{Encryption, SmtpUrl},
};

/// The timeout of each command to a server, and of the connection to it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection without a mail stays open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The characters of a server's reply that are stored.
const MAX_REASON: usize = 500;

/// An SMTP server, with a pool of connections.
#[derive(Debug)]
pub(crate) struct SmtpServer(AsyncSmtpTransport<Tokio1Executor>);

impl SmtpServer {
    /// Prepares connections to a server, at most `connections` at once. `ca` is the file of the certificates that it is
    /// verified by, instead of the system's. Opens none.
    pub(crate) fn new(url: &SmtpUrl, ca: Option<&Path>, hello: &str, connections: u32) -> Result<Self, OperatorError> {
        let tls = match url.encryption {
            Encryption::Tls => Tls::Wrapper(tls_parameters(&url.host, ca)?),
            Encryption::StartTls => Tls::Required(tls_parameters(&url.host, ca)?),
            Encryption::None => Tls::None,
        };
        let pool = PoolConfig::new()
            .min_idle(0)
            .max_size(connections)
            .idle_timeout(IDLE_TIMEOUT);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(url.host.clone())
            .port(url.port)
            .tls(tls)
            .hello_name(ClientId::Domain(hello.to_owned()))
            .timeout(Some(COMMAND_TIMEOUT))
            .pool_config(pool);
        if let Some((user, password)) = url.credentials.clone() {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self(builder.build()))
    }

    pub(super) async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        // A mail is several commands, each with a timeout of its own.
        let sent = tokio::time::timeout(6 * COMMAND_TIMEOUT, self.0.send(mail.message.clone()));
        let error = match sent.await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => {
                return Err(DeliveryError::Temporary(
                    "the server did not accept it in time".to_owned(),
                ));
            }
        };
        let reason = describe(&error);
        // A server that refuses the connection or the credentials refuses the configuration, not this mail.
        if error.is_permanent() && self.accepts_connections().await {
            return Err(DeliveryError::Permanent(reason));
        }
        Err(DeliveryError::Temporary(reason))
    }

    async fn accepts_connections(&self) -> bool {
        self.0.test_connection().await.is_ok_and(|is_connected| is_connected)
    }

    pub(super) async fn close(&self) {
        self.0.shutdown().await;
    }
}

fn tls_parameters(host: &str, ca: Option<&Path>) -> Result<TlsParameters, OperatorError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca {
        let failed = |error: &dyn Error| OperatorError(format!("--smtp-ca-file: {}: {error}", path.display()));
        let pem = fs::read(path).map_err(|error| failed(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| failed(&error))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate);
    }
    builder
        .build()
        .map_err(|error| OperatorError(format!("--smtp-url: {}", describe(&error))))
}

/// Returns an error with its causes, as one line.
fn describe(error: &(dyn Error + 'static)) -> String {
    let first: &dyn Error = error;
    let causes = iter::successors(Some(first), |error| (*error).source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(MAX_REASON)
        .collect()
}
