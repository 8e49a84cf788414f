use std::net::IpAddr;

use values::Clock;

use super::{
    fair_queue::{Purpose, QueueFull, QueueLimits},
    hash_queue::HashQueue,
    sign_in_attempts::{Attempt, Reservation, SignInAttempts, TooManyFailures},
    waiting_places::WaitingPlaces,
};
use crate::domain::Password;

/// Hashes passwords, and checks them as long as there are not too many failures.
#[derive(Clone, Debug)]
pub(crate) struct PasswordChecker {
    queue: HashQueue,
    attempts: SignInAttempts,
    waiting: WaitingPlaces,
    clock: Clock,
}

/// A password was not checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CheckRefused {
    /// There were too many failed attempts.
    #[error(transparent)]
    TooManyFailures(#[from] TooManyFailures),
    /// The hash queue is full.
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
}

impl PasswordChecker {
    /// Creates a checker. The limits apply to those that wait for a reservation, before they enter the queue.
    pub(crate) fn new(queue: HashQueue, waiting: QueueLimits, attempts: SignInAttempts, clock: Clock) -> Self {
        Self {
            queue,
            attempts,
            waiting: WaitingPlaces::new(waiting),
            clock,
        }
    }

    /// Hashes a new password, as a PHC string.
    pub(crate) async fn hash(&self, client: IpAddr, password: Password) -> Result<String, QueueFull> {
        self.queue
            .run(Purpose::SignUp, client, move |context| context.hash(&password))
            .await
    }

    /// Whether the password is that of the account, which need not exist. A mismatch counts as a failed attempt.
    pub(crate) async fn check(
        &self,
        purpose: Purpose,
        account_key: &str,
        client: IpAddr,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, CheckRefused> {
        let attempt = self.attempts.attempt(account_key, client);
        let reservation = self.reserve(attempt, client).await?;
        let clock = self.clock.clone();
        let checked = self.queue.run(purpose, client, move |context| {
            let matches = context.verify(&password, hash.as_deref());
            if matches {
                reservation.succeed();
            } else {
                reservation.fail(clock.now());
            }
            matches
        });
        Ok(checked.await?)
    }

    /// Reserves a failure. If the attempts that are being checked could reach the limit, it waits until one of them ends.
    ///
    /// It holds no permit of the queue while it waits: a client at its limit delays its own requests only.
    async fn reserve(&self, attempt: Attempt, client: IpAddr) -> Result<Reservation, CheckRefused> {
        let mut place = None;
        loop {
            let ended = self.attempts.reservation_ended();
            if let Some(reservation) = self.attempts.try_reserve(attempt, self.clock.now())? {
                return Ok(reservation);
            }
            if place.is_none() {
                place = Some(self.waiting.enter(client.into())?);
            }
            ended.await;
        }
    }

    /// Returns how many passwords were hashed so far.
    #[cfg(test)]
    pub(crate) fn hash_count(&self) -> u64 {
        self.queue.hash_count()
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;
    use crate::passwords::SignInLimits;

    const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// A checker with one hasher, which allows one failure of an address, and lets three of a network wait.
    fn checker() -> PasswordChecker {
        let queue_limits = QueueLimits {
            waiting: 4,
            per_network: 3,
        };
        let attempts = SignInAttempts::new(SignInLimits {
            per_account: 10,
            per_address: 1,
            window: Duration::from_mins(15),
        });
        PasswordChecker::new(HashQueue::new(1, queue_limits), queue_limits, attempts, Clock::system())
    }

    async fn check(
        checker: &PasswordChecker,
        account: &str,
        client: IpAddr,
        typed: &str,
        hash: Option<&String>,
    ) -> Result<bool, CheckRefused> {
        let password = Password::from_typed(typed.to_owned());
        checker
            .check(Purpose::SignIn, account, client, password, hash.cloned())
            .await
    }

    #[tokio::test]
    async fn attempts_that_wait_for_a_reservation_hold_no_hasher() {
        let passwords = checker();
        let correct = Password::from_typed("correct horse".to_owned());
        let hash = passwords.hash(OTHER, correct).await.unwrap();
        let attempt = passwords.attempts.attempt("held", ATTACKER);
        let held = passwords.attempts.try_reserve(attempt, passwords.clock.now()).unwrap();
        let mut waiting: Vec<_> = (0..3)
            .map(|_| Box::pin(check(&passwords, "mallory", ATTACKER, "correct horse", Some(&hash))))
            .collect();
        for waiting in &mut waiting {
            assert!(poll_once(waiting).await.is_none(), "it waits for a reservation");
        }
        let refused = check(&passwords, "mallory", ATTACKER, "correct horse", Some(&hash)).await;
        assert_eq!(
            refused,
            Err(CheckRefused::QueueFull(QueueFull)),
            "the places are bounded"
        );
        for _ in 0..3 {
            let checked = check(&passwords, "ada", OTHER, "correct horse", Some(&hash)).await;
            assert_eq!(checked, Ok(true), "the hasher is free for others");
        }
        // One that hangs up leaves its place, and the others are checked one after the other.
        drop(waiting.pop());
        let next = check(&passwords, "mallory", ATTACKER, "wrong horse", Some(&hash));
        drop(held);
        let (first, second) = (waiting.remove(0), waiting.remove(0));
        let (first, second, wrong) = tokio::join!(first, second, next);
        let mut outcomes = [first, second, wrong].to_vec();
        outcomes.retain(|outcome| !matches!(outcome, Err(CheckRefused::TooManyFailures(_))));
        assert!(outcomes.contains(&Ok(false)), "{outcomes:?}");
        assert!(matches!(
            check(&passwords, "mallory", ATTACKER, "correct horse", Some(&hash)).await,
            Err(CheckRefused::TooManyFailures(_))
        ));
    }

    #[tokio::test]
    async fn an_attempt_that_is_cancelled_in_the_queue_gives_its_reservation_back() {
        let passwords = checker();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let mut working = Box::pin(
            passwords
                .queue
                .run(Purpose::SignUp, OTHER, move |_| held.recv().is_ok()),
        );
        assert!(poll_once(&mut working).await.is_none());
        let mut queued = Box::pin(check(&passwords, "ada", ATTACKER, "a", None));
        assert!(poll_once(&mut queued).await.is_none());
        let attempt = passwords.attempts.attempt("ada", ATTACKER);
        let reserve = || passwords.attempts.try_reserve(attempt, passwords.clock.now()).unwrap();
        assert!(reserve().is_none());
        drop(queued);
        assert!(reserve().is_some());
        release.send(()).unwrap();
        assert!(working.await.unwrap());
    }

    /// Polls once.
    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }
}
