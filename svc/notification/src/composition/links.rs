use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use events::{AccountMail, Transfer};
use sealing::{CannotOpen, EncryptionKeys};
use url::Url;

use crate::domain::{Mail, MailKind};

/// The keys that encrypt what events carry.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// Shared with auth: tokens of links in mails about accounts.
    pub(crate) mail: EncryptionKeys,
    /// Shared with ticket: codes of tickets, and tokens of links in offers.
    pub(crate) admission: EncryptionKeys,
}

/// The text of an event cannot be decrypted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum SealedText {
    /// It is not base64url, or the content is no text.
    #[error("the {0} of the event is malformed")]
    Malformed(&'static str),
    /// It is encrypted with another key, or damaged.
    #[error(
        "the {0} of the event cannot be decrypted, it is {1}: compare --mail-key-file and --admission-key-file with auth and ticket"
    )]
    CannotOpen(&'static str, CannotOpen),
}

/// Decrypts a text of an event.
pub(super) fn open(
    keys: &EncryptionKeys,
    purpose: &str,
    sealed: &str,
    what: &'static str,
) -> Result<Vec<u8>, SealedText> {
    let sealed = BASE64_URL_SAFE_NO_PAD
        .decode(sealed)
        .map_err(|_| SealedText::Malformed(what))?;
    let opened = keys
        .open(purpose.as_bytes(), &sealed)
        .map_err(|error| SealedText::CannotOpen(what, error))?;
    Ok(opened.to_vec())
}

/// Returns the link of a mail on the pages of the marketplace.
pub(super) fn link(public: &Url, mail: &Mail, keys: &Keys) -> Result<Option<String>, SealedText> {
    let path = match mail.kind {
        kind if kind.link_path().is_some() => {
            let Some(token) = token(mail, keys)? else {
                return Ok(None);
            };
            vec![kind.link_path().unwrap_or_default().to_owned(), token]
        }
        MailKind::EmailTaken => vec!["signin".to_owned()],
        MailKind::PasswordChanged
        | MailKind::SecondFactorEnabled
        | MailKind::SecondFactorWeakened
        | MailKind::DeletionRefused => vec!["account".to_owned()],
        MailKind::OrderConfirmed | MailKind::RefundPaid | MailKind::RefundFailed | MailKind::RefundDeclined => {
            vec![
                "orders".to_owned(),
                mail.order_id.map(|id| id.to_string()).unwrap_or_default(),
            ]
        }
        MailKind::RefundRequested => {
            vec![
                "sell".to_owned(),
                mail.ticket_id.map(|id| id.to_string()).unwrap_or_default(),
            ]
        }
        MailKind::OrderExpired | MailKind::ListingWithdrawn => {
            vec![
                "events".to_owned(),
                mail.ticket_id.map(|id| id.to_string()).unwrap_or_default(),
            ]
        }
        MailKind::TransferAccepted | MailKind::TransferReturned => vec!["orders".to_owned()],
        MailKind::TicketReceived => vec!["tickets".to_owned()],
        _ => return Ok(None),
    };
    let mut url = public.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    if mail.kind == MailKind::RefundRequested {
        url.set_fragment(Some("refunds"));
    }
    Ok(Some(url.to_string()))
}

/// Returns the token of a link. It is part of a path, so the URL encodes whatever it contains.
fn token(mail: &Mail, keys: &Keys) -> Result<Option<String>, SealedText> {
    const WHAT: &str = "token";
    let Some(sealed) = &mail.details.sealed_token else {
        return Ok(None);
    };
    let opened = match mail.details.transfer_id {
        Some(transfer) => open(&keys.admission, &Transfer::token_purpose(transfer), sealed, WHAT)?,
        None => open(&keys.mail, &AccountMail::token_purpose(mail.id), sealed, WHAT)?,
    };
    String::from_utf8(opened)
        .map(Some)
        .map_err(|_| SealedText::Malformed(WHAT))
}
