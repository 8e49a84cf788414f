use std::net::IpAddr;

use chassis::ClientAddress;
use db::Tx;
use sealing::EncryptionKeys;
use values::Timestamp;

use super::{audit_entries::account_changed, mails::send_reset};
use crate::{
    domain::{Account, AccountState, Email, LinkPurpose, LinkToken, PendingSignUp},
    events::publish_account,
    store,
};

/// A link was not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UseLinkError {
    /// It was never sent, was used, or has expired.
    #[error("the link is not valid")]
    Invalid,
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Confirms the address of an account by the token that was mailed to it. A sign-up becomes an account.
///
/// If several sign-ups with the address wait, their mails look alike, so the link may be that of somebody else. Then the account has
/// no password, and a link to set one is mailed; so is one to the user of an account that was restored from its events.
pub(crate) fn confirm_email(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    token: &LinkToken,
    client: ClientAddress,
) -> Result<Account, UseLinkError> {
    let hash = token.hash();
    if let Some(user_id) = store::find_link(tx, &hash, LinkPurpose::ConfirmEmail, now)? {
        let mut account = store::find_account(tx, user_id)?.ok_or(UseLinkError::Invalid)?;
        confirm_address(tx, now, &mut account, client.0)?;
        mail_missing_password(tx, now, mail_keys, &account)?;
        return Ok(account);
    }
    let sign_up = store::pending_sign_up_of_link(tx, &hash, now)?;
    create_account(tx, now, mail_keys, sign_up.ok_or(UseLinkError::Invalid)?, client.0)
}

/// Records that the user has proved to own the address: the links that confirm it are used.
pub(super) fn confirm_address(tx: &Tx, now: Timestamp, account: &mut Account, client: IpAddr) -> Result<(), db::Error> {
    store::delete_links(tx, account.id(), LinkPurpose::ConfirmEmail)?;
    if account.confirm_email(now) {
        store::update_profile(tx, account)?;
        publish_account(tx, now, account)?;
        audit::append(tx, now, &account_changed("email-confirm", account.id(), client))?;
    }
    Ok(())
}

fn create_account(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    mut sign_up: PendingSignUp,
    client: IpAddr,
) -> Result<Account, UseLinkError> {
    let email = Email::parse(&sign_up.email).map_err(|_| UseLinkError::Invalid)?;
    if store::has_other_sign_up(tx, &email, sign_up.user_id, now)? {
        sign_up.password_hash = AccountState::no_password();
    }
    store::delete_pending_sign_ups(tx, &email)?;
    let account = Account::confirmed(sign_up, &email, now);
    if !store::insert_account(tx, &account, &email)? {
        // Somebody else has proved to own the address meanwhile.
        return Err(UseLinkError::Invalid);
    }
    publish_account(tx, now, &account)?;
    audit::append(tx, now, &account_changed("sign-up", account.id(), client))?;
    mail_missing_password(tx, now, mail_keys, &account)?;
    Ok(account)
}

fn mail_missing_password(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    account: &Account,
) -> Result<(), db::Error> {
    if account.password_hash().is_some() {
        return Ok(());
    }
    send_reset(tx, now, mail_keys, account)
}
