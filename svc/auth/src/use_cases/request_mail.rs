use std::net::IpAddr;

use super::context::AuthContext;
use crate::{domain::Email, passwords::TooManyMails, store, store::MailPurpose};

/// No mail was requested.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestMailError {
    /// There were too many requests from the network.
    #[error(transparent)]
    TooMany(#[from] TooManyMails),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Requests a mail to an address. Whether the address has an account is decided later: the work until the response is the
/// same. Too many requests for one address send no more mails, and are answered like the others.
pub(crate) async fn request_mail(
    context: &AuthContext,
    purpose: MailPurpose,
    email: Email,
    client: IpAddr,
) -> Result<(), RequestMailError> {
    let elapsed = context.clock.elapsed();
    context.mail_counts.count_client(client, elapsed)?;
    if context.mail_counts.count_address(email.key(), elapsed).is_err() {
        return Ok(());
    }
    let inserted = context
        .db
        .write(move |tx| store::insert_mail_request(tx, purpose, email.key(), None));
    Ok(inserted.await?)
}
