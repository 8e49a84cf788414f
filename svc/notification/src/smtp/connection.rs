use std::{fmt::Display, time::Duration};

use lettre::{
    Message,
    address::Envelope,
    transport::smtp::{
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Noop, Quit, Rcpt},
        extension::{Extension, MailBodyParameter, MailParameter},
    },
};

/// How long a server may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For a new connection up to the credentials.
    pub(super) open: Duration,
    /// For the reply to each command of a mail.
    pub(super) reply: Duration,
    /// For the content of a mail and the reply to it. A mail that the server accepts later is sent twice.
    pub(super) content: Duration,
    /// For a reply between two mails.
    pub(super) idle: Duration,
}

impl Timeouts {
    /// RFC 5321, 4.5.3.2: up to 5 minutes for what precedes the content, and 10 minutes for the reply to it.
    pub(super) const USUAL: Self = Self {
        // Nothing is sent yet, so another attempt is harmless.
        open: Duration::from_secs(30),
        reply: Duration::from_mins(5),
        content: Duration::from_mins(10),
        // A new connection replaces one that does not reply.
        idle: Duration::from_secs(5),
    };
}

/// The server did not accept a connection or a mail.
#[derive(Debug, thiserror::Error)]
pub(super) enum SmtpError {
    /// The server refused it, or the connection failed.
    #[error(transparent)]
    Failed(#[from] lettre::transport::smtp::Error),
    /// The server did not reply in time.
    #[error("the server did not reply in time")]
    Timeout,
    /// The server lacks an extension that the mail needs.
    #[error("the server does not support {0}")]
    Unsupported(Extension),
}

impl SmtpError {
    /// Whether the server refuses it for good.
    pub(super) fn is_permanent(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_permanent())
    }
}

/// A connection to an SMTP server, between two mails.
///
/// Methods that send something consume it, and return it if the server has replied to everything. After an error, and if the caller
/// is cancelled, the connection ends: a reply that arrives late would be taken for that to the next command.
pub(super) struct Connection {
    inner: AsyncSmtpConnection,
    timeouts: Timeouts,
}

impl Connection {
    pub(super) fn new(inner: AsyncSmtpConnection, timeouts: Timeouts) -> Self {
        Self { inner, timeouts }
    }

    /// Sends a mail.
    pub(super) async fn send(mut self, message: &Message) -> Result<Self, SmtpError> {
        let (envelope, content) = (message.envelope(), message.formatted());
        let parameters = self.parameters(envelope, &content)?;
        self.command(Mail::new(envelope.from().cloned(), parameters)).await?;
        for recipient in envelope.to() {
            self.command(Rcpt::new(recipient.clone(), Vec::new())).await?;
        }
        self.command(Data).await?;
        within(self.timeouts.content, self.inner.message(&content)).await?;
        Ok(self)
    }

    /// Returns the connection if the server still replies.
    pub(super) async fn check(mut self) -> Option<Self> {
        let replied = within(self.timeouts.idle, self.inner.command(Noop)).await;
        replied.is_ok().then_some(self)
    }

    /// Ends the connection.
    pub(super) async fn quit(mut self) {
        // Nothing depends on the reply.
        let _ = within(self.timeouts.idle, self.inner.command(Quit)).await;
    }

    async fn command(&mut self, command: impl Display) -> Result<(), SmtpError> {
        within(self.timeouts.reply, self.inner.command(command)).await?;
        Ok(())
    }

    /// Returns the parameters of a mail whose addresses (RFC 6531) or content (RFC 6152) are not ASCII.
    fn parameters(&self, envelope: &Envelope, content: &[u8]) -> Result<Vec<MailParameter>, SmtpError> {
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        let eight_bit = MailParameter::Body(MailBodyParameter::EightBitMime);
        let extensions = [
            (
                addresses.any(|address| !address.to_string().is_ascii()),
                Extension::SmtpUtfEight,
                MailParameter::SmtpUtfEight,
            ),
            (!content.is_ascii(), Extension::EightBitMime, eight_bit),
        ];
        let mut parameters = Vec::new();
        for (is_needed, extension, parameter) in extensions {
            if is_needed && !self.inner.server_info().supports_feature(extension) {
                return Err(SmtpError::Unsupported(extension));
            }
            parameters.extend(is_needed.then_some(parameter));
        }
        Ok(parameters)
    }
}

/// Waits for the server, up to a timeout.
pub(super) async fn within<T>(
    timeout: Duration,
    reply: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, SmtpError> {
    match tokio::time::timeout(timeout, reply).await {
        Ok(replied) => Ok(replied?),
        Err(_) => Err(SmtpError::Timeout),
    }
}
