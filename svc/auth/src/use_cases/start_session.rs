use std::net::IpAddr;

use audit::Entry;
use db::Tx;
use token::Denial;
use values::Timestamp;

use super::end_session::end_session;
use crate::{
    domain::{Account, EndReason, Session},
    store,
};

/// Starts a session of an account whose password was checked. Beyond the number that an account can have, the oldest ones are
/// ended; returns their denials.
///
/// Returns `None` if the sign-in is outdated: since the account was read, its password was changed, it was deleted, or a second
/// factor was enabled that the session has not proved. A password may wait for its check for seconds, and the change has ended only
/// the sessions that existed.
pub(super) fn start_session(
    tx: &Tx,
    now: Timestamp,
    session: &Session,
    account: &Account,
    started: &Entry,
    client: IpAddr,
) -> Result<Option<Vec<Denial>>, db::Error> {
    let stored = store::find_account(tx, account.id())?;
    if stored.is_none_or(|stored| stored.is_deleted() || stored.password_hash() != account.password_hash()) {
        return Ok(None);
    }
    let factor = store::find_second_factor(tx, account.id())?;
    if session.state().second_factor_at.is_none() && factor.is_some_and(|factor| factor.enabled_at.is_some()) {
        return Ok(None);
    }
    store::insert_session(tx, session)?;
    audit::append_limited(tx, now, started)?;
    let mut denials = Vec::new();
    for mut surplus in store::surplus_sessions(tx, account.id())? {
        denials.extend(end_session(tx, now, &mut surplus, EndReason::SignedOut, client)?);
    }
    Ok(Some(denials))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::SecondFactor,
        test_support::{TestService, client_address, test_encryption},
        use_cases::audit_entries,
    };

    async fn sign_up(service: &TestService) -> Account {
        let signed_up = service.sign_up("ada@example.com", "correct horse").await;
        signed_up.unwrap().account
    }

    /// Whether a session starts for an account as it was read before its password was checked.
    async fn starts(service: &TestService, account: &Account) -> bool {
        let (now, client) = (service.clock.now(), client_address(1));
        let session = Session::start(account.id(), now, service.context.keys().refresh());
        let started = audit_entries::session_started("sign-in", account.id(), session.state().id, client);
        let account = account.clone();
        let surplus = service
            .context
            .db
            .write(move |tx| start_session(tx, now, &session, &account, &started, client));
        surplus.await.unwrap().is_some()
    }

    #[tokio::test]
    async fn no_session_starts_with_a_password_that_was_changed_since_it_was_checked() {
        let service = TestService::new().await;
        let account = sign_up(&service).await;
        assert!(starts(&service, &account).await);
        let mut changed = account.clone();
        changed.change_password("$argon2id$another".to_owned());
        let stored = changed.clone();
        let write = service.context.db.write(move |tx| store::update_profile(tx, &stored));
        write.await.unwrap();
        assert!(!starts(&service, &account).await);
        assert!(starts(&service, &changed).await);
    }

    #[tokio::test]
    async fn no_session_starts_without_a_second_factor_that_was_enabled_meanwhile() {
        let service = TestService::new().await;
        let account = sign_up(&service).await;
        let now = service.clock.now();
        let mut factor = SecondFactor::new(account.id(), [1; 20], now, &test_encryption(), [2; 12]);
        for (enabled_at, expected) in [(None, true), (Some(now), false)] {
            factor.enabled_at = enabled_at;
            let stored = SecondFactor {
                sealed: factor.sealed.clone(),
                ..factor
            };
            let write = service
                .context
                .db
                .write(move |tx| store::put_second_factor(tx, &stored));
            write.await.unwrap();
            assert_eq!(starts(&service, &account).await, expected);
        }
    }
}
