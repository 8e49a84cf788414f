//! What Stripe tells unasked (<https://docs.stripe.com/webhooks>): a letter is read once, and only points at an intent.
//!
//! How the intent is now is asked of Stripe: so it does not matter in which order letters come, how late, or whether one is
//! lost. A letter whose effect is not on the disk is not acknowledged, and comes again.

use std::{sync::Arc, time::Duration};

use chassis::Job;
use db::{Db, Tx};
use metrics::{Counter, Labelled, MetricsRegistry, counters};
use serde::Deserialize;
use values::{Clock, PaymentId, Timestamp};

use crate::{intent::IntentStatus, store};

pub(crate) mod api;
mod signature;

pub(crate) use signature::{BadSignature, Signers};

/// How long an event's id is remembered. Stripe tells again for three days, and whoever asks it to for thirty
/// (<https://docs.stripe.com/webhooks#retries>); an older letter would be an old signature, too.
const KEPT: Duration = Duration::from_hours(31 * 24);

/// The types of events that point at an intent which may have changed, or at what has become of its money.
const POINTING: [&str; 16] = [
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refund.updated",
    "charge.refunded",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
];

/// Takes Stripe's letters. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    signers: Arc<Signers>,
    letters: Labelled<Counter, 2>,
}

/// An event (<https://docs.stripe.com/api/events/object>), as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Letter {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: serde_json::Value,
}

/// What became of a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// Stripe will be asked about the payment.
    Noted,
    /// It tells nothing new.
    Known,
    /// It came before.
    Repeated,
    /// It is about nothing of ours.
    Strange,
    /// Its type is none that anybody here cares about.
    Ignored,
    /// It is not from Stripe, or too old.
    Refused,
}

impl Effect {
    const ALL: [Self; 6] = [
        Self::Noted,
        Self::Known,
        Self::Repeated,
        Self::Strange,
        Self::Ignored,
        Self::Refused,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Known => "known",
            Self::Repeated => "repeated",
            Self::Strange => "strange",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
        }
    }
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

/// Takes note of a letter, once: Stripe is asked about the payment as soon as this is committed.
pub(crate) fn note(tx: &Tx, now: Timestamp, letter: &Letter) -> Result<Effect, db::Error> {
    if !POINTING.contains(&letter.kind.as_str()) {
        return Ok(Effect::Ignored);
    }
    if !store::is_new(tx, &letter.id, now)? {
        return Ok(Effect::Repeated);
    }
    let object = &letter.data.object;
    let text = |pointer| object.pointer(pointer).and_then(serde_json::Value::as_str);
    let payment = text("/metadata/payment_id").and_then(|id| id.parse::<PaymentId>().ok());
    let about_money = !letter.kind.starts_with("payment_intent.");
    let intent = if about_money { "/payment_intent" } else { "/id" };
    let Some(mut payment) = store::of_intent(tx, text(intent).unwrap_or_default(), payment)? else {
        return Ok(Effect::Strange);
    };
    let is_news = if about_money {
        // What was not taken yet will be looked at when it is.
        store::look_after(tx, payment.id, now)?
    } else {
        let was = IntentStatus::of_word(text("/status").unwrap_or_default());
        let is_news = payment.told(was, now);
        if is_news {
            store::update(tx, &payment)?;
        }
        is_news
    };
    Ok(if is_news { Effect::Noted } else { Effect::Known })
}

/// The job that forgets the events that came long ago.
pub(crate) fn purge_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(Duration::from_hours(1), "forget old events of Stripe", move || {
        let (db, before) = (db.clone(), clock.now() - KEPT);
        async move {
            // A bounded number at a time, so that nobody waits long for the writer.
            loop {
                match db.write(move |tx| store::forget(tx, before)).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "old events of Stripe could not be forgotten");
                        break;
                    }
                }
            }
        }
    })
}
