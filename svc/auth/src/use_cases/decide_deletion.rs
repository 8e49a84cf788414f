use audit::{Author, Entry, OK};
use db::Tx;
use events::{AccountMailKind, AccountStatus, Closure};
use token::Denial;
use values::Timestamp;

use super::mails::send_report;
use crate::{
    domain::{Account, ClosureOutcome, ClosureRound, DecidingService, EndReason},
    events::{publish_account, publish_ended_session, publish_reopened_account},
    store,
};

/// Records what a service has decided about the deletion of an account. The last decision of the first round asks once more or
/// refuses the request, that of the second deletes the account or refuses the request. A decision about a request that is over changes nothing. Returns the denials for the list of this service.
pub(crate) fn record_decision(
    tx: &Tx,
    now: Timestamp,
    service: DecidingService,
    decision: &Closure,
) -> Result<Vec<Denial>, db::Error> {
    let request = store::find_closure(tx, decision.account_id)?;
    let Some(mut request) = request.filter(|request| request.ended_at.is_none() && decision.version >= request.version)
    else {
        return Ok(Vec::new());
    };
    store::put_decision(tx, request.user_id, service, &decision.obstacles)?;
    request.decisions.insert(service, decision.obstacles.clone());
    let account = store::find_account(tx, request.user_id)?;
    let Some(mut account) = account.filter(|account| account.state().status == AccountStatus::Closing) else {
        return Ok(Vec::new());
    };
    match request.outcome() {
        ClosureOutcome::Undecided => Ok(Vec::new()),
        ClosureOutcome::Refused => {
            account.reopen(now);
            store::update_profile(tx, &account)?;
            store::end_closure(tx, account.id(), now)?;
            publish_reopened_account(tx, now, &account)?;
            send_report(tx, now, &(&account).into(), AccountMailKind::DeletionRefused)?;
            audit::append_limited(tx, now, &entry(&account, "refused"))?;
            Ok(Vec::new())
        }
        ClosureOutcome::Agreed => {
            ask(tx, now, &mut account, ClosureRound::Second)?;
            Ok(Vec::new())
        }
        ClosureOutcome::Granted => delete_account(tx, now, account),
    }
}

/// Deletes an account: its sessions end, its personal data is erased, here and by an event in all services. A mail confirms it.
fn delete_account(tx: &Tx, now: Timestamp, mut account: Account) -> Result<Vec<Denial>, db::Error> {
    send_report(tx, now, &(&account).into(), AccountMailKind::AccountDeleted)?;
    let mut denials = Vec::new();
    for mut session in store::sessions_of(tx, account.id())? {
        session.end(EndReason::SignedOut, now);
        store::update_session(tx, &session)?;
        denials.extend(publish_ended_session(tx, now, &session)?);
    }
    account.erase(now);
    store::erase_account(tx, &account)?;
    publish_account(tx, now, &account)?;
    audit::append(tx, now, &entry(&account, OK))?;
    Ok(denials)
}

/// Returns the entry of what the services have decided.
fn entry(account: &Account, result: &'static str) -> Entry {
    Entry {
        result,
        ..Author::service("auth").did("account-delete", &account.id())
    }
}

/// Asks the services about a new state of a closing account.
fn ask(tx: &Tx, now: Timestamp, account: &mut Account, round: ClosureRound) -> Result<(), db::Error> {
    if account.close_again(now) {
        store::update_profile(tx, account)?;
        publish_account(tx, now, account)?;
    }
    store::set_closure_asked(tx, account.id(), account.state().version, round, now)
}

/// Asks the services again, from the first round, about the requests for which they were asked until `asked_until` and that are
/// not decided: a decision may be lost with a database that was restored, or be of a service that has accepted something since,
/// because the release before was back. Returns how many.
pub(crate) fn repeat_closures(tx: &Tx, now: Timestamp, asked_until: Timestamp) -> Result<usize, db::Error> {
    if db::restored::is_outdated(tx)? {
        // The journal has later states of these accounts.
        return Ok(0);
    }
    let waiting = store::closures_asked_until(tx, asked_until)?;
    for user_id in &waiting {
        if let Some(mut account) = store::find_account(tx, *user_id)? {
            ask(tx, now, &mut account, ClosureRound::First)?;
        }
    }
    Ok(waiting.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use token::SignedIn;

    use super::*;
    use crate::{
        domain::{DeviceTokens, Password},
        test_support::{TestService, client_address},
        use_cases::{Reauthentication, request_deletion},
    };

    #[tokio::test]
    async fn services_are_asked_again_until_all_have_decided() {
        let service = TestService::new().await;
        let ada = service.sign_up("ada@example.com", "correct horse").await.unwrap();
        let now = service.clock.now();
        let signed_in = SignedIn {
            user_id: ada.account.id(),
            session_id: ada.refresh_token.session_id,
            token_issued_at: now,
            token_expires_at: now,
            has_second_factor: false,
            is_address_confirmed: true,
        };
        let current = Reauthentication {
            signed_in,
            password: Password::from_typed("correct horse".to_owned()),
            client: client_address(1),
            devices: DeviceTokens::default(),
        };
        let request = request_deletion(&service.context, current, None).await.unwrap();
        let repeat = async || {
            let now = service.clock.now();
            let repeated = service.context.db.write(move |tx| -> Result<_, db::Error> {
                tx.execute("DELETE FROM outbox", [])?;
                let repeated = repeat_closures(tx, now, now - Duration::from_mins(5))?;
                let published = tx.query_row("SELECT count(*) FROM outbox", [], |row| row.get::<_, usize>(0))?;
                Ok((repeated, published))
            });
            repeated.await.unwrap()
        };
        assert_eq!(repeat().await, (0, 0));
        service.clock.advance(Duration::from_mins(5));
        assert_eq!(repeat().await, (1, 1));
        assert_eq!(repeat().await, (0, 0), "not at once again");
        service.clock.advance(Duration::from_mins(5));
        let (now, user_id) = (service.clock.now(), request.user_id);
        let decided = service.context.db.write(move |tx| -> Result<(), db::Error> {
            for service in DecidingService::ALL {
                let decision = Closure {
                    account_id: user_id,
                    version: u64::MAX >> 1,
                    obstacles: vec![events::ClosureObstacle::Balance],
                    decided_at: now,
                };
                record_decision(tx, now, *service, &decision)?;
            }
            Ok(())
        });
        decided.await.unwrap();
        assert_eq!(repeat().await, (0, 0));
    }
}
