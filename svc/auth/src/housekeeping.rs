use std::time::Duration;

use db::Tx;
use values::Timestamp;

use crate::{keys, store};

/// How long a session is kept after it is over.
const SESSIONS_KEPT: Duration = Duration::from_hours(7 * 24);

/// Forgets what is long over, a bounded number at a time; says how much it was.
pub(crate) fn forget_old(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    // First what refers to the others.
    let sign_ups = store::delete_sign_up_keys(tx, now - idempotency::RETENTION)?;
    let sessions = store::delete_sessions_over(tx, now - SESSIONS_KEPT)?;
    let signing_keys = store::delete_signing_keys(tx, now - keys::KEPT)?;
    Ok(sign_ups + sessions + signing_keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::rotate, refresh::refresh, session, testing::World};

    async fn count(world: &World, table: &'static str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let counted: Result<i64, db::Error> = world
            .app
            .db()
            .read(move |conn| Ok(conn.query_row(&sql, [], |row| row.get(0))?))
            .await;
        counted.unwrap()
    }

    async fn clean_up(world: &World) {
        let now = world.clock.now();
        let forgotten: Result<usize, db::Error> = world.app.db().write(move |tx| forget_old(tx, now)).await;
        forgotten.unwrap();
    }

    #[tokio::test]
    async fn what_is_long_over_is_forgotten_and_nothing_else() {
        let world = World::new().await;
        let ada = world
            .sign_up_with_key("ada@example.com", "correct horse", "ada")
            .await
            .unwrap();
        let now = world.clock.now();
        let rotated: Result<String, crate::keys::NoKeys> = world.app.db().write(move |tx| rotate(tx, now)).await;
        rotated.unwrap();

        world.clock.advance(idempotency::RETENTION);
        clean_up(&world).await;
        assert_eq!(
            (count(&world, "sign_up_keys").await, count(&world, "signing_keys").await),
            (1, 2)
        );

        world.clock.advance(keys::KEPT);
        clean_up(&world).await;
        assert_eq!(
            (count(&world, "sign_up_keys").await, count(&world, "signing_keys").await),
            (0, 1)
        );

        refresh(&world.app, ada.refresh_token.as_str()).await.unwrap();
        world.clock.advance(session::IDLE);
        world.clock.advance(SESSIONS_KEPT);
        clean_up(&world).await;
        assert_eq!(count(&world, "sessions").await, 1);
        world.clock.advance(Duration::from_millis(1));
        clean_up(&world).await;
        assert_eq!((count(&world, "sessions").await, count(&world, "users").await), (0, 1));
    }
}
