//! Hashing and checking passwords, with fair, bounded queues and limits on failed attempts.

mod fair_queue;
mod hash_context;
mod hash_queue;
mod password_checker;
mod sign_in_attempts;
mod waiting_places;

pub(crate) use fair_queue::{Purpose, QueueFull, QueueLimits};
pub(crate) use hash_queue::HashQueue;
pub(crate) use password_checker::{CheckRefused, PasswordChecker};
pub(crate) use sign_in_attempts::{SignInAttempts, SignInLimits, TooManyFailures};
