use std::net::IpAddr;

use values::{Clock, SessionId, UserId};

use super::{
    fair_queue::Purpose,
    hash_queue::HashQueue,
    line::{QueueFull, QueueLimits},
    sign_in_attempts::{Attempt, Reservation, SignInAttempts, TooManyFailures},
    sign_up_limit::{SignUpCounts, TooManySignUps},
    waiting_places::WaitingPlaces,
};
use crate::domain::Password;

/// Hashes passwords, and checks them as long as there are not too many failures.
#[derive(Clone, Debug)]
pub(crate) struct PasswordChecker {
    queue: HashQueue,
    attempts: SignInAttempts,
    sign_ups: SignUpCounts,
    waiting: WaitingPlaces,
    clock: Clock,
}

/// A password was not checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CheckRefused {
    /// There were too many failed attempts.
    #[error(transparent)]
    TooManyFailures(#[from] TooManyFailures),
    /// There were too many sign-ups from the network.
    #[error(transparent)]
    TooManySignUps(#[from] TooManySignUps),
    /// The hash queue is full.
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
}

/// The hash of a new password, for an account that may turn out to exist.
#[derive(Debug)]
pub(crate) struct NewHash {
    /// A PHC string.
    pub(crate) hash: String,
    reservation: Reservation,
    clock: Clock,
}

impl NewHash {
    /// Counts a failed attempt: the address has an account already.
    pub(crate) fn address_is_taken(self) {
        self.reservation.fail(self.clock.elapsed());
    }
}

/// An attempt to prove a second factor. It counts for nothing if it is dropped.
#[derive(Debug)]
pub(crate) struct CodeAttempt {
    reservation: Reservation,
    clock: Clock,
}

impl CodeAttempt {
    /// Counts a failed attempt.
    pub(crate) fn fail(self) {
        self.reservation.fail(self.clock.elapsed());
    }

    /// Resets the failed attempts of the account.
    pub(crate) fn succeed(self) {
        self.reservation.succeed();
    }
}

impl PasswordChecker {
    /// Creates a checker. The limits of the queue apply to those that wait for a reservation, too, before they enter it.
    pub(crate) fn new(
        queue: HashQueue,
        waiting: QueueLimits,
        attempts: SignInAttempts,
        sign_ups: SignUpCounts,
        clock: Clock,
    ) -> Self {
        Self {
            queue,
            attempts,
            sign_ups,
            waiting: WaitingPlaces::new(waiting),
            clock,
        }
    }

    /// Hashes the password of a sign-up, which counts for the client's networks.
    pub(crate) async fn hash(&self, client: IpAddr, password: Password) -> Result<NewHash, CheckRefused> {
        let counted = self.sign_ups.count(client, self.clock.elapsed())?;
        let reservation = self.reserve(&self.attempts.sign_up(client), client).await?;
        let hashed = self.queue.run(Purpose::SignUp, client, move |context| {
            counted.keep();
            context.hash(&password)
        });
        Ok(NewHash {
            hash: hashed.await?,
            reservation,
            clock: self.clock.clone(),
        })
    }

    /// Hashes a new password of an account whose user was authenticated.
    pub(crate) async fn hash_new(&self, client: IpAddr, password: Password) -> Result<String, CheckRefused> {
        let hashed = self
            .queue
            .run(Purpose::SignUp, client, move |context| context.hash(&password));
        Ok(hashed.await?)
    }

    /// Whether the password is that of the account, which need not exist. A mismatch counts as a failed attempt. `device` is
    /// the browser, if it has signed in to this account before.
    pub(crate) async fn check(
        &self,
        account_key: &str,
        client: IpAddr,
        device: Option<SessionId>,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, CheckRefused> {
        let attempt = self.sign_in_attempt(account_key, client, device);
        self.check_attempt(Purpose::SignIn, &attempt, client, password, hash)
            .await
    }

    /// [Checks](Self::check) the password of an account with a second factor: a match resets no failures, because it is no
    /// success yet.
    pub(crate) async fn check_first(
        &self,
        account_key: &str,
        client: IpAddr,
        device: Option<SessionId>,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, CheckRefused> {
        let attempt = self.sign_in_attempt(account_key, client, device).without_reset();
        self.check_attempt(Purpose::SignIn, &attempt, client, password, hash)
            .await
    }

    fn sign_in_attempt(&self, account_key: &str, client: IpAddr, device: Option<SessionId>) -> Attempt {
        self.attempts.sign_in(account_key, client, device, self.clock.elapsed())
    }

    /// Begins an attempt to prove the second factor of an account.
    pub(crate) async fn attempt_code(&self, user_id: UserId, client: IpAddr) -> Result<CodeAttempt, CheckRefused> {
        let attempt = self.attempts.second_factor(user_id, client);
        Ok(CodeAttempt {
            reservation: self.reserve(&attempt, client).await?,
            clock: self.clock.clone(),
        })
    }

    /// Whether the password is that of the account that an earlier sign-up with this idempotency key has created. A mismatch
    /// counts as a failed attempt.
    pub(crate) async fn check_repeated_sign_up(
        &self,
        idempotency_key: &str,
        client: IpAddr,
        password: Password,
        hash: String,
    ) -> Result<bool, CheckRefused> {
        let attempt = self.attempts.repeated_sign_up(idempotency_key, client);
        self.check_attempt(Purpose::SignUp, &attempt, client, password, Some(hash))
            .await
    }

    async fn check_attempt(
        &self,
        purpose: Purpose,
        attempt: &Attempt,
        client: IpAddr,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, CheckRefused> {
        let reservation = self.reserve(attempt, client).await?;
        let clock = self.clock.clone();
        let checked = self.queue.run(purpose, client, move |context| {
            let matches = context.verify(&password, hash.as_deref());
            if matches {
                reservation.succeed();
            } else {
                reservation.fail(clock.elapsed());
            }
            matches
        });
        Ok(checked.await?)
    }

    /// Reserves a failure. If the attempts that are being checked could reach the limit, it waits until one of them ends.
    ///
    /// It holds no permit of the queue while it waits: a client at its limit delays its own requests only.
    async fn reserve(&self, attempt: &Attempt, client: IpAddr) -> Result<Reservation, CheckRefused> {
        let mut place = None;
        loop {
            let ended = self.attempts.reservation_ended();
            if let Some(reservation) = self.attempts.try_reserve(attempt, self.clock.elapsed())? {
                return Ok(reservation);
            }
            let place = match &mut place {
                Some(place) => place,
                none => none.insert(self.waiting.enter(client.into())?),
            };
            tokio::select! {
                () = ended => {}
                displaced = place.displaced() => return Err(displaced.into()),
            }
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
    use crate::passwords::{SignInLimits, SignUpLimits};

    const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// A checker with one hasher, which allows one failure of an address, and lets three of a network wait.
    fn checker() -> PasswordChecker {
        let queue_limits = QueueLimits {
            waiting: 4,
            per_network: 3,
        };
        let window = Duration::from_mins(15);
        let attempts = SignInAttempts::new(SignInLimits {
            per_account: 10,
            per_address: 1,
            before_slowing: 30,
            slow_interval: Duration::from_secs(30),
            window,
        });
        let sign_ups = SignUpCounts::new(SignUpLimits {
            per_address: 10,
            window,
        });
        let queue = HashQueue::new(1, queue_limits);
        PasswordChecker::new(queue, queue_limits, attempts, sign_ups, Clock::system())
    }

    async fn check(
        checker: &PasswordChecker,
        account: &str,
        client: IpAddr,
        typed: &str,
        hash: Option<&String>,
    ) -> Result<bool, CheckRefused> {
        let password = Password::from_typed(typed.to_owned());
        checker.check(account, client, None, password, hash.cloned()).await
    }

    #[tokio::test]
    async fn attempts_that_wait_for_a_reservation_hold_no_hasher() {
        let passwords = checker();
        let correct = Password::from_typed("correct horse".to_owned());
        let hash = passwords.hash(OTHER, correct).await.unwrap().hash;
        let attempt = passwords.sign_in_attempt("held", ATTACKER, None);
        let held = passwords
            .attempts
            .try_reserve(&attempt, passwords.clock.elapsed())
            .unwrap();
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
        let attempt = passwords.sign_in_attempt("ada", ATTACKER, None);
        let reserve = || {
            let now = passwords.clock.elapsed();
            passwords.attempts.try_reserve(&attempt, now).unwrap()
        };
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
