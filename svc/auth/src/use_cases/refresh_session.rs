use db::Tx;
use token::KeyError;
use values::Timestamp;

use super::context::AuthContext;
use crate::{
    domain::{Account, CannotRefresh, KeySet, RefreshToken, TokenPair},
    store,
};

/// A refresh token was not exchanged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// The token was not issued by this service.
    #[error("this is no refresh token")]
    Unknown,
    /// The session is over.
    #[error(transparent)]
    Refused(#[from] CannotRefresh),
    /// The access token could not be signed.
    #[error(transparent)]
    Sign(#[from] KeyError),
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Exchanges a refresh token for a new pair of tokens. A token that is used a second time ends its session.
pub(crate) async fn refresh_session(context: &AuthContext, token: &str) -> Result<TokenPair, RefreshError> {
    let (keys, now) = (context.keys(), context.clock.now());
    let token = keys.refresh().recognise(token).ok_or(RefreshError::Unknown)?;
    let (account, next) = {
        let keys = keys.clone();
        context.db.write(move |tx| exchange(tx, now, &token, &keys)).await??
    };
    Ok(context.issuer.issue(account, next, keys.signing(), now)?)
}

/// The inner result does not undo the transaction: a session that ends because of a reused token stays ended.
fn exchange(
    tx: &Tx,
    now: Timestamp,
    token: &RefreshToken,
    keys: &KeySet,
) -> Result<Result<(Account, RefreshToken), CannotRefresh>, db::Error> {
    let Some(mut session) = store::find_session(tx, token.session_id)? else {
        return Ok(Err(CannotRefresh::Over));
    };
    let refreshed = session.refresh(token, now, keys.refresh());
    let state = session.state();
    if refreshed == Err(CannotRefresh::Reused) {
        tracing::warn!(session = %state.id, user = %state.user_id, "refresh token reused, session ended");
    }
    store::update_session(tx, &session)?;
    let account = store::find_account(tx, state.user_id)?;
    Ok(refreshed.and_then(|()| {
        let next = session.refresh_token(keys.refresh());
        account.map(|account| (account, next)).ok_or(CannotRefresh::Over)
    }))
}
