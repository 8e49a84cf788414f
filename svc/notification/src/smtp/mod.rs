//! Delivery of mails: to an SMTP server, or as files to a folder.

mod connection;
mod delivery_error;
mod folder;
mod message;
mod server;
mod url;

use std::sync::Arc;

use lettre::message::Mailbox;

pub use self::url::SmtpUrl;
pub(crate) use self::{
    delivery_error::DeliveryError,
    folder::MailFolder,
    message::{OutgoingMail, Sender},
    server::SmtpServer,
};

/// Where mails are delivered to.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// An SMTP server.
    Server(Arc<SmtpServer>),
    /// A folder, in which each mail is a file.
    Folder(Arc<MailFolder>),
}

impl Transport {
    /// Delivers a mail.
    pub(crate) async fn deliver(&self, mail: OutgoingMail) -> Result<(), DeliveryError> {
        match self {
            Self::Server(server) => server.deliver(&mail).await,
            Self::Folder(folder) => folder.deliver(mail).await,
        }
    }

    /// Closes the connections that no mail has used for a while.
    pub(crate) async fn close_idle(&self) {
        if let Self::Server(server) = self {
            server.close_idle().await;
        }
    }

    /// Closes the connections that no mail uses.
    pub(crate) async fn close(&self) {
        if let Self::Server(server) = self {
            server.close().await;
        }
    }
}

/// Parses the sender of mails, `Name <name@example.com>`.
pub(crate) fn parse_mailbox(text: &str) -> Result<Mailbox, String> {
    let malformed = "must be an address such as Tickets <tickets@example.com>";
    text.trim()
        .parse::<Mailbox>()
        .map_err(|error| format!("{malformed}: {error}"))
}
