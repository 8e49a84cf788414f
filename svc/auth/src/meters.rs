use metrics::{Counter, Labelled, MetricsRegistry, counters};

use crate::{app::NotVerified, refresh::RefreshError, sign_in::SignInError, sign_up::SignUpError};

/// What came of asking to be let in.
#[derive(Clone, Debug)]
pub(crate) struct Meters(Labelled<Counter, 2>);

const GRANTED: &str = "granted";
const FAILED: &str = "failed";

impl Meters {
    pub(crate) fn of(metrics: &MetricsRegistry) -> Self {
        let outcomes = [
            (
                "sign-up",
                &[
                    GRANTED,
                    "email-taken",
                    "key-reused",
                    "too-many-failures",
                    "busy",
                    FAILED,
                ][..],
            ),
            (
                "sign-in",
                &[GRANTED, "wrong-credentials", "too-many-failures", "busy", FAILED],
            ),
            ("refresh", &[GRANTED, "unknown-token", "session-over", FAILED]),
        ];
        let all = outcomes.into_iter().flat_map(|(operation, outcomes)| {
            outcomes
                .iter()
                .map(move |outcome| [("operation", operation), ("outcome", *outcome)])
        });
        let counters = counters(all);
        metrics.register(
            "ticketing_auth_attempts_total",
            "Sign-ups, sign-ins and refreshed sessions, by what came of them",
            counters.clone(),
        );
        Self(counters)
    }

    pub(crate) fn signed_up<T>(&self, outcome: &Result<T, SignUpError>) {
        self.count(
            "sign-up",
            match outcome {
                Ok(_) => GRANTED,
                Err(SignUpError::EmailTaken) => "email-taken",
                Err(SignUpError::KeyReused) => "key-reused",
                Err(SignUpError::NotVerified(refused)) => not_verified(*refused),
                Err(SignUpError::KeyGone(_) | SignUpError::Sign(_) | SignUpError::Db(_)) => FAILED,
            },
        );
    }

    pub(crate) fn signed_in<T>(&self, outcome: &Result<T, SignInError>) {
        self.count(
            "sign-in",
            match outcome {
                Ok(_) => GRANTED,
                Err(SignInError::WrongCredentials) => "wrong-credentials",
                Err(SignInError::NotVerified(refused)) => not_verified(*refused),
                Err(SignInError::Sign(_) | SignInError::Db(_)) => FAILED,
            },
        );
    }

    pub(crate) fn refreshed<T>(&self, outcome: &Result<T, RefreshError>) {
        self.count(
            "refresh",
            match outcome {
                Ok(_) => GRANTED,
                Err(RefreshError::Unknown) => "unknown-token",
                Err(RefreshError::Refused(_)) => "session-over",
                Err(RefreshError::Sign(_) | RefreshError::Db(_)) => FAILED,
            },
        );
    }

    fn count(&self, operation: &'static str, outcome: &'static str) {
        self.0
            .get_or_create(&[("operation", operation), ("outcome", outcome)])
            .inc();
    }
}

const fn not_verified(refused: NotVerified) -> &'static str {
    match refused {
        NotVerified::TooManyFailures(_) => "too-many-failures",
        NotVerified::LineIsFull(_) => "busy",
    }
}
