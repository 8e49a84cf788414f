use std::net::IpAddr;

use token::SignedIn;

use super::{audit_entries, context::AuthContext, current_user::current_user};
use crate::{
    domain::{Account, DeviceTokens, Email, InvalidPassword, Password},
    passwords::CheckRefused,
};

/// A signed-in user who states the password again, for a change that a stolen session must not make.
#[derive(Clone, Debug)]
pub(crate) struct Reauthentication {
    pub(crate) signed_in: SignedIn,
    pub(crate) password: Password,
    /// The network address of the client.
    pub(crate) client: IpAddr,
    /// What the browser sends to be recognised.
    pub(crate) devices: DeviceTokens,
}

/// The account was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeAccountError {
    /// The session has ended since the access token was issued.
    #[error("the session is over")]
    SessionOver,
    /// The password is not that of the account.
    #[error("the password is wrong")]
    WrongPassword,
    /// The password was not checked.
    #[error(transparent)]
    NotChecked(#[from] CheckRefused),
    /// The new password is not allowed.
    #[error(transparent)]
    InvalidPassword(#[from] InvalidPassword),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Returns the account of the signed-in user if the password is right. A wrong one counts as a failed attempt to sign in.
pub(super) async fn check_password(
    context: &AuthContext,
    command: Reauthentication,
) -> Result<Account, ChangeAccountError> {
    let (now, signed_in) = (context.clock.now(), command.signed_in);
    let account = context.db.read(move |conn| current_user(conn, now, signed_in)).await;
    let account = account
        .map_err(|error: db::Error| error)?
        .ok_or(ChangeAccountError::SessionOver)?;
    let email = Email::parse(account.email()).ok();
    let key = email.as_ref().map_or(account.email(), Email::key);
    let device = command.devices.recognise(account.id(), now, context.keys().refresh());
    let hash = account.password_hash().map(ToOwned::to_owned);
    let checked = context
        .passwords
        .check(key, command.client, device, command.password, hash)
        .await;
    let refusal = match &checked {
        Ok(true) => return Ok(account),
        Ok(false) => "wrong-credentials",
        Err(refused) => audit_entries::check_refused(*refused),
    };
    let refused = audit_entries::refused("password-check", Some(account.id()), command.client, refusal);
    context.refusals.count(refused);
    checked?;
    Err(ChangeAccountError::WrongPassword)
}
