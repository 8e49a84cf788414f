use std::{fmt, sync::Arc};

use chassis::Context;
use sealing::EncryptionKeys;

use super::cookies::Cookies;
use crate::{
    domain::TokenIssuer,
    keys::LiveKeys,
    metrics::AttemptCounters,
    passwords::{HashQueue, MailCounts, PasswordChecker, SignInAttempts, SignUpCounts},
    settings::Settings,
    use_cases::AuthContext,
};

/// The state of the handlers.
#[derive(Clone)]
pub struct App(Arc<State>);

struct State {
    context: AuthContext,
    cookies: Cookies,
    counters: AttemptCounters,
}

impl App {
    pub(crate) fn new(context: &Context, live_keys: LiveKeys, mail_keys: EncryptionKeys, settings: &Settings) -> Self {
        let queue_limits = settings.queue_limits();
        let queue = HashQueue::new(settings.hashers(), queue_limits);
        let attempts = SignInAttempts::new(settings.sign_in_limits());
        let sign_ups = SignUpCounts::new(settings.sign_up_limits());
        Self(Arc::new(State {
            context: AuthContext {
                db: context.db.clone(),
                clock: context.clock.clone(),
                issuer: TokenIssuer {
                    issuer: context.token_issuer.clone(),
                    audience: context.token_audience.clone(),
                },
                live_keys,
                denied: context.denied_tokens.clone(),
                refusals: context.refusals.clone(),
                mail_keys,
                mail_counts: MailCounts::new(settings.mail_limits()),
                reveals_addresses: settings.sign_up_reveals_addresses,
                passwords: PasswordChecker::new(queue, queue_limits, attempts, sign_ups, context.clock.clone()),
            },
            cookies: Cookies {
                secure: settings.cookie_secure,
            },
            counters: AttemptCounters::register(&context.metrics),
        }))
    }

    pub(crate) fn context(&self) -> &AuthContext {
        &self.0.context
    }

    pub(super) fn cookies(&self) -> Cookies {
        self.0.cookies
    }

    pub(super) fn counters(&self) -> &AttemptCounters {
        &self.0.counters
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("keys", &self.0.context.live_keys)
            .finish_non_exhaustive()
    }
}
