use std::time::Duration;

use subtle::ConstantTimeEq;
use values::{SessionId, Timestamp, UserId, text_enum};

use super::refresh_token::{RefreshKey, RefreshToken};

/// A session that is not refreshed for this time is over.
pub(crate) const MAX_IDLE: Duration = Duration::from_hours(30 * 24);

/// A signed-in device: a family of refresh tokens of which only the newest is valid, once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Session(SessionState);

/// The stored state of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SessionState {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    /// How often the session was refreshed. Only the token of this generation is valid.
    pub(crate) generation: u32,
    pub(crate) refresh_hash: [u8; 32],
    pub(crate) started_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) ended: Option<(Timestamp, EndReason)>,
}

text_enum! {
    /// The reason why a session ended before it expired.
    pub(crate) enum EndReason {
        /// The user signed out.
        SignedOut = "signed-out",
        /// A refresh token was used a second time; it may have been stolen.
        RefreshReused = "refresh-reused",
    }
}

/// A session cannot be refreshed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotRefresh {
    /// It has ended or expired.
    #[error("the session is over")]
    Over,
    /// The token was used before, by the user or by a thief. The session was ended.
    #[error("the refresh token was used before, so its session was ended")]
    Reused,
}

impl Session {
    /// Starts a session.
    pub(crate) fn start(user_id: UserId, now: Timestamp, key: &RefreshKey) -> Self {
        let id = SessionId::new(now);
        let refresh_hash = key.token(id, 0).hash();
        Self(SessionState {
            id,
            user_id,
            generation: 0,
            refresh_hash,
            started_at: now,
            expires_at: now + MAX_IDLE,
            ended: None,
        })
    }

    pub(crate) const fn from_state(state: SessionState) -> Self {
        Self(state)
    }

    pub(crate) const fn state(&self) -> &SessionState {
        &self.0
    }

    /// Returns the valid refresh token.
    pub(crate) fn refresh_token(&self, key: &RefreshKey) -> RefreshToken {
        key.token(self.0.id, self.0.generation)
    }

    /// Whether the session has neither ended nor expired.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.0.ended.is_none() && now < self.0.expires_at
    }

    /// Exchanges the valid token for the next one. An earlier token ends the session.
    pub(crate) fn refresh(
        &mut self,
        token: &RefreshToken,
        now: Timestamp,
        key: &RefreshKey,
    ) -> Result<(), CannotRefresh> {
        if !self.is_open(now) {
            return Err(CannotRefresh::Over);
        }
        let is_current = token.generation == self.0.generation && bool::from(token.hash().ct_eq(&self.0.refresh_hash));
        let next = self.0.generation.checked_add(1).filter(|_| is_current);
        let Some(next) = next else {
            self.end(EndReason::RefreshReused, now);
            return Err(CannotRefresh::Reused);
        };
        self.0.generation = next;
        self.0.refresh_hash = self.refresh_token(key).hash();
        self.0.expires_at = now + MAX_IDLE;
        Ok(())
    }

    /// Ends the session. The first reason is kept.
    pub(crate) fn end(&mut self, reason: EndReason, now: Timestamp) {
        self.0.ended.get_or_insert((now, reason));
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
    fn each_refresh_token_is_valid_once() {
        let (key, mut session) = session();
        for generation in 0..5 {
            session
                .refresh(&key.token(session.0.id, generation), NOW, &key)
                .unwrap();
        }
        assert!(session.is_open(NOW));
        assert_eq!(
            session.refresh(&key.token(session.0.id, 4), NOW, &key),
            Err(CannotRefresh::Reused)
        );
        assert_eq!(session.0.ended, Some((NOW, EndReason::RefreshReused)));
        let newest = key.token(session.0.id, 5);
        assert_eq!(
            session.refresh(&newest, NOW, &key),
            Err(CannotRefresh::Over),
            "the newest token is invalid too"
        );
    }

    #[test]
    fn a_session_that_is_refreshed_stays_open_and_one_that_is_not_expires() {
        let (key, mut session) = session();
        let late = NOW + MAX_IDLE - Duration::from_millis(1);
        session.refresh(&key.token(session.0.id, 0), late, &key).unwrap();
        assert!(session.is_open(NOW + MAX_IDLE));
        assert!(!session.is_open(late + MAX_IDLE));
        assert_eq!(
            session.refresh(&key.token(session.0.id, 1), late + MAX_IDLE, &key),
            Err(CannotRefresh::Over)
        );
        assert_eq!(session.0.ended, None, "it expired and was not ended");
    }

    #[test]
    fn a_session_ends_once() {
        let (_, mut session) = session();
        session.end(EndReason::SignedOut, NOW);
        session.end(EndReason::RefreshReused, NOW + MAX_IDLE);
        assert_eq!(session.0.ended, Some((NOW, EndReason::SignedOut)));
        assert!(!session.is_open(NOW));
    }

    proptest! {
        #[test]
        fn a_session_stays_open_exactly_as_long_as_each_token_is_the_next(sent in prop::collection::vec(0_u32..6, 0..12)) {
            let (key, mut session) = session();
            for (next, generation) in (0_u32..).zip(sent) {
                let refreshed = session.refresh(&key.token(session.0.id, generation), NOW, &key).is_ok();
                prop_assert_eq!(refreshed, generation == next);
                if !refreshed {
                    prop_assert!(!session.is_open(NOW));
                    return Ok(());
                }
            }
            prop_assert!(session.is_open(NOW));
        }
    }
}
