use rusqlite::Connection;
use token::SignedIn;
use values::Timestamp;

use crate::{domain::Account, store};

/// Returns the account of the signed-in user. `None` if the session has ended since the access token was issued, or the account
/// is deleted.
pub(crate) fn current_user(
    conn: &Connection,
    now: Timestamp,
    signed_in: SignedIn,
) -> Result<Option<Account>, db::Error> {
    let session = store::find_session(conn, signed_in.session_id)?;
    let user_id = session
        .filter(|session| session.is_open(now))
        .map(|session| session.state().user_id);
    let account = user_id
        .filter(|user_id| *user_id == signed_in.user_id)
        .map_or(Ok(None), |user_id| store::find_account(conn, user_id))?;
    Ok(account.filter(|account| !account.is_deleted()))
}
