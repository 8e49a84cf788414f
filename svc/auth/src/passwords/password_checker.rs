use std::net::IpAddr;

use values::Clock;

use super::{
    fair_queue::{Purpose, QueueFull},
    hash_queue::HashQueue,
    sign_in_attempts::{SignInAttempts, TooManyFailures},
};
use crate::domain::Password;

/// Hashes passwords, and checks them as long as there are not too many failures.
#[derive(Clone, Debug)]
pub(crate) struct PasswordChecker {
    queue: HashQueue,
    attempts: SignInAttempts,
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
    pub(crate) const fn new(queue: HashQueue, attempts: SignInAttempts, clock: Clock) -> Self {
        Self { queue, attempts, clock }
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
        self.attempts.check(attempt, self.clock.now())?;
        let (attempts, clock) = (self.attempts.clone(), self.clock.clone());
        let checked = self.queue.run(purpose, client, move |context| {
            // The failures of requests that were queued before count, and of those that are hashed at the same time.
            let reservation = attempts.reserve(attempt, clock.now())?;
            let matches = context.verify(&password, hash.as_deref());
            if matches {
                reservation.succeed();
            } else {
                reservation.fail(clock.now());
            }
            Ok(matches)
        });
        checked.await?
    }

    /// Returns how many passwords were hashed so far.
    #[cfg(test)]
    pub(crate) fn hash_count(&self) -> u64 {
        self.queue.hash_count()
    }
}
