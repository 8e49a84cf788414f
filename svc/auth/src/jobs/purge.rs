use std::time::Duration;

use chassis::Job;
use db::{Db, Tx};
use values::{Clock, Timestamp};

use crate::{domain::RETAINED_AFTER_RETIREMENT, store};

const PURGE_INTERVAL: Duration = Duration::from_mins(10);

/// The time for which a session is stored after it ended or expired.
const ENDED_SESSION_RETENTION: Duration = Duration::from_hours(7 * 24);

/// Purges expired sign-ups, sessions and keys.
pub(crate) fn purge_job(db: &Db, clock: &Clock) -> Job {
    chassis::purge_job("purge expired rows", PURGE_INTERVAL, db, clock, purge)
}

/// Purges a bounded number of rows. Returns how many.
fn purge(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    // In this order, because sign-ups refer to sessions and keys.
    let sign_ups = store::delete_sign_ups(tx, now - idempotency::RETENTION)?;
    let sessions = store::delete_sessions_over(tx, now - ENDED_SESSION_RETENTION)?;
    let signing_keys = store::delete_signing_keys(tx, now - RETAINED_AFTER_RETIREMENT)?;
    let links = store::delete_expired_links(tx, now)?;
    let pending = store::delete_expired_sign_ups(tx, now)? + store::delete_expired_email_changes(tx, now)?;
    Ok(sign_ups + sessions + signing_keys + links + pending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::MAX_IDLE,
        test_support::{TestService, client_address, test_encryption},
        use_cases::{RotateKeysError, refresh_session, rotate_keys},
    };

    async fn count(service: &TestService, table: &'static str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let counted: Result<i64, db::Error> = service
            .context
            .db
            .read(move |conn| Ok(conn.query_row(&sql, [], |row| row.get(0))?))
            .await;
        counted.unwrap()
    }

    async fn purge_once(service: &TestService) {
        let now = service.clock.now();
        let purged: Result<usize, db::Error> = service.context.db.write(move |tx| purge(tx, now)).await;
        purged.unwrap();
    }

    #[tokio::test]
    async fn expired_rows_are_purged_and_no_others() {
        let service = TestService::new().await;
        let ada = service
            .sign_up_with_key("ada@example.com", "correct horse", "ada")
            .await
            .unwrap();
        let now = service.clock.now();
        let rotated: Result<String, RotateKeysError> = service
            .context
            .db
            .write(move |tx| rotate_keys(tx, now, &test_encryption()))
            .await;
        rotated.unwrap();

        service.clock.advance(idempotency::RETENTION);
        purge_once(&service).await;
        assert_eq!(
            (
                count(&service, "sign_up_keys").await,
                count(&service, "signing_keys").await
            ),
            (1, 2)
        );

        service.clock.advance(RETAINED_AFTER_RETIREMENT);
        purge_once(&service).await;
        assert_eq!(
            (
                count(&service, "sign_up_keys").await,
                count(&service, "signing_keys").await
            ),
            (0, 1)
        );

        refresh_session(&service.context, ada.refresh_token.as_str(), client_address(1))
            .await
            .unwrap();
        service.clock.advance(MAX_IDLE);
        service.clock.advance(ENDED_SESSION_RETENTION);
        purge_once(&service).await;
        assert_eq!(count(&service, "sessions").await, 1);
        service.clock.advance(Duration::from_millis(1));
        purge_once(&service).await;
        assert_eq!(
            (count(&service, "sessions").await, count(&service, "users").await),
            (0, 1)
        );
    }
}
