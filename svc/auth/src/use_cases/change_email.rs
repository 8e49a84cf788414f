use std::net::IpAddr;

use chassis::ClientAddress;
use db::Tx;
use events::AccountMailKind;
use sealing::EncryptionKeys;
use values::Timestamp;

use super::{
    audit_entries::account_changed,
    check_password::{ChangeAccountError, Reauthentication, check_password},
    confirm_email::UseLinkError,
    context::AuthContext,
    current_user::current_user,
    mails::{Recipient, new_token, send_link, send_report},
};
use crate::{
    domain::{Account, CONFIRMATION_LIFETIME, Email, EmailChange, LinkPurpose, LinkToken},
    events::publish_account,
    passwords::TooManyMails,
    store,
};

/// The change of an address was not requested.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestEmailChangeError {
    /// There were too many requests for mails.
    #[error(transparent)]
    TooMany(#[from] TooManyMails),
    /// The user was not authenticated.
    #[error(transparent)]
    Account(#[from] ChangeAccountError),
}

/// Requests a change of the address, which is confirmed by mails to the current and to the new one. If the new one has an
/// account, its user receives another mail; the response is the same.
pub(crate) async fn request_email_change(
    context: &AuthContext,
    current: Reauthentication,
    new: Email,
) -> Result<(), RequestEmailChangeError> {
    let (signed_in, client) = (current.signed_in, current.client);
    let account = check_password(context, current).await?;
    let elapsed = context.clock.elapsed();
    context.mail_counts.count_client(client, elapsed)?;
    let present = Email::parse(account.email()).ok();
    let present_key = present.as_ref().map_or(account.email(), Email::key);
    context.mail_counts.count_address(present_key, elapsed)?;
    context.mail_counts.count_address(new.key(), elapsed)?;
    let (now, mail_keys) = (context.clock.now(), context.mail_keys.clone());
    let requested = context.db.write(move |tx| -> Result<_, ChangeAccountError> {
        let account = current_user(tx, now, signed_in)?.ok_or(ChangeAccountError::SessionOver)?;
        Ok(request(tx, now, &mail_keys, &account, &new, client)?)
    });
    Ok(requested.await?)
}

fn request(
    tx: &Tx,
    now: Timestamp,
    mail_keys: &EncryptionKeys,
    account: &Account,
    new: &Email,
    client: IpAddr,
) -> Result<(), db::Error> {
    let (approve, confirm, expires_at) = (new_token(), new_token(), now + CONFIRMATION_LIFETIME);
    let change = EmailChange {
        user_id: account.id(),
        email: new.as_str().to_owned(),
        approve_hash: Some(approve.hash()),
        confirm_hash: Some(confirm.hash()),
        expires_at,
    };
    store::insert_email_change(tx, &change, new)?;
    let kind = AccountMailKind::ApproveNewEmail;
    send_link(tx, now, mail_keys, &account.into(), kind, (&approve, expires_at))?;
    let holder = store::find_account_by_email(tx, new)?.filter(|holder| holder.id() != account.id());
    if let Some(holder) = holder {
        send_report(tx, now, &(&holder).into(), AccountMailKind::EmailTaken)?;
    } else {
        let to = Recipient {
            account_id: account.id(),
            address: new.as_str(),
            language: account.state().language,
        };
        let kind = AccountMailKind::ConfirmNewEmail;
        send_link(tx, now, mail_keys, &to, kind, (&confirm, expires_at))?;
    }
    audit::append_limited(tx, now, &account_changed("email-change-request", account.id(), client))
}

/// What the use of a link has led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EmailChangeProgress {
    /// The other address has not confirmed yet.
    Waiting,
    /// The address is changed.
    Changed,
}

/// Confirms a change of an address at the current or the new one. The second of both changes it.
pub(crate) fn confirm_email_change(
    tx: &Tx,
    now: Timestamp,
    token: &LinkToken,
    client: ClientAddress,
) -> Result<EmailChangeProgress, UseLinkError> {
    let hash = token.hash();
    let mut change = store::email_change_of_link(tx, &hash, now)?.ok_or(UseLinkError::Invalid)?;
    if !change.confirm(hash) {
        store::update_email_change(tx, &change)?;
        return Ok(EmailChangeProgress::Waiting);
    }
    store::delete_email_change(tx, change.user_id)?;
    let mut account = store::find_account(tx, change.user_id)?.ok_or(UseLinkError::Invalid)?;
    let email = Email::parse(&change.email).map_err(|_| UseLinkError::Invalid)?;
    let former = account.clone();
    account.change_email(&email, now);
    if !store::update_account(tx, &account, &email)? {
        // Somebody has signed up with it meanwhile.
        return Err(UseLinkError::Invalid);
    }
    for purpose in [LinkPurpose::ConfirmEmail, LinkPurpose::ResetPassword] {
        store::delete_links(tx, account.id(), purpose)?;
    }
    publish_account(tx, now, &account)?;
    send_report(tx, now, &(&former).into(), AccountMailKind::EmailChanged)?;
    audit::append(tx, now, &account_changed("email-change", account.id(), client.0))?;
    Ok(EmailChangeProgress::Changed)
}
