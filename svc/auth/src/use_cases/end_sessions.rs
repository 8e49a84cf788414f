use std::net::IpAddr;

use db::Tx;
use token::{Denial, SignedIn};
use values::{SessionId, Timestamp, UserId};

use super::{context::AuthContext, end_session::end_session};
use crate::{domain::EndReason, store};

/// No session was ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndSessionError {
    /// The user has no such session.
    #[error("there is no such session")]
    NotFound,
    /// The session of the request has ended since its access token was issued.
    #[error("the session is over")]
    Over,
    /// The database could not be read or written.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Ends one session of the signed-in user.
pub(crate) async fn end_one_session(
    context: &AuthContext,
    signed_in: SignedIn,
    id: SessionId,
    client: IpAddr,
) -> Result<(), EndSessionError> {
    let now = context.clock.now();
    let ended = context.db.write(move |tx| -> Result<_, EndSessionError> {
        ensure_open(tx, now, signed_in)?;
        let session = store::find_session(tx, id)?.filter(|session| session.state().user_id == signed_in.user_id);
        let mut session = session
            .filter(|session| session.is_open(now))
            .ok_or(EndSessionError::NotFound)?;
        Ok(end_session(tx, now, &mut session, EndReason::SignedOut, client)?)
    });
    deny(context, now, ended.await?);
    Ok(())
}

/// Ends all sessions of the signed-in user except that of the request. Returns how many.
pub(crate) async fn end_other_sessions(
    context: &AuthContext,
    signed_in: SignedIn,
    client: IpAddr,
) -> Result<usize, EndSessionError> {
    let now = context.clock.now();
    let ended = context.db.write(move |tx| -> Result<_, EndSessionError> {
        ensure_open(tx, now, signed_in)?;
        let kept = Some(signed_in.session_id);
        Ok(end_sessions_of(tx, now, signed_in.user_id, kept, client)?)
    });
    let denials = ended.await?;
    let count = denials.len();
    deny(context, now, denials);
    Ok(count)
}

/// Ends all open sessions of an account, except one. Returns the denials for the list of this service.
pub(super) fn end_sessions_of(
    tx: &Tx,
    now: Timestamp,
    user_id: UserId,
    except: Option<SessionId>,
    client: IpAddr,
) -> Result<Vec<Denial>, db::Error> {
    let mut denials = Vec::new();
    for mut session in store::sessions_of(tx, user_id)? {
        if session.is_open(now) && Some(session.state().id) != except {
            denials.extend(end_session(tx, now, &mut session, EndReason::SignedOut, client)?);
        }
    }
    Ok(denials)
}

/// Adds denials to the list of this service, after the commit.
pub(super) fn deny(context: &AuthContext, now: Timestamp, denials: impl IntoIterator<Item = Denial>) {
    for denial in denials {
        context.denied.add(denial, now);
    }
}

fn ensure_open(tx: &Tx, now: Timestamp, signed_in: SignedIn) -> Result<(), EndSessionError> {
    let session = store::find_session(tx, signed_in.session_id)?;
    session
        .filter(|session| session.is_open(now))
        .map(drop)
        .ok_or(EndSessionError::Over)
}
