//! One request under `/v1`, from its arrival to its answer: the idempotency key, the fault that was ordered for it, and
//! its effect in one transaction.

use std::sync::Arc;

use poem::http::{Method, StatusCode};
use rusqlite::Transaction;

use crate::{
    error::StripeError,
    faults::{Strike, Then, Timing},
    form::Params,
    idempotency::{self, Kept},
    journal,
    routes::{self, Answer},
    sim::Inner,
    store::{Origin, Tx},
};

/// A request that may speak to the API.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) params: Params,
    pub(crate) origin: Origin,
}

/// What goes back, and of which earlier request it is the answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) replayed: Option<String>,
}

impl From<&StripeError> for Reply {
    fn from(error: &StripeError) -> Self {
        Self {
            answer: error.into(),
            replayed: None,
        }
    }
}

/// Answers a call; `None` if its connection is to be cut.
pub(crate) async fn exchange(sim: Arc<Inner>, call: Call) -> Option<Reply> {
    let claim = match call.key() {
        Some(key) if key.is_empty() || key.len() > 255 => return Some((&StripeError::key_too_long()).into()),
        Some(key) => match sim.in_use.claim(key) {
            Some(claim) => Some(claim),
            None => return end(&sim, call, StripeError::key_in_use).await,
        },
        None => None,
    };
    let strike = sim.faults.take(call.method.as_str(), &call.path);
    let fault = strike.as_ref().map(Strike::name);
    match happen(&sim, strike.as_ref(), Timing::Before).await {
        Then::Go => {}
        Then::Answer(status) => {
            let error = StripeError::injected(status);
            note(&sim, call, fault, Some(status.as_u16())).await;
            return Some((&error).into());
        }
        Then::Fail(status) => {
            let reply = sim
                .blocking(move |sim| Ok(fail(sim, &call, fault, status)))
                .await
                .unwrap_or_else(|error| report(&error));
            return Some(reply);
        }
        Then::Cut => {
            note(&sim, call, fault, None).await;
            return None;
        }
    }
    let reply = sim
        .blocking(move |sim| Ok(execute(sim, &call, fault)))
        .await
        .unwrap_or_else(|error| report(&error));
    // The key is free before the answer goes: what comes after the effect happens on the wire, not at Stripe.
    drop(claim);
    sim.changed();
    match happen(&sim, strike.as_ref(), Timing::After).await {
        Then::Go => Some(reply),
        Then::Answer(status) | Then::Fail(status) => Some((&StripeError::injected(status)).into()),
        Then::Cut => None,
    }
}

impl Call {
    /// The idempotency key; Stripe reads it of a POST only.
    fn key(&self) -> Option<&str> {
        self.origin
            .idempotency_key
            .as_deref()
            .filter(|_| self.method == Method::POST)
    }

    fn entry(
        &self,
        sim: &Inner,
        status: Option<u16>,
        executed: bool,
        fault: Option<String>,
    ) -> journal::RecordedRequest {
        journal::RecordedRequest {
            request_id: self.origin.request_id.clone(),
            at: sim.clock.now(),
            method: self.method.to_string(),
            path: self.path.clone(),
            idempotency_key: self.origin.idempotency_key.clone(),
            status,
            executed,
            fault,
        }
    }
}

/// Lets a fault happen if this is its side of the effect. A double that stops holds nobody.
async fn happen(sim: &Inner, strike: Option<&Strike>, when: Timing) -> Then {
    match strike.filter(|strike| strike.when == when) {
        None => Then::Go,
        Some(strike) => tokio::select! {
            then = strike.happen() => then,
            () = sim.stop.cancelled() => Then::Cut,
        },
    }
}

/// Refuses a call because of its key, and writes that down.
async fn end(sim: &Arc<Inner>, call: Call, why: fn(&str) -> StripeError) -> Option<Reply> {
    let error = why(call.key().unwrap_or_default());
    note(sim, call, None, Some(error.status.as_u16())).await;
    Some((&error).into())
}

/// Writes down a call that had no effect.
async fn note(sim: &Arc<Inner>, call: Call, fault: Option<String>, status: Option<u16>) {
    let written = sim
        .blocking(move |sim| {
            let entry = call.entry(sim, status, false, fault);
            sim.store
                .transaction(|transaction| journal::write(&tx(sim, transaction, &call), &entry))
        })
        .await;
    if let Err(error) = written {
        report(&error);
    }
}

fn tx<'c>(sim: &Inner, connection: &'c rusqlite::Connection, call: &'c Call) -> Tx<'c> {
    Tx {
        sql: connection,
        now: sim.clock.now(),
        origin: &call.origin,
    }
}

/// Recalls the answer or makes it, with its effect, its idempotency record and its line in the journal in one
/// transaction: whoever is killed afterwards has answered nothing that is not kept.
fn execute(sim: &Inner, call: &Call, fault: Option<String>) -> Reply {
    let done = sim.store.transaction(|transaction| {
        let (reply, executed) = answer(sim, call, transaction)?;
        let entry = call.entry(sim, Some(reply.answer.status.as_u16()), executed, fault);
        journal::write(&tx(sim, transaction, call), &entry)?;
        Ok(reply)
    });
    done.unwrap_or_else(|error| report(&error))
}

/// Answers with a trouble of Stripe's own, which its key remembers, unless it has an answer already.
fn fail(sim: &Inner, call: &Call, fault: Option<String>, status: StatusCode) -> Reply {
    let done = sim.store.transaction(|transaction| {
        let tx = tx(sim, transaction, call);
        let parameters = call.params.fingerprint();
        let answer = Answer::from(&StripeError::injected(status));
        if let Some(key) = call.key()
            && idempotency::recall(&tx, key, &call.path, &parameters)?.is_none()
        {
            idempotency::keep(&tx, key, &call.path, &parameters, &answer)?;
        }
        journal::write(&tx, &call.entry(sim, Some(status.as_u16()), false, fault))?;
        Ok(Reply { answer, replayed: None })
    });
    done.unwrap_or_else(|error| Reply::from(&error))
}

/// The answer, and whether the endpoint ran for it.
fn answer(sim: &Inner, call: &Call, transaction: &mut Transaction<'_>) -> Result<(Reply, bool), StripeError> {
    let parameters = call.params.fingerprint();
    if let Some(key) = call.key() {
        match idempotency::recall(&tx(sim, transaction, call), key, &call.path, &parameters) {
            Ok(None) => {}
            Ok(Some(Kept { answer, request_id })) => {
                return Ok((
                    Reply {
                        answer,
                        replayed: Some(request_id),
                    },
                    false,
                ));
            }
            Err(error) if error.cause.is_none() => return Ok(((&error).into(), false)),
            Err(error) => return Err(error),
        }
    }
    let savepoint = transaction.savepoint()?;
    let (answer, kept) = match routes::dispatch(&tx(sim, &savepoint, call), &call.method, &call.path, &call.params) {
        Ok(answer) => {
            savepoint.commit()?;
            (answer, true)
        }
        Err(error) if error.cause.is_none() => {
            // Dropped without a commit, a savepoint is rolled back.
            savepoint.finish()?;
            (Answer::from(&error), error.executed)
        }
        Err(error) => return Err(error),
    };
    if let Some(key) = call.key().filter(|_| kept) {
        idempotency::keep(&tx(sim, transaction, call), key, &call.path, &parameters, &answer)?;
    }
    Ok((Reply { answer, replayed: None }, true))
}

/// The one place where a defect is logged.
fn report(error: &StripeError) -> Reply {
    tracing::error!(
        cause = error.cause.as_deref().unwrap_or_default(),
        "the Stripe double failed"
    );
    error.into()
}
