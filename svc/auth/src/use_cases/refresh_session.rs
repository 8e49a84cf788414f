use std::net::IpAddr;

use db::Tx;
use token::{Denial, KeyError};
use values::Timestamp;

use super::{audit_entries, context::AuthContext, end_session::end_session};
use crate::{
    domain::{Account, CannotRefresh, EndReason, KeySet, RefreshToken, TokenPair},
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

/// The outcome of an exchange. It is no error of the transaction: a session that ends because a token was reused stays
/// ended.
enum Exchange {
    Refreshed {
        account: Account,
        next: RefreshToken,
        expires_at: Timestamp,
        has_second_factor: bool,
    },
    Refused(CannotRefresh, Option<Denial>),
}

/// Exchanges a refresh token for a new pair of tokens. A token that was exchanged a moment ago yields the current pair; one
/// that was used earlier ends its session.
pub(crate) async fn refresh_session(
    context: &AuthContext,
    token: &str,
    client: IpAddr,
) -> Result<TokenPair, RefreshError> {
    let (keys, now) = (context.keys(), context.clock.now());
    let token = keys.refresh().recognise(token).ok_or(RefreshError::Unknown)?;
    let exchanged = {
        let keys = keys.clone();
        context
            .db
            .write(move |tx| exchange(tx, now, &token, &keys, client))
            .await
    };
    match exchanged? {
        Exchange::Refreshed {
            account,
            next,
            expires_at,
            has_second_factor,
        } => Ok(context
            .issuer
            .issue(account, next, expires_at, has_second_factor, keys.signing(), now)?),
        Exchange::Refused(reason, denial) => {
            if let Some(denial) = denial {
                context.denied.add(denial, now);
            }
            Err(reason.into())
        }
    }
}

fn exchange(
    tx: &Tx,
    now: Timestamp,
    token: &RefreshToken,
    keys: &KeySet,
    client: IpAddr,
) -> Result<Exchange, db::Error> {
    let Some(mut session) = store::find_session(tx, token.session_id)? else {
        return Ok(Exchange::Refused(CannotRefresh::Over, None));
    };
    match session.refresh(token, now, keys.refresh()) {
        Ok(()) => {
            session.use_from(audit_entries::network(client));
            store::update_session(tx, &session)?;
        }
        Err(CannotRefresh::Over) => return Ok(Exchange::Refused(CannotRefresh::Over, None)),
        Err(CannotRefresh::Reused) => {
            let state = session.state();
            tracing::warn!(session = %state.id, user = %state.user_id, "refresh token reused, session ended");
            let denial = end_session(tx, now, &mut session, EndReason::RefreshReused, client)?;
            return Ok(Exchange::Refused(CannotRefresh::Reused, denial));
        }
    }
    let account = store::find_account(tx, session.state().user_id)?;
    Ok(match account.filter(|account| !account.is_deleted()) {
        Some(account) => Exchange::Refreshed {
            account,
            next: session.refresh_token(keys.refresh()),
            expires_at: session.expires_at(),
            has_second_factor: session.state().second_factor_at.is_some(),
        },
        None => Exchange::Refused(CannotRefresh::Over, None),
    })
}
