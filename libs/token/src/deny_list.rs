use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use values::{SessionId, Timestamp};

/// The number of sessions on a list, about 7 MiB. A session costs one password hash, so a machine with two cores cannot
/// start more within the lifetime of an access token.
const MAX_SESSIONS: usize = 200_000;

/// The time between two removals of expired entries.
const PURGE_INTERVAL: Duration = Duration::from_mins(1);

/// Access tokens that are refused although they have not expired.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denial {
    /// The tokens of a session that has ended.
    Session {
        /// The session.
        id: SessionId,
        /// The time at which the last of its tokens has expired everywhere.
        until: Timestamp,
    },
    /// The tokens that a revoked key has signed. A key that has leaked can sign tokens of any lifetime.
    Key {
        /// The key id.
        kid: String,
        /// The time at which no service uses the key any more.
        until: Timestamp,
    },
}

/// The denials that a [`Verifier`](crate::Verifier) applies. Cheap to clone; clones share the entries.
///
/// In memory: who creates it stores the denials and adds them again after a restart.
#[derive(Clone, Default)]
pub struct DenyList(Arc<RwLock<Entries>>);

#[derive(Default)]
struct Entries {
    sessions: HashMap<SessionId, Timestamp>,
    /// A key is revoked by an operator, so these are few.
    keys: HashMap<String, Timestamp>,
    next_purge: Option<Timestamp>,
}

impl DenyList {
    /// Adds a denial. Expired ones are removed from time to time; if the list is full, the sessions whose tokens expire
    /// first.
    pub fn add(&self, denial: Denial, now: Timestamp) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.next_purge.is_none_or(|at| at <= now) {
            entries.next_purge = Some(now + PURGE_INTERVAL);
            entries.purge(now);
        }
        match denial {
            Denial::Session { id, until } => {
                entries.make_room(now);
                entries.sessions.insert(id, until);
            }
            Denial::Key { kid, until } => {
                entries.keys.insert(kid, until);
            }
        }
    }

    pub(crate) fn has_session(&self, id: SessionId) -> bool {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.sessions.contains_key(&id)
    }

    pub(crate) fn has_key(&self, kid: &str) -> bool {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.keys.contains_key(kid)
    }
}

impl Entries {
    fn purge(&mut self, now: Timestamp) {
        self.sessions.retain(|_, until| *until > now);
        self.keys.retain(|_, until| *until > now);
        if self.sessions.capacity() > 4 * self.sessions.len() {
            self.sessions.shrink_to_fit();
        }
    }

    /// Removes the tenth of the sessions whose tokens expire first, if the list is full.
    fn make_room(&mut self, now: Timestamp) {
        if self.sessions.len() < MAX_SESSIONS {
            return;
        }
        self.purge(now);
        if self.sessions.len() < MAX_SESSIONS {
            return;
        }
        let mut ends = self
            .sessions
            .iter()
            .map(|(id, until)| (*until, *id))
            .collect::<Vec<_>>();
        let (first, ..) = ends.select_nth_unstable(MAX_SESSIONS / 10);
        for (_, id) in first {
            self.sessions.remove(id);
        }
        tracing::warn!(
            sessions = MAX_SESSIONS,
            "list of ended sessions is full: tokens of the first ones are accepted until they expire"
        );
    }
}

/// The number of entries only: they are many.
impl fmt::Debug for DenyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("DenyList")
            .field("sessions", &entries.sessions.len())
            .field("keys", &entries.keys.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::NOW;

    fn session(until: Timestamp) -> (SessionId, Denial) {
        let id = SessionId::new(NOW);
        (id, Denial::Session { id, until })
    }

    #[test]
    fn entries_are_removed_after_their_tokens_have_expired() {
        let denied = DenyList::default();
        let (early, denial) = session(NOW + Duration::from_mins(1));
        denied.add(denial, NOW);
        let (late, denial) = session(NOW + Duration::from_mins(15));
        denied.add(denial, NOW + Duration::from_secs(59));
        assert!(denied.has_session(early) && denied.has_session(late));
        let (_, denial) = session(NOW + Duration::from_mins(16));
        denied.add(denial, NOW + Duration::from_mins(1));
        assert!(!denied.has_session(early) && denied.has_session(late));
    }

    #[test]
    fn the_list_is_bounded_and_keeps_the_tokens_that_live_longest() {
        let denied = DenyList::default();
        let end = |number: u64| NOW + Duration::from_mins(15) + Duration::from_millis(number);
        let mut ids = Vec::new();
        for number in 0..210_000 {
            let (id, denial) = session(end(number));
            denied.add(denial, NOW);
            ids.push(id);
        }
        assert!(ids[20_000..].iter().all(|id| denied.has_session(*id)));
        let kept = ids.iter().filter(|id| denied.has_session(**id)).count();
        assert!(kept <= MAX_SESSIONS, "{kept}");
    }
}
