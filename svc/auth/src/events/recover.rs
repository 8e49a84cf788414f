use std::collections::BTreeMap;

use bus::ConsumeError;
use db::Tx;
use events::{AccountStatus, Envelope, Event};
use rusqlite::Connection;
use values::{SessionId, Timestamp};

use crate::{
    domain::{Account, AccountState, ClosureRequest, ClosureRound, Email, EndReason, Name},
    store,
};

/// Stores the accounts as they were published since the backup, ends the sessions that have ended since, and deletes the keys
/// if one of them was revoked. Returns whether the database changed.
///
/// Sessions that were started since the backup are lost, and so are the passwords of accounts that were created since: their
/// users keep their orders and tickets, and set a new password by mail. A password that was changed is the earlier one again.
pub(crate) fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    if let Some(denial) = revocation::denial(&envelope.event) {
        revocation::store(tx, now, &denial)?;
    }
    match &envelope.event {
        Event::SessionEnded(ended) => {
            let open = store::find_session(tx, ended.id)?.filter(|session| session.state().ended.is_none());
            let Some(mut session) = open else { return Ok(false) };
            session.end(EndReason::SignedOut, ended.ended_at);
            store::update_session(tx, &session)?;
            Ok(true)
        }
        Event::SigningKeyRevoked(revoked) => {
            let is_stored = store::signing_keys(tx)?.iter().any(|key| key.kid == revoked.kid);
            if is_stored {
                // New ones are created when the keys are loaded next.
                store::delete_all_keys(tx)?;
            }
            Ok(is_stored)
        }
        event => event
            .as_account()
            .map_or(Ok(false), |published| recover_account(tx, published)),
    }
}

fn recover_account(tx: &Tx, published: &events::Account) -> Result<bool, ConsumeError> {
    let known = store::find_account(tx, published.id)?;
    let known = known.as_ref().map(Account::state);
    if known.is_some_and(|known| known.version >= published.version) {
        return Ok(false);
    }
    let email = published.email.as_deref().and_then(|email| Email::parse(email).ok());
    let is_deleted = published.status == AccountStatus::Deleted;
    if email.is_none() && !is_deleted {
        return Ok(false);
    }
    let account = Account::from_state(AccountState {
        id: published.id,
        email: email
            .as_ref()
            .map(|email| email.as_str().to_owned())
            .unwrap_or_default(),
        password_hash: known
            .filter(|_| !is_deleted)
            .map_or_else(AccountState::no_password, |known| known.password_hash.clone()),
        name: published.name.clone().map(Name::from_stored),
        language: published.language,
        email_confirmed_at: published.email_confirmed_at,
        status: published.status,
        version: published.version,
        created_at: known.map_or_else(
            || published.id.created_at().unwrap_or(published.updated_at),
            |known| known.created_at,
        ),
        updated_at: published.updated_at,
    });
    let Some(email) = email.filter(|_| !is_deleted) else {
        store::erase_account(tx, &account)?;
        return Ok(true);
    };
    let is_stored = if known.is_some() {
        store::update_account(tx, &account, &email)?
    } else {
        store::insert_account(tx, &account, &email)?
    };
    if !is_stored {
        tracing::error!(user = %published.id, "account not recovered, another one has its address");
    } else if published.status == AccountStatus::Closing {
        // What the services have decided since is lost: they are asked again.
        store::insert_closure(
            tx,
            &ClosureRequest {
                user_id: published.id,
                version: published.version,
                round: ClosureRound::First,
                requested_at: published.updated_at,
                ended_at: None,
                decisions: BTreeMap::new(),
            },
        )?;
    } else {
        store::end_closure(tx, published.id, published.updated_at)?;
    }
    Ok(is_stored)
}

/// Returns the start of the newest session.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    Ok(store::newest_session(conn)?.and_then(SessionId::created_at))
}
