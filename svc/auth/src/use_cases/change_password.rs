use std::net::IpAddr;

use db::Tx;
use events::AccountMailKind;
use token::Denial;
use values::{SessionId, Timestamp};

use super::{
    audit_entries::account_changed,
    check_password::{ChangeAccountError, Reauthentication, check_password},
    confirm_email::UseLinkError,
    confirm_email::confirm_address,
    context::AuthContext,
    end_sessions::{deny, end_sessions_of},
    mails::send_report,
};
use crate::{
    domain::{Account, Email, InvalidPassword, LinkPurpose, LinkToken, Password},
    passwords::CheckRefused,
    store,
};

/// Changes the password of the signed-in user, and ends all other sessions.
pub(crate) async fn change_password(
    context: &AuthContext,
    current: Reauthentication,
    new: Password,
) -> Result<(), ChangeAccountError> {
    let (signed_in, client) = (current.signed_in, current.client);
    let account = check_password(context, current).await?;
    ensure_not_address(&account, &new)?;
    let hash = context.passwords.hash_new(client, new).await?;
    let now = context.clock.now();
    let changed = context.db.write(move |tx| -> Result<_, ChangeAccountError> {
        let stored = store::find_account(tx, account.id())?;
        // Changed or reset meanwhile: the password that was checked is not the current one.
        let unchanged = stored.filter(|stored| stored.password_hash() == account.password_hash());
        let mut account = unchanged.ok_or(ChangeAccountError::WrongPassword)?;
        account.change_password(hash);
        Ok(store_password(
            tx,
            now,
            &account,
            Some(signed_in.session_id),
            ("password-change", client),
        )?)
    });
    deny(context, now, changed.await?);
    Ok(())
}

/// The password was not reset.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetPasswordError {
    /// The link cannot be used.
    #[error(transparent)]
    Link(#[from] UseLinkError),
    /// The new password was not hashed.
    #[error(transparent)]
    NotHashed(#[from] CheckRefused),
    /// The new password is not allowed. The link stays valid.
    #[error(transparent)]
    InvalidPassword(#[from] InvalidPassword),
}

/// Sets a new password by the token that was mailed to the address of the account, which is confirmed thereby. Ends all
/// sessions.
pub(crate) async fn reset_password(
    context: &AuthContext,
    token: LinkToken,
    new: Password,
    client: IpAddr,
) -> Result<(), ResetPasswordError> {
    let (hash, now) = (token.hash(), context.clock.now());
    let find = move |conn: &rusqlite::Connection| -> Result<_, UseLinkError> {
        let user_id = store::find_link(conn, &hash, LinkPurpose::ResetPassword, now)?;
        let account = user_id.map(|user_id| store::find_account(conn, user_id));
        account.transpose()?.flatten().ok_or(UseLinkError::Invalid)
    };
    let account = context.db.read(find).await?;
    ensure_not_address(&account, &new)?;
    let password_hash = context.passwords.hash_new(client, new).await?;
    let now = context.clock.now();
    let reset = context.db.write(move |tx| -> Result<_, UseLinkError> {
        let mut account = find(tx)?;
        account.change_password(password_hash);
        confirm_address(tx, now, &mut account, client)?;
        Ok(store_password(tx, now, &account, None, ("password-reset", client))?)
    });
    deny(context, now, reset.await?);
    Ok(())
}

fn ensure_not_address(account: &Account, new: &Password) -> Result<(), InvalidPassword> {
    let email = Email::parse(account.email());
    email.map_or(Ok(()), |email| new.ensure_not_address(&email))
}

/// Stores a new password. Other sessions, and links that were requested before, end with the old one.
fn store_password(
    tx: &Tx,
    now: Timestamp,
    account: &Account,
    kept: Option<SessionId>,
    (action, client): (&'static str, IpAddr),
) -> Result<Vec<Denial>, db::Error> {
    store::update_profile(tx, account)?;
    store::delete_links(tx, account.id(), LinkPurpose::ResetPassword)?;
    store::delete_email_change(tx, account.id())?;
    audit::append(tx, now, &account_changed(action, account.id(), client))?;
    send_report(tx, now, &account.into(), AccountMailKind::PasswordChanged)?;
    end_sessions_of(tx, now, account.id(), kept, client)
}
