use db::Tx;
use events::AccountStatus;
use token::ACCESS_TOKEN_LIFETIME;
use values::Timestamp;

use super::{publish_account, publish_ended_session, publish_reopened_account};
use crate::{domain::Account, store};

/// The number of rows that one transaction reads.
const PAGE_SIZE: u32 = 500;

/// Begins a position among the accounts. The positions before are those among the ended sessions.
const ACCOUNTS: &str = "accounts/";

/// Publishes one page again: of the ended sessions whose access tokens may still be valid, and then of the accounts that have
/// changed since `since`. Returns the position of the next page. Only ended sessions are read, however many are open.
///
/// A revoked key is not published again: when other services fetch the published keys, it is not among them.
pub(crate) fn republish(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: Option<&str>,
) -> Result<Option<String>, db::Error> {
    let after = after.unwrap_or_default();
    if let Some(after) = after.strip_prefix(ACCOUNTS) {
        return republish_accounts(tx, now, since, after);
    }
    let last = republish_sessions(tx, now, after)?;
    Ok(Some(last.unwrap_or_else(|| ACCOUNTS.to_owned())))
}

fn republish_sessions(tx: &Tx, now: Timestamp, after: &str) -> Result<Option<String>, db::Error> {
    let since = now - ACCESS_TOKEN_LIFETIME;
    let denied = revocation::denied_sessions(tx, after, PAGE_SIZE)?;
    for id in &denied {
        let session = store::find_session(tx, *id)?;
        if let Some(session) = session.filter(|session| session.state().ended.is_some_and(|(at, _)| at > since)) {
            publish_ended_session(tx, now, &session)?;
        }
    }
    Ok(denied.last().map(ToString::to_string))
}

fn republish_accounts(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: &str,
) -> Result<Option<String>, db::Error> {
    let accounts = store::accounts_after(tx, after, PAGE_SIZE)?;
    let changed = |account: &&Account| Some(account.state().updated_at) >= since;
    for account in accounts.iter().filter(changed) {
        // Order and payment are told of closing accounts alone, and may have missed that one is active again.
        let state = account.state();
        if state.status == AccountStatus::Active && state.version > 1 {
            publish_reopened_account(tx, now, account)?;
        } else {
            publish_account(tx, now, account)?;
        }
    }
    Ok(accounts.last().map(|last| format!("{ACCOUNTS}{}", last.id())))
}

#[cfg(test)]
mod tests {
    use db::Error;

    use super::*;
    use crate::{
        test_support::{TestService, client_address},
        use_cases::{SignOut, sign_out},
    };

    #[tokio::test]
    async fn accounts_are_published_again_and_ended_sessions_while_their_tokens_may_be_valid() {
        let service = TestService::new().await;
        for (email, signs_out) in [("ada@example.com", true), ("bob@example.com", false)] {
            let tokens = service.sign_up(email, "correct horse").await.unwrap();
            if signs_out {
                let command = SignOut {
                    session_id: None,
                    refresh_token: Some(tokens.refresh_token.as_str().to_owned()),
                    client: client_address(1),
                };
                sign_out(&service.context, command).await.unwrap();
            }
        }
        let republished = async |since: Option<Timestamp>| -> u32 {
            let now = service.clock.now();
            let published = service.context.db.write(move |tx| -> Result<_, Error> {
                tx.execute("DELETE FROM outbox", [])?;
                let mut position = republish(tx, now, since, None)?;
                while let Some(after) = position {
                    position = republish(tx, now, since, Some(&after))?;
                }
                Ok(tx.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?)
            });
            published.await.unwrap()
        };
        assert_eq!(republished(None).await, 3, "a session and two accounts");
        let signed_up_at = service.clock.now();
        service.clock.advance(ACCESS_TOKEN_LIFETIME);
        assert_eq!(republished(Some(signed_up_at)).await, 2, "two accounts");
        assert_eq!(republished(Some(service.clock.now())).await, 0);
    }
}
