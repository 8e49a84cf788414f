use rusqlite::Connection;
use token::SignedIn;
use values::{Timestamp, UserId};

use crate::{account::Account, store};

/// Whoever is signed in, unless their session was ended since the access token was made: here that can be seen.
pub(crate) fn current_user(conn: &Connection, now: Timestamp, who: SignedIn) -> Result<Option<Account>, db::Error> {
    let session = store::session(conn, who.session_id)?;
    let user: Option<UserId> = session
        .filter(|session| session.is_open(now))
        .map(|session| session.user_id);
    user.filter(|user| *user == who.user_id)
        .map_or(Ok(None), |user| store::account(conn, user))
}
