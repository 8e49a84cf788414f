use bus::outbox;
use db::Tx;
use events::{AccountMail, AccountStatus, Event, Session as EndedSession, SigningKey};
use token::{ACCESS_TOKEN_LIFETIME, Denial};
use values::Timestamp;

use crate::domain::{Account, AccountState, Session};

/// The name of the service: its queue, the source of its events, and its database.
pub(crate) const SERVICE_NAME: &str = "auth";

/// Publishes the end of a session and stores that its access tokens are refused. Returns the denial, for the list in
/// memory; `None` if the session has not ended.
pub(crate) fn publish_ended_session(tx: &Tx, now: Timestamp, session: &Session) -> Result<Option<Denial>, db::Error> {
    let state = session.state();
    let Some((ended_at, _)) = state.ended else {
        return Ok(None);
    };
    publish(
        tx,
        now,
        Event::SessionEnded(EndedSession {
            id: state.id,
            version: 1,
            user_id: state.user_id,
            ended_at,
            tokens_expire_at: ended_at + ACCESS_TOKEN_LIFETIME,
        }),
    )
}

/// Publishes that a key was revoked, and stores that its tokens are refused.
pub(crate) fn publish_revoked_key(tx: &Tx, now: Timestamp, kid: String) -> Result<(), db::Error> {
    let revoked = SigningKey {
        kid,
        version: 1,
        revoked_at: now,
    };
    publish(tx, now, Event::SigningKeyRevoked(revoked))?;
    Ok(())
}

/// Publishes the state of an account, in the transaction that led to it.
pub(crate) fn publish_account(tx: &Tx, now: Timestamp, account: &Account) -> Result<(), db::Error> {
    let event = match account.state() {
        AccountState { version: 1, .. } => Event::AccountCreated,
        AccountState { status, .. } => match status {
            AccountStatus::Active => Event::AccountUpdated,
            AccountStatus::Closing => Event::AccountClosing,
            AccountStatus::Deleted => Event::AccountDeleted,
        },
    };
    outbox::append(tx, SERVICE_NAME, now, event(payload(account)))
}

/// Publishes that an account is active again, also to the services that are told of closing accounts alone.
pub(crate) fn publish_reopened_account(tx: &Tx, now: Timestamp, account: &Account) -> Result<(), db::Error> {
    outbox::append(tx, SERVICE_NAME, now, Event::AccountReopened(payload(account)))
}

fn payload(account: &Account) -> events::Account {
    let state = account.state();
    let is_deleted = state.status == AccountStatus::Deleted;
    events::Account {
        id: state.id,
        version: state.version,
        status: state.status,
        email: Some(state.email.clone()).filter(|_| !is_deleted),
        name: state.name.as_ref().map(|name| name.as_str().to_owned()),
        language: state.language,
        email_confirmed_at: state.email_confirmed_at,
        updated_at: state.updated_at,
    }
}

/// Requests a mail about an account from the notification service.
pub(crate) fn publish_mail(tx: &Tx, now: Timestamp, mail: AccountMail) -> Result<(), db::Error> {
    outbox::append(tx, SERVICE_NAME, now, Event::AccountMailRequested(mail))
}

fn publish(tx: &Tx, now: Timestamp, event: Event) -> Result<Option<Denial>, db::Error> {
    let denial = revocation::denial(&event);
    if let Some(denial) = &denial {
        revocation::store(tx, now, denial)?;
    }
    outbox::append(tx, SERVICE_NAME, now, event)?;
    Ok(denial)
}
