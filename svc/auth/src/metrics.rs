use metrics::{Counter, Labelled, MetricsRegistry, counters};

use crate::{
    passwords::CheckRefused,
    use_cases::{ProveSecondFactorError, RefreshError, SignInError, SignUpError},
};

/// Counts sign-ups, sign-ins and refreshed sessions by their outcomes.
#[derive(Clone, Debug)]
pub(crate) struct AttemptCounters(Labelled<Counter, 2>);

const GRANTED: &str = "granted";
const FAILED: &str = "failed";

impl AttemptCounters {
    pub(crate) fn register(metrics: &MetricsRegistry) -> Self {
        let outcomes = [
            (
                "sign-up",
                &[
                    GRANTED,
                    "email-taken",
                    "key-reused",
                    "too-many-failures",
                    "too-many-sign-ups",
                    "busy",
                    FAILED,
                ][..],
            ),
            (
                "sign-in",
                &[GRANTED, "wrong-credentials", "too-many-failures", "busy", FAILED],
            ),
            (
                "second-factor",
                &[
                    GRANTED,
                    "invalid-challenge",
                    "wrong-code",
                    "too-many-failures",
                    "busy",
                    FAILED,
                ],
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
            "Sign-ups, sign-ins and refreshed sessions, by outcome",
            counters.clone(),
        );
        Self(counters)
    }

    pub(crate) fn count_sign_up<T>(&self, outcome: &Result<T, SignUpError>) {
        self.count(
            "sign-up",
            match outcome {
                Ok(_) => GRANTED,
                Err(SignUpError::EmailTaken) => "email-taken",
                Err(SignUpError::KeyReused) => "key-reused",
                Err(SignUpError::NotChecked(refused)) => check_refused(*refused),
                Err(SignUpError::KeyGone(_) | SignUpError::Sign(_) | SignUpError::Db(_)) => FAILED,
            },
        );
    }

    pub(crate) fn count_sign_in<T>(&self, outcome: &Result<T, SignInError>) {
        self.count(
            "sign-in",
            match outcome {
                Ok(_) => GRANTED,
                Err(SignInError::WrongCredentials) => "wrong-credentials",
                Err(SignInError::NotChecked(refused)) => check_refused(*refused),
                Err(SignInError::Sign(_) | SignInError::Db(_)) => FAILED,
            },
        );
    }

    pub(crate) fn count_second_factor<T>(&self, outcome: &Result<T, ProveSecondFactorError>) {
        self.count(
            "second-factor",
            match outcome {
                Ok(_) => GRANTED,
                Err(ProveSecondFactorError::InvalidChallenge) => "invalid-challenge",
                Err(ProveSecondFactorError::WrongCode) => "wrong-code",
                Err(ProveSecondFactorError::NotChecked(refused)) => check_refused(*refused),
                Err(ProveSecondFactorError::Sign(_) | ProveSecondFactorError::Db(_)) => FAILED,
            },
        );
    }

    pub(crate) fn count_refresh<T>(&self, outcome: &Result<T, RefreshError>) {
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

const fn check_refused(refused: CheckRefused) -> &'static str {
    match refused {
        CheckRefused::TooManyFailures(_) => "too-many-failures",
        CheckRefused::TooManySignUps(_) => "too-many-sign-ups",
        CheckRefused::QueueFull(_) => "busy",
    }
}
