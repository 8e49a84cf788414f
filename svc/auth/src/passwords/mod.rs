//! Hashing and checking passwords, with fair, bounded queues, and limits on failed attempts and on sign-ups.

mod counters;
mod fair_queue;
mod hash_context;
mod hash_queue;
mod line;
mod mail_limit;
mod password_checker;
mod sign_in_attempts;
mod sign_up_limit;
mod waiting_places;

pub(crate) use hash_queue::HashQueue;
pub(crate) use line::QueueLimits;
pub(crate) use mail_limit::{MailCounts, MailLimits, TooManyMails};
pub(crate) use password_checker::{CheckRefused, PasswordChecker};
pub(crate) use sign_in_attempts::{SignInAttempts, SignInLimits, TooManyFailures};
pub(crate) use sign_up_limit::{SignUpCounts, SignUpLimits, TooManySignUps};
