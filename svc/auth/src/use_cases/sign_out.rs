use std::net::IpAddr;

use db::Tx;
use token::Denial;
use values::{SessionId, Timestamp};

use super::{context::AuthContext, end_session::end_session};
use crate::{domain::EndReason, store};

/// The request to sign out, by an access token, a refresh token, or both.
#[derive(Clone, Debug)]
pub(crate) struct SignOut {
    /// The session of a valid access token.
    pub(crate) session_id: Option<SessionId>,
    /// A refresh token as it was sent. Any token that was issued for the session ends it.
    pub(crate) refresh_token: Option<String>,
    /// The network address of the client.
    pub(crate) client: IpAddr,
}

/// No session was ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignOutError {
    /// There is no valid access token, and the refresh token was not issued by this service.
    #[error("this is no refresh token")]
    Unknown,
    /// The session was over already.
    #[error("the session is over")]
    Over,
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Ends the sessions of the tokens. Returns the id of the session; of the access token, if there is one.
pub(crate) async fn sign_out(context: &AuthContext, command: SignOut) -> Result<SessionId, SignOutError> {
    let keys = context.keys();
    let refreshed = command
        .refresh_token
        .and_then(|token| keys.refresh().recognise(&token))
        .map(|token| token.session_id);
    let mut ids: Vec<_> = command.session_id.into_iter().chain(refreshed).collect();
    ids.dedup();
    let first = *ids.first().ok_or(SignOutError::Unknown)?;
    let (now, client) = (context.clock.now(), command.client);
    let ended = context.db.write(move |tx| end_open_sessions(tx, now, &ids, client));
    let denials = ended.await?;
    if denials.is_empty() {
        return Err(SignOutError::Over);
    }
    for denial in denials {
        context.denied.add(denial, now);
    }
    Ok(first)
}

fn end_open_sessions(tx: &Tx, now: Timestamp, ids: &[SessionId], client: IpAddr) -> Result<Vec<Denial>, SignOutError> {
    let mut denials = Vec::new();
    for id in ids {
        let open = store::find_session(tx, *id)?.filter(|session| session.is_open(now));
        if let Some(mut session) = open {
            denials.extend(end_session(tx, now, &mut session, EndReason::SignedOut, client)?);
        }
    }
    Ok(denials)
}
