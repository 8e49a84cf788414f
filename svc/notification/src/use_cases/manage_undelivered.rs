use audit::Author;
use db::Tx;
use values::{MailId, Timestamp};

use crate::{domain::MailRules, store};

/// An undelivered mail cannot be sent or discarded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManageError {
    /// There is no such mail.
    #[error("there is no undelivered mail {0}: `undelivered list` has their ids")]
    NotFound(MailId),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Queues an undelivered mail, or one that is presumed sent.
pub(crate) fn retry_mail(tx: &Tx, now: Timestamp, id: MailId, rules: &MailRules) -> Result<(), ManageError> {
    if !store::queue_again(tx, id, now, rules)? {
        return Err(ManageError::NotFound(id));
    }
    Ok(append(tx, now, "undelivered retry", id)?)
}

/// Decides that an undelivered mail is not sent.
pub(crate) fn discard_mail(tx: &Tx, now: Timestamp, id: MailId, rules: &MailRules) -> Result<(), ManageError> {
    if !store::discard(tx, id, now, rules)? {
        return Err(ManageError::NotFound(id));
    }
    Ok(append(tx, now, "undelivered discard", id)?)
}

fn append(tx: &Tx, now: Timestamp, action: &'static str, id: MailId) -> Result<(), db::Error> {
    audit::append(tx, now, &Author::operator().did(action, &id))
}
