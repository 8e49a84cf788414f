//! Mails about accounts: requested from the notification service, with the token of their link sealed.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use db::Tx;
use events::{AccountMail, AccountMailKind};
use sealing::{EncryptionKeys, random};
use values::{Language, MailId, Timestamp, UserId};

use crate::{
    domain::{Account, CONFIRMATION_LIFETIME, LinkPurpose, LinkToken, RESET_LIFETIME},
    events::publish_mail,
    store,
};

/// Whom a mail is sent to.
pub(super) struct Recipient<'a> {
    pub(super) account_id: UserId,
    pub(super) address: &'a str,
    pub(super) language: Language,
}

impl<'a> From<&'a Account> for Recipient<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            account_id: account.id(),
            address: account.email(),
            language: account.state().language,
        }
    }
}

/// Returns a new random token.
pub(super) fn new_token() -> LinkToken {
    LinkToken::new(random::bytes())
}

/// Requests a mail that reports something.
pub(super) fn send_report(tx: &Tx, now: Timestamp, to: &Recipient<'_>, kind: AccountMailKind) -> Result<(), db::Error> {
    publish_mail(tx, now, mail(MailId::new(now), now, to, kind))
}

/// Requests a mail with a link. The event has the token sealed for the notification service.
pub(super) fn send_link(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    to: &Recipient<'_>,
    kind: AccountMailKind,
    (token, expires_at): (&LinkToken, Timestamp),
) -> Result<(), db::Error> {
    let id = MailId::new(now);
    let purpose = AccountMail::token_purpose(id);
    let sealed = mail_keys.seal(purpose.as_bytes(), token.as_bytes(), random::bytes());
    let mail = AccountMail {
        sealed_token: Some(BASE64_URL_SAFE_NO_PAD.encode(sealed)),
        expires_at: Some(expires_at),
        ..mail(id, now, to, kind)
    };
    publish_mail(tx, now, mail)
}

/// Requests the mail with which a user confirms the address of an account.
pub(super) fn send_confirmation(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    account: &Account,
) -> Result<(), db::Error> {
    let (token, expires_at) = (new_token(), now + CONFIRMATION_LIFETIME);
    store::insert_link(tx, &token.hash(), LinkPurpose::ConfirmEmail, account.id(), expires_at)?;
    let to = account.into();
    send_link(
        tx,
        now,
        mail_keys,
        &to,
        AccountMailKind::ConfirmEmail,
        (&token, expires_at),
    )
}

/// Requests the mail with which a user sets a new password.
pub(super) fn send_reset(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    account: &Account,
) -> Result<(), db::Error> {
    let (token, expires_at) = (new_token(), now + RESET_LIFETIME);
    store::insert_link(tx, &token.hash(), LinkPurpose::ResetPassword, account.id(), expires_at)?;
    let to = account.into();
    send_link(
        tx,
        now,
        mail_keys,
        &to,
        AccountMailKind::ResetPassword,
        (&token, expires_at),
    )
}

fn mail(id: MailId, now: Timestamp, to: &Recipient<'_>, kind: AccountMailKind) -> AccountMail {
    AccountMail {
        id,
        version: 1,
        account_id: to.account_id,
        address: to.address.to_owned(),
        language: to.language,
        kind,
        sealed_token: None,
        expires_at: None,
        requested_at: now,
    }
}
