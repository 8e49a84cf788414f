//! Hashing and checking passwords, with limits on queue length and failed attempts.

mod hash_context;
mod hash_queue;
mod password_checker;
mod sign_in_attempts;

pub(crate) use hash_queue::{HashQueue, QueueFull};
pub(crate) use password_checker::{CheckRefused, PasswordChecker};
pub(crate) use sign_in_attempts::{SignInAttempts, SignInLimits, TooManyFailures};
