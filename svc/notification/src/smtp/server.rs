use std::{
    error::Error,
    fmt, fs, iter,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chassis::OperatorError;
use lettre::transport::smtp::{
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, CertificateStore, Tls, TlsParameters},
    extension::ClientId,
};

use super::{
    connection::{Connection, SmtpError, Timeouts, within},
    delivery_error::DeliveryError,
    message::OutgoingMail,
    url::{Encryption, SmtpUrl},
};

/// The timeout of a TCP connection to one address of a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection without a mail stays open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The characters of a server's reply that are stored.
const MAX_REASON: usize = 500;

/// An SMTP server, with the connections that the next mails use.
///
/// lettre's own pool has no timeout for replies, and keeps a connection whose mail was cancelled.
pub(crate) struct SmtpServer {
    url: SmtpUrl,
    tls: Tls,
    hello: ClientId,
    timeouts: Timeouts,
    idle: Mutex<Vec<IdleConnection>>,
}

struct IdleConnection {
    connection: Connection,
    since: Instant,
}

impl SmtpServer {
    /// Prepares connections to a server. `ca` is the file of the certificates that it is verified by, instead of the system's. Opens
    /// none.
    pub(crate) fn new(url: &SmtpUrl, ca: Option<&Path>, hello: &str) -> Result<Self, OperatorError> {
        let tls = match url.encryption {
            Encryption::Tls => Tls::Wrapper(tls_parameters(&url.host, ca)?),
            Encryption::StartTls => Tls::Required(tls_parameters(&url.host, ca)?),
            Encryption::None => Tls::None,
        };
        Ok(Self {
            url: url.clone(),
            tls,
            hello: ClientId::Domain(hello.to_owned()),
            timeouts: Timeouts::USUAL,
            idle: Mutex::default(),
        })
    }

    pub(super) async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        let temporary = |error: SmtpError| DeliveryError::Temporary(describe(&error));
        // A server that refuses the connection or the credentials refuses the configuration, not this mail.
        let connection = self.connection().await.map_err(temporary)?;
        let refused = match connection.send(&mail.message).await {
            Ok(connection) => {
                self.keep(connection);
                return Ok(());
            }
            Err(error) if error.is_permanent() => error,
            Err(error) => return Err(temporary(error)),
        };
        // It may have begun to refuse them since this connection was opened.
        let Ok(connection) = self.open().await else {
            return Err(temporary(refused));
        };
        self.keep(connection);
        Err(DeliveryError::Permanent(describe(&refused)))
    }

    /// Returns the connection of an earlier mail, or a new one.
    async fn connection(&self) -> Result<Connection, SmtpError> {
        while let Some(idle) = self.take_idle() {
            if let Some(connection) = idle.check().await {
                return Ok(connection);
            }
        }
        self.open().await
    }

    async fn open(&self) -> Result<Connection, SmtpError> {
        let opened = within(self.timeouts.open, Box::pin(self.connect())).await?;
        Ok(Connection::new(opened, self.timeouts))
    }

    /// Opens a connection, up to the credentials.
    async fn connect(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let address = (self.url.host.as_str(), self.url.port);
        let tls = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_TIMEOUT), &self.hello, tls, None).await?;
        if let Tls::Required(parameters) = &self.tls {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some((user, password)) = self.url.credentials.clone() {
            let credentials = Credentials::new(user, password);
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    fn keep(&self, connection: Connection) {
        let since = Instant::now();
        self.idle().push(IdleConnection { connection, since });
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle().pop().map(|idle| idle.connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that no mail has used for a while.
    pub(super) async fn close_idle(&self) {
        self.close_unused_for(IDLE_TIMEOUT).await;
    }

    /// Closes the connections that no mail uses.
    pub(super) async fn close(&self) {
        self.close_unused_for(Duration::ZERO).await;
    }

    async fn close_unused_for(&self, unused_for: Duration) {
        let is_unused = |idle: &mut IdleConnection| idle.since.elapsed() >= unused_for;
        let unused: Vec<_> = self.idle().extract_if(.., is_unused).collect();
        let quit = async {
            for idle in unused {
                idle.connection.quit().await;
            }
        };
        // The rest is closed without QUIT.
        let _ = tokio::time::timeout(self.timeouts.idle, quit).await;
    }
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SmtpServer").field(&self.url).finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use lettre::Message;
    use testkit::{SmtpFault, SmtpSink};

    use super::*;

    fn server(sink: &SmtpSink) -> SmtpServer {
        let url = format!("smtp://{}", sink.address).parse().unwrap();
        SmtpServer {
            timeouts: Timeouts {
                open: Duration::from_secs(2),
                reply: Duration::from_secs(2),
                content: Duration::from_secs(2),
                idle: Duration::from_secs(2),
            },
            ..SmtpServer::new(&url, None, "example.com").unwrap()
        }
    }

    fn mail() -> OutgoingMail {
        let builder = Message::builder()
            .from("tickets@example.com".parse().unwrap())
            .to("ada@example.org".parse().unwrap());
        OutgoingMail {
            id: "1".to_owned(),
            message: builder.body("Hello".to_owned()).unwrap(),
        }
    }

    /// Delivers a mail, and returns the reason why it may be delivered later.
    async fn reason(server: &SmtpServer) -> String {
        match server.deliver(&mail()).await {
            Err(DeliveryError::Temporary(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_reply_that_arrives_late_is_not_that_to_the_next_mail() {
        let sink = SmtpSink::start().await;
        let server = server(&sink);
        sink.fail_next(SmtpFault::LateReply);
        sink.fail_next(SmtpFault::Content("552 too large"));
        assert_eq!(reason(&server).await, "the server did not reply in time");
        let refused = server.deliver(&mail()).await;
        assert!(
            matches!(&refused, Err(DeliveryError::Permanent(reason)) if reason.contains("552")),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn a_mail_is_sent_over_the_connection_of_the_mail_before() {
        let sink = SmtpSink::start().await;
        let server = server(&sink);
        server.deliver(&mail()).await.unwrap();
        sink.fail_next(SmtpFault::Greeting("421 busy"));
        server.deliver(&mail()).await.unwrap();
        server.close().await;
        assert!(reason(&server).await.contains("421"));
    }

    #[tokio::test]
    async fn a_connection_that_has_become_silent_is_replaced() {
        let sink = SmtpSink::start().await;
        let server = server(&sink);
        server.deliver(&mail()).await.unwrap();
        sink.fail_next(SmtpFault::Silence("NOOP"));
        server.deliver(&mail()).await.unwrap();
        assert_eq!(sink.mails().len(), 2);
    }

    #[tokio::test]
    async fn a_new_connection_without_a_greeting_is_given_up() {
        let sink = SmtpSink::start().await;
        let server = server(&sink);
        sink.fail_next(SmtpFault::Silence("GREETING"));
        assert_eq!(reason(&server).await, "the server did not reply in time");
        // The server may refuse the mail or the configuration.
        sink.fail_next(SmtpFault::Recipient("550 no such mailbox"));
        sink.fail_next(SmtpFault::Silence("GREETING"));
        assert!(reason(&server).await.contains("550"));
    }

    #[tokio::test]
    async fn closing_does_not_wait_for_a_silent_server() {
        let sink = SmtpSink::start().await;
        let server = server(&sink);
        server.deliver(&mail()).await.unwrap();
        sink.fail_next(SmtpFault::Silence("QUIT"));
        server.close().await;
    }
}
