use std::time::Duration;

use subtle::ConstantTimeEq;
use values::{SessionId, Timestamp, UserId, text_enum};

use crate::refresh_token::{RefreshKey, RefreshToken};

/// A session that is not refreshed for so long is over.
pub(crate) const IDLE: Duration = Duration::from_hours(30 * 24);

/// A signed-in device: a family of refresh tokens of which only the newest is good, once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    pub(crate) generation: u32,
    pub(crate) refresh_hash: [u8; 32],
    pub(crate) started_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) ended: Option<(Timestamp, EndReason)>,
}

text_enum! {
    /// Why a session ended before its time.
    pub(crate) enum EndReason {
        /// Its owner signed out.
        SignedOut = "signed-out",
        /// A refresh token was used a second time: it may have been stolen.
        RefreshReused = "refresh-reused",
    }
}

/// Why a session does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CannotRefresh {
    /// It ended, or was not refreshed for too long.
    #[error("the session is over")]
    Over,
    /// The token was used before. Whoever uses it now may be a thief, or the owner after a thief: the session ended.
    #[error("the refresh token was used before, so its session was ended")]
    Reused,
}

impl Session {
    /// Somebody signs in.
    pub(crate) fn start(user_id: UserId, now: Timestamp, key: &RefreshKey) -> Self {
        let id = SessionId::new(now);
        let refresh_hash = key.token(id, 0).hash();
        Self {
            id,
            user_id,
            generation: 0,
            refresh_hash,
            started_at: now,
            expires_at: now + IDLE,
            ended: None,
        }
    }

    /// Whether it goes on.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at
    }

    /// Takes its current token for the next one. Any earlier token ends the session.
    pub(crate) fn refresh(
        &mut self,
        token: &RefreshToken,
        now: Timestamp,
        key: &RefreshKey,
    ) -> Result<(), CannotRefresh> {
        if !self.is_open(now) {
            return Err(CannotRefresh::Over);
        }
        let is_current = token.generation == self.generation && bool::from(token.hash().ct_eq(&self.refresh_hash));
        let next = self.generation.checked_add(1).filter(|_| is_current);
        let Some(next) = next else {
            self.end(EndReason::RefreshReused, now);
            return Err(CannotRefresh::Reused);
        };
        self.generation = next;
        self.refresh_hash = key.token(self.id, next).hash();
        self.expires_at = now + IDLE;
        Ok(())
    }

    /// Ends it, once.
    pub(crate) fn end(&mut self, reason: EndReason, now: Timestamp) {
        self.ended.get_or_insert((now, reason));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn session() -> (RefreshKey, Session) {
        let key = RefreshKey::new([3; 32]);
        let session = Session::start(UserId::new(NOW), NOW, &key);
        (key, session)
    }

    #[test]
    fn each_refresh_token_is_good_once_for_the_next() {
        let (key, mut session) = session();
        for generation in 0..5 {
            session.refresh(&key.token(session.id, generation), NOW, &key).unwrap();
        }
        assert!(session.is_open(NOW));
        assert_eq!(
            session.refresh(&key.token(session.id, 4), NOW, &key),
            Err(CannotRefresh::Reused)
        );
        assert_eq!(session.ended, Some((NOW, EndReason::RefreshReused)));
        let newest = key.token(session.id, 5);
        assert_eq!(
            session.refresh(&newest, NOW, &key),
            Err(CannotRefresh::Over),
            "the thief's is worth nothing either"
        );
    }

    #[test]
    fn a_session_that_is_used_goes_on_and_one_that_is_not_is_over() {
        let (key, mut session) = session();
        let late = NOW + IDLE - Duration::from_millis(1);
        session.refresh(&key.token(session.id, 0), late, &key).unwrap();
        assert!(session.is_open(NOW + IDLE));
        assert!(!session.is_open(late + IDLE));
        assert_eq!(
            session.refresh(&key.token(session.id, 1), late + IDLE, &key),
            Err(CannotRefresh::Over)
        );
        assert_eq!(session.ended, None, "it was not ended, it faded");
    }

    #[test]
    fn a_session_ends_once() {
        let (_, mut session) = session();
        session.end(EndReason::SignedOut, NOW);
        session.end(EndReason::RefreshReused, NOW + IDLE);
        assert_eq!(session.ended, Some((NOW, EndReason::SignedOut)));
        assert!(!session.is_open(NOW));
    }

    proptest! {
        /// Whatever is sent in whatever order: it goes on exactly as long as each token is the next.
        #[test]
        fn a_session_goes_on_only_by_the_next_token(sent in prop::collection::vec(0_u32..6, 0..12)) {
            let (key, mut session) = session();
            for (next, generation) in (0_u32..).zip(sent) {
                let went_on = session.refresh(&key.token(session.id, generation), NOW, &key).is_ok();
                prop_assert_eq!(went_on, generation == next);
                if !went_on {
                    prop_assert!(!session.is_open(NOW));
                    return Ok(());
                }
            }
            prop_assert!(session.is_open(NOW));
        }
    }
}
