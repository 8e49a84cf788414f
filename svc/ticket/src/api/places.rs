//! Places in a queue: a bounded number, of which each user has a share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use values::UserId;

/// The places of a queue. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    taken: Taken,
    count: usize,
    per_user: usize,
}

/// The users of the places that are taken.
type Taken = Arc<Mutex<Vec<UserId>>>;

/// All places are taken, or the share of the user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the queue has no place for this user")]
pub(super) struct NoPlace;

impl Places {
    pub(super) fn new(count: usize, per_user: usize) -> Self {
        Self {
            taken: Taken::default(),
            count,
            per_user,
        }
    }

    /// Takes a place for a user.
    pub(super) fn take(&self, user: UserId) -> Result<Place, NoPlace> {
        let mut taken = lock(&self.taken);
        let of_user = taken.iter().filter(|other| **other == user).count();
        if taken.len() >= self.count || of_user >= self.per_user {
            return Err(NoPlace);
        }
        taken.push(user);
        Ok(Place {
            taken: Arc::clone(&self.taken),
            user,
        })
    }
}

/// The place of a user, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken: Taken,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(index) = taken.iter().position(|user| *user == self.user) {
            taken.swap_remove(index);
        }
    }
}

fn lock(taken: &Taken) -> MutexGuard<'_, Vec<UserId>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::NOW;

    #[test]
    fn a_user_has_a_share_of_the_places() {
        let places = Places::new(3, 2);
        let [ada, grace] = [0; 2].map(|_| UserId::new(NOW));
        let first = places.take(ada).unwrap();
        let second = places.take(ada).unwrap();
        assert_eq!(places.take(ada).unwrap_err(), NoPlace, "the share is taken");
        let third = places.take(grace).unwrap();
        assert_eq!(places.take(grace).unwrap_err(), NoPlace, "all places are taken");
        drop(first);
        let _ = places.take(ada).unwrap();
        drop((second, third));
        assert!(lock(&places.taken).is_empty());
    }
}
