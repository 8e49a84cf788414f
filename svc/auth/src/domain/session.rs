use std::{cmp::Ordering, time::Duration};

use subtle::ConstantTimeEq;
use values::{SessionId, Timestamp, UserId, text_enum};

use super::refresh_token::{RefreshKey, RefreshToken};

/// A session that is not refreshed for this time is over.
pub(crate) const MAX_IDLE: Duration = Duration::from_hours(30 * 24);

/// The time after which a session is over, however often it is refreshed.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// The time for which a refresh token is accepted after it was exchanged, and yields the current one: two tabs may send it
/// at the same time, and the response to the first request may be lost.
const PREVIOUS_TOKEN_GRACE: Duration = Duration::from_secs(30);

/// A signed-in device: a family of refresh tokens of which the newest is valid, and for a moment the one before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Session(SessionState);

/// The stored state of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SessionState {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    /// How often the session was refreshed. The token of this generation is valid.
    pub(crate) generation: u32,
    pub(crate) refresh_hash: [u8; 32],
    pub(crate) started_at: Timestamp,
    /// When it was refreshed last.
    pub(crate) refreshed_at: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
    pub(crate) ended: Option<(Timestamp, EndReason)>,
    /// The browser or program that has signed in, if it stated what it is.
    pub(crate) device: Option<String>,
    /// The network from which the session was used last.
    pub(crate) network: Option<String>,
    /// When the user proved a second factor.
    pub(crate) second_factor_at: Option<Timestamp>,
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
    /// The token was used before, by the user or by a thief. The session is to be ended.
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
            refreshed_at: None,
            expires_at: now + MAX_IDLE,
            ended: None,
            device: None,
            network: None,
            second_factor_at: None,
        })
    }

    /// Adds what is known about the client.
    #[must_use]
    pub(crate) fn of_client(mut self, device: Option<String>, network: String) -> Self {
        self.0.device = device;
        self.0.network = Some(network);
        self
    }

    /// Records that the user has proved a second factor.
    #[must_use]
    pub(crate) const fn with_second_factor(mut self, now: Timestamp) -> Self {
        self.0.second_factor_at = Some(now);
        self
    }

    /// Stores the network from which the session is used.
    pub(crate) fn use_from(&mut self, network: String) {
        self.0.network = Some(network);
    }

    /// Returns when the session was used last: when its newest token was issued.
    pub(crate) fn last_used_at(&self) -> Timestamp {
        self.0.refreshed_at.unwrap_or(self.0.started_at)
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
        self.0.ended.is_none() && now < self.expires_at()
    }

    /// Returns the time at which the session expires unless it is refreshed.
    pub(crate) fn expires_at(&self) -> Timestamp {
        // Earlier releases did not bound the lifetime.
        self.0.expires_at.min(self.0.started_at + MAX_LIFETIME)
    }

    /// Exchanges the valid token for the next one. The token before it changes nothing for a moment: the session has its
    /// successor already. A token that was used earlier is an error, after which the session has to be ended.
    ///
    /// A token of a later generation was issued before the database was restored from a backup. It is valid, and so is each
    /// one between: which of them the client used last is lost. All of them are older than the next one from then on.
    pub(crate) fn refresh(
        &mut self,
        token: &RefreshToken,
        now: Timestamp,
        key: &RefreshKey,
    ) -> Result<(), CannotRefresh> {
        if !self.is_open(now) {
            return Err(CannotRefresh::Over);
        }
        if self.is_in_grace(token, now) {
            return Ok(());
        }
        let is_current = match token.generation.cmp(&self.0.generation) {
            Ordering::Less => false,
            Ordering::Equal => token.hash().ct_eq(&self.0.refresh_hash).into(),
            // Its message authentication code was verified when it was recognised.
            Ordering::Greater => true,
        };
        let next = token.generation.checked_add(1).filter(|_| is_current);
        self.0.generation = next.ok_or(CannotRefresh::Reused)?;
        self.0.refresh_hash = self.refresh_token(key).hash();
        self.0.refreshed_at = Some(now);
        // The clock may have been set back since the start.
        self.0.expires_at = now.max(self.0.started_at) + MAX_IDLE;
        Ok(())
    }

    /// Whether the token is the one that was exchanged last, a moment ago. A time of exchange in the future, because the
    /// clock was set back, is no reason to accept it for longer.
    fn is_in_grace(&self, token: &RefreshToken, now: Timestamp) -> bool {
        let is_previous = token.generation.checked_add(1) == Some(self.0.generation);
        let is_recent = |at: Timestamp| at.until(now).max(now.until(at)) < PREVIOUS_TOKEN_GRACE;
        is_previous && self.0.refreshed_at.is_some_and(is_recent)
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
    fn each_refresh_token_is_exchanged_once() {
        let (key, mut session) = session();
        for generation in 0..5 {
            session
                .refresh(&key.token(session.0.id, generation), NOW, &key)
                .unwrap();
        }
        assert!(session.is_open(NOW));
        assert_eq!(
            session.refresh(&key.token(session.0.id, 3), NOW, &key),
            Err(CannotRefresh::Reused)
        );
        session.end(EndReason::RefreshReused, NOW);
        let newest = key.token(session.0.id, 5);
        assert_eq!(
            session.refresh(&newest, NOW, &key),
            Err(CannotRefresh::Over),
            "the newest token is invalid too"
        );
    }

    #[test]
    fn the_previous_token_yields_the_current_one_for_half_a_minute() {
        let (key, mut session) = session();
        let first = key.token(session.0.id, 0);
        session.refresh(&first, NOW, &key).unwrap();
        let refreshed = session.clone();
        for later in [0, 1, 29_999] {
            session
                .refresh(&first, NOW + Duration::from_millis(later), &key)
                .unwrap();
            assert_eq!(session, refreshed, "nothing changes after {later} ms");
        }
        assert_eq!(session.refresh_token(&key), key.token(session.0.id, 1));
        for far in [NOW + PREVIOUS_TOKEN_GRACE, NOW - Duration::from_mins(1)] {
            assert_eq!(
                session.clone().refresh(&first, far, &key),
                Err(CannotRefresh::Reused),
                "{far}"
            );
        }
        // Its use does not prolong the time.
        session.refresh(&key.token(session.0.id, 1), NOW, &key).unwrap();
        assert_eq!(session.refresh(&first, NOW, &key), Err(CannotRefresh::Reused));
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
    fn a_session_is_over_after_ninety_days_however_often_it_is_refreshed() {
        let (key, mut session) = session();
        for day in 0..90 {
            let now = NOW + Duration::from_hours(24 * day);
            let token = session.refresh_token(&key);
            session.refresh(&token, now, &key).unwrap();
        }
        assert_eq!(session.expires_at(), NOW + MAX_LIFETIME);
        assert!(session.is_open(NOW + MAX_LIFETIME - Duration::from_millis(1)));
        let token = session.refresh_token(&key);
        assert_eq!(
            session.refresh(&token, NOW + MAX_LIFETIME, &key),
            Err(CannotRefresh::Over)
        );
    }

    #[test]
    fn a_session_survives_a_clock_that_is_set_back() {
        let (key, mut session) = session();
        let earlier = NOW - Duration::from_hours(60 * 24);
        session.refresh(&key.token(session.0.id, 0), earlier, &key).unwrap();
        assert!(session.is_open(earlier));
        assert!(session.0.expires_at > session.0.started_at);
        // A token that was exchanged before the jump is not accepted for all of it.
        let (key, mut session) = self::session();
        session.refresh(&key.token(session.0.id, 0), NOW, &key).unwrap();
        let hour_back = NOW - Duration::from_hours(1);
        let old = key.token(session.0.id, 0);
        assert_eq!(session.refresh(&old, hour_back, &key), Err(CannotRefresh::Reused));
    }

    #[test]
    fn tokens_that_were_issued_after_a_backup_are_valid_once_when_it_is_restored() {
        let (key, mut session) = session();
        let token = |generation| key.token(session.0.id, generation);
        let tokens: Vec<_> = (0..10).map(token).collect();
        session.refresh(&tokens[0], NOW, &key).unwrap();
        let mut restored = session.clone();
        // The client has 7. A thief has 4, and is the first.
        restored.refresh(&tokens[4], NOW, &key).unwrap();
        restored.refresh(&tokens[7], NOW, &key).unwrap();
        assert_eq!(restored.refresh_token(&key), tokens[8]);
        let later = NOW + PREVIOUS_TOKEN_GRACE;
        for used in [4, 5, 6, 7] {
            let refused = restored.clone().refresh(&tokens[used], later, &key);
            assert_eq!(refused, Err(CannotRefresh::Reused), "{used}");
        }
        restored.refresh(&tokens[8], later, &key).unwrap();
        // The thief has gone beyond the client.
        session.refresh(&tokens[8], NOW, &key).unwrap();
        assert_eq!(session.refresh(&tokens[7], NOW, &key), Err(CannotRefresh::Reused));
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
        /// Whichever tokens are sent, and when: a token is accepted if and only if it is the newest or, after a restore, a
        /// later one, or the one before the newest within the time of grace.
        #[test]
        fn a_token_is_accepted_as_the_newest_or_just_after_its_exchange(
            sent in prop::collection::vec((0_u32..6, 0_u64..40), 0..12)
        ) {
            let (key, mut session) = session();
            let (mut newest, mut exchanged_at, mut now) = (0, None, NOW);
            for (generation, seconds) in sent {
                now = now + Duration::from_secs(seconds);
                let is_in_grace = generation + 1 == newest
                    && exchanged_at.is_some_and(|at: Timestamp| at.until(now) < PREVIOUS_TOKEN_GRACE);
                let refreshed = session.refresh(&key.token(session.0.id, generation), now, &key).is_ok();
                prop_assert_eq!(refreshed, generation >= newest || is_in_grace);
                if generation >= newest {
                    newest = generation + 1;
                    exchanged_at = Some(now);
                }
                prop_assert_eq!(session.0.generation, newest);
            }
        }
    }
}
