use std::{
    net::IpAddr,
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use chassis::{ThreadError, run_at_low_priority};

use super::{
    fair_queue::{FairQueue, Permit, Purpose},
    hash_context::{HashContext, WorkingMemory},
    line::{QueueFull, QueueLimits},
};

/// Hashes passwords at a low priority: a few at a time, the others wait in a fair queue.
#[derive(Clone, Debug)]
pub(crate) struct HashQueue {
    queue: FairQueue,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Working memories for reuse, dropped when the queue is empty.
    spare: Mutex<Vec<WorkingMemory>>,
    hash_count: AtomicU64,
}

impl HashQueue {
    /// Creates a queue that hashes at most `concurrent` passwords at a time. The limits apply to each purpose.
    pub(crate) fn new(concurrent: usize, limits: QueueLimits) -> Self {
        Self {
            queue: FairQueue::new(concurrent.max(1), limits),
            shared: Arc::default(),
        }
    }

    /// Waits in the queue, and then runs `work` on a thread of its own.
    ///
    /// A caller that is cancelled while it waits leaves the queue. Once started, the work runs to its end.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        purpose: Purpose,
        client: IpAddr,
        work: impl FnOnce(&mut HashContext<'_>) -> T + Send + 'static,
    ) -> Result<T, QueueFull> {
        let permit = self.queue.acquire(purpose, client.into()).await?;
        let (shared, queue) = (Arc::clone(&self.shared), self.queue.clone());
        let work = move || {
            let _ended = Ended {
                permit: Some(permit),
                queue,
                shared: Arc::clone(&shared),
            };
            let mut memory = shared.spare().pop().unwrap_or_default();
            let result = work(&mut HashContext {
                memory: &mut memory,
                hash_count: &shared.hash_count,
            });
            shared.spare().push(memory);
            result
        };
        run_at_low_priority(work).await.map_err(|error| match error {
            ThreadError::Panicked(panic) => resume_unwind(panic),
            ThreadError::NotStarted(error) => {
                tracing::error!(%error, "password not hashed");
                QueueFull
            }
        })
    }

    /// Returns how many passwords were hashed so far.
    #[cfg(test)]
    pub(crate) fn hash_count(&self) -> u64 {
        self.shared.hash_count.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Returns the permit when it is dropped, also after a panic. The last one releases the working memories.
struct Ended {
    permit: Option<Permit>,
    queue: FairQueue,
    shared: Arc<Shared>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.permit.take());
        if self.queue.is_idle() {
            self.shared.spare().clear();
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
    use std::net::Ipv4Addr;

    use argon2::{Argon2, Params};

    use super::*;
    use crate::domain::Password;

    fn password(typed: &str) -> Password {
        Password::from_typed(typed.to_owned())
    }

    fn queue(concurrent: usize, waiting: usize) -> HashQueue {
        let limits = QueueLimits {
            waiting,
            per_network: waiting,
        };
        HashQueue::new(concurrent, limits)
    }

    fn client(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    async fn hashed(queue: &HashQueue, typed: &str) -> Result<String, QueueFull> {
        let password = password(typed);
        queue
            .run(Purpose::SignUp, client(1), move |context| context.hash(&password))
            .await
    }

    async fn verify(queue: &HashQueue, typed: &str, hash: Option<String>) -> bool {
        let password = password(typed);
        queue
            .run(Purpose::SignIn, client(1), move |context| {
                context.verify(&password, hash.as_deref())
            })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_and_no_other() {
        let queue = queue(2, 10);
        let hash = hashed(&queue, "correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(
            hash,
            hashed(&queue, "correct horse").await.unwrap(),
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
        assert!(verify(&queue(1, 1), "correct horse", Some(hash)).await);
    }

    #[tokio::test]
    async fn a_missing_hash_costs_as_much_and_never_matches() {
        let queue = queue(1, 1);
        for hash in [None, Some("$argon2id$nonsense".to_owned()), Some(String::new())] {
            let before = queue.hash_count();
            assert!(!verify(&queue, "correct horse", hash).await);
            assert_eq!(queue.hash_count(), before + 1);
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_releases_its_memory() {
        let queue = queue(1, 1);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let mut working = Box::pin(queue.run(Purpose::SignUp, client(1), move |_| held.recv().is_ok()));
        assert!(poll(&mut working).await.is_none(), "it works until it is released");
        let mut waiting = Box::pin(hashed(&queue, "a"));
        assert!(poll(&mut waiting).await.is_none(), "it waits");
        assert_eq!(hashed(&queue, "b").await, Err(QueueFull));
        let mut sign_in = Box::pin(verify(&queue, "b", None));
        assert!(poll(&mut sign_in).await.is_none(), "sign-ins have a queue of their own");

        drop(waiting);
        let waiting = hashed(&queue, "c");
        release.send(()).unwrap();
        assert!(working.await.unwrap());
        let _ = tokio::join!(waiting, sign_in);
        // The thread of the last one may still be ending.
        while !queue.queue.is_idle() || !queue.shared.spare().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_returns_the_permit() {
        let queue = queue(1, 1);
        let panicking = queue.clone();
        let panicked = tokio_util::task::TaskTracker::new()
            .spawn(async move { panicking.run(Purpose::SignUp, client(1), |_| panic!("a bug")).await })
            .await;
        assert!(panicked.is_err());
        hashed(&queue, "a").await.unwrap();
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
