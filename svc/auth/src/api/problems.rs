//! The errors of the use cases as problems.

use std::time::Duration;

use poem::http::StatusCode;
use problem::Problem;

use crate::{
    passwords::{CheckRefused, TooManyFailures, TooManySignUps},
    use_cases::{RefreshError, SignInError, SignOutError, SignUpError},
};

pub(super) fn session_over() -> Problem {
    Problem::unauthorized()
        .code("session-over")
        .detail("The session has ended: sign in again.")
}

fn invalid_refresh_token() -> Problem {
    Problem::unauthorized()
        .code("invalid-refresh-token")
        .detail("This is no refresh token: sign in again.")
}

impl From<CheckRefused> for Problem {
    fn from(refused: CheckRefused) -> Self {
        match refused {
            CheckRefused::TooManyFailures(TooManyFailures(wait)) => {
                Self::too_many_requests("There were too many failed attempts to sign in.", wait)
                    .code("too-many-failures")
            }
            CheckRefused::TooManySignUps(TooManySignUps(wait)) => {
                Self::too_many_requests("There were too many sign-ups from this network.", wait)
                    .code("too-many-sign-ups")
            }
            CheckRefused::QueueFull(_) => {
                Self::too_many_requests("Too many people sign up or sign in just now.", Duration::from_secs(10))
                    .code("busy")
            }
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::EmailTaken => Self::conflict("email-taken", "This email address has an account already")
                .field("email", "has an account already: sign in, or use another"),
            SignUpError::KeyReused => idempotency::key_reused(),
            SignUpError::NotChecked(refused) => refused.into(),
            SignUpError::KeyGone(_) | SignUpError::Sign(_) => Self::internal(&error),
            SignUpError::Db(error) => error.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials => Self::new(
                StatusCode::UNAUTHORIZED,
                "wrong-credentials",
                "The email address or the password is wrong",
            ),
            SignInError::NotChecked(refused) => refused.into(),
            SignInError::Sign(_) => Self::internal(&error),
            SignInError::Db(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Unknown => invalid_refresh_token(),
            RefreshError::Refused(_) => session_over(),
            RefreshError::Sign(_) => Self::internal(&error),
            RefreshError::Db(error) => error.into(),
        }
    }
}

impl From<SignOutError> for Problem {
    fn from(error: SignOutError) -> Self {
        match error {
            SignOutError::Unknown => invalid_refresh_token(),
            SignOutError::Over => session_over(),
            SignOutError::Db(error) => error.into(),
        }
    }
}
