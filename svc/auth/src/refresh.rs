use db::Tx;
use token::KeyError;
use values::Timestamp;

use crate::{
    account::Account, app::App, grant::Grant, keys::Keys, refresh_token::RefreshToken, session::CannotRefresh, store,
};

/// Why there are no new tokens.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// We never made this token.
    #[error("this is no refresh token")]
    Unknown,
    /// The session does not go on.
    #[error(transparent)]
    Refused(#[from] CannotRefresh),
    /// Nothing could be signed.
    #[error(transparent)]
    Sign(#[from] KeyError),
    /// Nothing could be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Takes a refresh token for a new pair of tokens. It is good once; a second time ends the session.
pub(crate) async fn refresh(app: &App, sent: &str) -> Result<Grant, RefreshError> {
    let (keys, now) = (app.keys(), app.clock().now());
    let token = keys.refresh().recognise(sent).ok_or(RefreshError::Unknown)?;
    let (account, next) = {
        let keys = keys.clone();
        app.db().write(move |tx| take(tx, now, &token, &keys)).await??
    };
    Ok(app.issuer().grant(account, next, keys.signing(), now)?)
}

/// The inner result: a session that ends because its token was reused must stay ended.
fn take(
    tx: &Tx,
    now: Timestamp,
    token: &RefreshToken,
    keys: &Keys,
) -> Result<Result<(Account, RefreshToken), CannotRefresh>, db::Error> {
    let Some(mut session) = store::session(tx, token.session_id)? else {
        return Ok(Err(CannotRefresh::Over));
    };
    let refreshed = session.refresh(token, now, keys.refresh());
    if refreshed == Err(CannotRefresh::Reused) {
        tracing::warn!(session = %session.id, user = %session.user_id, "a refresh token was reused: its session ended");
    }
    store::update_session(tx, &session)?;
    let account = store::account(tx, session.user_id)?;
    Ok(refreshed.and_then(|()| {
        let next = keys.refresh().token(session.id, session.generation);
        account.map(|account| (account, next)).ok_or(CannotRefresh::Over)
    }))
}
