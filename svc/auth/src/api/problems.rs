//! The errors of the use cases as problems.

use std::time::Duration;

use poem::http::StatusCode;
use problem::Problem;

use crate::{
    passwords::{CheckRefused, TooManyFailures, TooManyMails, TooManySignUps},
    use_cases::{
        ChangeAccountError, EndSessionError, ProveSecondFactorError, RefreshError, RequestEmailChangeError,
        RequestMailError, ResetPasswordError, SignInError, SignOutError, SignUpError, UseLinkError,
    },
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

pub(super) fn wrong_code() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "wrong-code",
        "The code is wrong, or was used before",
    )
}

impl From<ProveSecondFactorError> for Problem {
    fn from(error: ProveSecondFactorError) -> Self {
        match error {
            ProveSecondFactorError::InvalidChallenge => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid-challenge",
                "Sign in with the password again",
            ),
            ProveSecondFactorError::WrongCode => Self::new(
                StatusCode::UNAUTHORIZED,
                "wrong-code",
                "The code is wrong, or was used before",
            ),
            ProveSecondFactorError::NotChecked(refused) => refused.into(),
            ProveSecondFactorError::Sign(_) => Self::internal(&error),
            ProveSecondFactorError::Db(error) => error.into(),
        }
    }
}

impl From<UseLinkError> for Problem {
    fn from(error: UseLinkError) -> Self {
        match error {
            UseLinkError::Invalid => Self::new(
                StatusCode::BAD_REQUEST,
                "invalid-link",
                "This link is not valid, or not any more",
            )
            .detail("It was used already, or has expired, or a newer mail was sent: request another one."),
            UseLinkError::Db(error) => error.into(),
        }
    }
}

impl From<TooManyMails> for Problem {
    fn from(TooManyMails(wait): TooManyMails) -> Self {
        Self::too_many_requests("There were too many requests for mails.", wait).code("too-many-mails")
    }
}

impl From<RequestMailError> for Problem {
    fn from(error: RequestMailError) -> Self {
        match error {
            RequestMailError::TooMany(refused) => refused.into(),
            RequestMailError::Db(error) => error.into(),
        }
    }
}

impl From<ResetPasswordError> for Problem {
    fn from(error: ResetPasswordError) -> Self {
        match error {
            ResetPasswordError::Link(error) => error.into(),
            ResetPasswordError::NotHashed(refused) => refused.into(),
            ResetPasswordError::InvalidPassword(error) => Self::invalid("password", error),
        }
    }
}

impl From<ChangeAccountError> for Problem {
    fn from(error: ChangeAccountError) -> Self {
        match error {
            ChangeAccountError::SessionOver => session_over(),
            ChangeAccountError::WrongPassword => {
                Self::new(StatusCode::FORBIDDEN, "wrong-password", "The password is wrong")
            }
            ChangeAccountError::NotChecked(refused) => refused.into(),
            ChangeAccountError::InvalidPassword(error) => Self::invalid("password", error),
            ChangeAccountError::Db(error) => error.into(),
        }
    }
}

impl From<RequestEmailChangeError> for Problem {
    fn from(error: RequestEmailChangeError) -> Self {
        match error {
            RequestEmailChangeError::TooMany(refused) => refused.into(),
            RequestEmailChangeError::Account(error) => error.into(),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NotFound => Self::not_found("You have no such session.").denied(),
            EndSessionError::Over => session_over(),
            EndSessionError::Db(error) => error.into(),
        }
    }
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
