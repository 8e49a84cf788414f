use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::Semaphore;

use super::hash_context::{HashContext, WorkingMemory};
use crate::domain::Password;

/// Hashes passwords on blocking threads: a few at a time, the others wait in a bounded queue.
#[derive(Clone, Debug)]
pub(crate) struct HashQueue {
    hashers: Arc<Semaphore>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The limit on those that wait or hash.
    capacity: usize,
    /// How many wait or hash.
    occupied: AtomicUsize,
    /// Working memories for reuse, dropped when the queue is empty.
    spare: Mutex<Vec<WorkingMemory>>,
    hash_count: AtomicU64,
}

/// The queue is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many are waiting for their password to be checked")]
pub(crate) struct QueueFull;

impl HashQueue {
    /// Creates a queue that hashes at most `concurrent` passwords at a time, while at most `waiting` wait.
    pub(crate) fn new(concurrent: usize, waiting: usize) -> Self {
        let concurrent = concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let shared = Shared {
            capacity: waiting.saturating_add(concurrent),
            occupied: AtomicUsize::new(0),
            spare: Mutex::default(),
            hash_count: AtomicU64::new(0),
        };
        Self {
            hashers: Arc::new(Semaphore::new(concurrent)),
            shared: Arc::new(shared),
        }
    }

    /// Hashes a new password, as a PHC string.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, QueueFull> {
        self.run(move |context| context.hash(&password)).await
    }

    /// Waits in the queue, and then runs `work` on a blocking thread.
    ///
    /// Once started it runs to its end, even if the caller is cancelled.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashContext<'_>) -> T + Send + 'static,
    ) -> Result<T, QueueFull> {
        let place = Place::take(&self.shared)?;
        // The semaphore is never closed. A caller that is cancelled while it waits leaves the queue.
        let permit = Arc::clone(&self.hashers).acquire_owned().await.map_err(|_| QueueFull)?;
        let work = move || {
            let place = place;
            let mut memory = place.0.spare().pop().unwrap_or_default();
            let result = work(&mut HashContext {
                memory: &mut memory,
                hash_count: &place.0.hash_count,
            });
            place.0.spare().push(memory);
            drop(place);
            drop(permit);
            result
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|ended| match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => QueueFull,
            })
    }

    /// Returns how many passwords were hashed so far.
    #[cfg(test)]
    pub(crate) fn hash_count(&self) -> u64 {
        self.shared.hash_count.load(Ordering::SeqCst)
    }
}

/// A place in the queue. Dropping the last one releases the working memories.
struct Place(Arc<Shared>);

impl Place {
    fn take(shared: &Arc<Shared>) -> Result<Self, QueueFull> {
        let place = Self(Arc::clone(shared));
        // Dropping the place takes the increment back.
        if shared.occupied.fetch_add(1, Ordering::SeqCst) < shared.capacity {
            Ok(place)
        } else {
            Err(QueueFull)
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.occupied.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.spare().clear();
        }
    }
}

impl Shared {
    fn spare(&self) -> MutexGuard<'_, Vec<WorkingMemory>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Argon2, Params};

    use super::*;

    fn password(typed: &str) -> Password {
        Password::from_typed(typed.to_owned())
    }

    async fn verify(queue: &HashQueue, typed: &str, hash: Option<String>) -> bool {
        let password = password(typed);
        queue
            .run(move |context| context.verify(&password, hash.as_deref()))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_and_no_other() {
        let queue = HashQueue::new(2, 10);
        let hash = queue.hash(password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(
            hash,
            queue.hash(password("correct horse")).await.unwrap(),
            "each has its own salt"
        );
        assert!(verify(&queue, "correct horse", Some(hash.clone())).await);
        assert!(!verify(&queue, "correct horsf", Some(hash)).await);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_stays_valid() {
        use argon2::PasswordHasher;
        let cheap = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let hash = cheap
            .hash_password_with_salt(b"correct horse", b"salt of 16 bytes")
            .unwrap()
            .to_string();
        assert!(verify(&HashQueue::new(1, 1), "correct horse", Some(hash)).await);
    }

    #[tokio::test]
    async fn a_missing_hash_costs_as_much_and_never_matches() {
        let queue = HashQueue::new(1, 1);
        for hash in [None, Some("$argon2id$nonsense".to_owned()), Some(String::new())] {
            let before = queue.hash_count();
            assert!(!verify(&queue, "correct horse", hash).await);
            assert_eq!(queue.hash_count(), before + 1);
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_releases_its_memory() {
        let queue = HashQueue::new(1, 1);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let working = queue.run(move |_| held.recv().is_ok());
        let mut working = std::pin::pin!(working);
        assert!(poll(&mut working).await.is_none(), "it works until it is released");
        let mut waiting = Box::pin(queue.hash(password("a")));
        assert!(poll(&mut waiting).await.is_none(), "it waits");
        assert_eq!(queue.hash(password("b")).await, Err(QueueFull));

        drop(waiting);
        let waiting = queue.hash(password("c"));
        release.send(()).unwrap();
        assert!(working.await.unwrap());
        waiting.await.unwrap();
        assert!(queue.shared.spare().is_empty(), "no memory is kept");
        assert_eq!(queue.shared.occupied.load(Ordering::SeqCst), 0);
    }

    /// Polls once.
    async fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }
}
