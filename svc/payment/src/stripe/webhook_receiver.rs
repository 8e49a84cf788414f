//! Reads and counts what Stripe sends to the webhook.

use std::sync::Arc;

use metrics::{Counter, Labelled, MetricsRegistry, counters};
use values::Timestamp;

use super::signature::{BadSignature, Signers};
use crate::domain::{Effect, Letter, POINTING};

/// Takes Stripe's letters. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    signers: Arc<Signers>,
    letters: Labelled<Counter, 2>,
}

impl Mailbox {
    pub(crate) fn new(signers: Signers, metrics: &MetricsRegistry) -> Self {
        let types = POINTING.into_iter().chain(["other"]);
        let all = types.flat_map(|kind| Effect::ALL.map(|effect| [("type", kind), ("effect", effect.name())]));
        let letters = counters(all);
        metrics.register(
            "ticketing_stripe_events",
            "Events that Stripe has told of, by what became of them",
            letters.clone(),
        );
        Self {
            signers: Arc::new(signers),
            letters,
        }
    }

    /// Whether letters are taken at all.
    pub(crate) fn is_open(&self) -> bool {
        !self.signers.is_empty()
    }

    /// Reads a letter, if Stripe has signed it.
    pub(crate) fn open(&self, body: &[u8], signature: &str, now: Timestamp) -> Result<Letter, Unreadable> {
        if let Err(error) = self.signers.verify(body, signature, now) {
            self.count("other", Effect::Refused);
            return Err(error.into());
        }
        Ok(serde_json::from_slice(body)?)
    }

    pub(crate) fn count(&self, kind: &str, effect: Effect) {
        let kind = POINTING.into_iter().find(|known| *known == kind).unwrap_or("other");
        self.letters
            .get_or_create(&[("type", kind), ("effect", effect.name())])
            .inc();
    }
}

/// Why a letter is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Signature(#[from] BadSignature),
    #[error("it is no event of Stripe: {0}")]
    Json(#[from] serde_json::Error),
}
