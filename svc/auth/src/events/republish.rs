use db::Tx;
use token::ACCESS_TOKEN_LIFETIME;
use values::Timestamp;

use super::publish_ended_session;
use crate::store;

/// The number of ended sessions that one transaction reads.
const PAGE_SIZE: u32 = 500;

/// Publishes one page of the ended sessions again whose access tokens may still be valid. Returns the position of the next
/// page. Only ended sessions are read, however many are open.
///
/// A revoked key is not published again: when other services fetch the published keys, it is not among them.
pub(crate) fn republish(tx: &Tx, now: Timestamp, after: Option<&str>) -> Result<Option<String>, db::Error> {
    let since = now - ACCESS_TOKEN_LIFETIME;
    let denied = revocation::denied_sessions(tx, after.unwrap_or_default(), PAGE_SIZE)?;
    for id in &denied {
        let session = store::find_session(tx, *id)?;
        if let Some(session) = session.filter(|session| session.state().ended.is_some_and(|(at, _)| at > since)) {
            publish_ended_session(tx, now, &session)?;
        }
    }
    Ok(denied.last().map(ToString::to_string))
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
    async fn ended_sessions_are_published_again_while_their_tokens_may_be_valid_and_open_ones_are_not() {
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
        let republished = async || -> (u32, bool) {
            let now = service.clock.now();
            let published = service.context.db.write(move |tx| -> Result<_, Error> {
                tx.execute("DELETE FROM outbox", [])?;
                let next = republish(tx, now, None)?;
                let last = republish(tx, now, next.as_deref())?;
                let count = tx.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?;
                Ok((count, last.is_none()))
            });
            published.await.unwrap()
        };
        assert_eq!(republished().await, (1, true));
        service.clock.advance(ACCESS_TOKEN_LIFETIME);
        assert_eq!(republished().await, (0, true));
    }
}
