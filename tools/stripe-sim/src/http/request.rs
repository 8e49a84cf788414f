//! One request under `/v1`: its idempotency key, its fault, and its effect in one transaction.

use std::sync::Arc;

use poem::http::{Method, StatusCode};
use rusqlite::Connection;

use crate::{
    api::{self, Response},
    error::StripeError,
    faults::{ActiveFault, Continuation, Timing},
    form::Params,
    state::SimState,
    store::{
        RequestContext, Tx, journal,
        stored_responses::{self, KeyUse, StoredResponse},
    },
};

/// The length of the longest idempotency key, in bytes.
const MAX_KEY_LENGTH: usize = 255;

/// An authenticated request.
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) params: Params,
    pub(crate) context: RequestContext,
}

/// The response to a request and, if it is a replay, the id of the original request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) response: Response,
    pub(crate) original_request: Option<String>,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self {
            response,
            original_request: None,
        }
    }
}

impl From<&StripeError> for Reply {
    fn from(error: &StripeError) -> Self {
        Response::from(error).into()
    }
}

/// Executes a request; `None` if its connection is to be closed without a response.
pub(crate) async fn execute(state: Arc<SimState>, request: ApiRequest) -> Option<Reply> {
    let claim = match request.key() {
        Some(key) if key.is_empty() || key.len() > MAX_KEY_LENGTH => {
            return Some((&StripeError::key_too_long()).into());
        }
        Some(key) => match state.keys_in_use.claim(key) {
            Some(claim) => Some(claim),
            None => return Some(refuse_key_in_use(&state, request).await),
        },
        None => None,
    };
    let fault = state.faults.take(request.method.as_str(), &request.path);
    let fault_name = fault.as_ref().map(ActiveFault::name);
    match apply_fault(&state, fault.as_ref(), Timing::Before).await {
        Continuation::Proceed => {}
        Continuation::Respond(status) => {
            record_without_effect(&state, request, fault_name, Some(status.as_u16())).await;
            return Some((&StripeError::injected(status)).into());
        }
        Continuation::LockTimeout => {
            let error = StripeError::lock_timeout();
            record_without_effect(&state, request, fault_name, Some(429)).await;
            return Some((&error).into());
        }
        Continuation::RespondAndStore(status) => {
            let reply = state
                .run_blocking(move |state| Ok(respond_and_store(state, &request, fault_name, status)))
                .await
                .unwrap_or_else(|error| report(&error));
            return Some(reply);
        }
        Continuation::Disconnect => {
            record_without_effect(&state, request, fault_name, None).await;
            return None;
        }
    }
    let reply = state
        .run_blocking(move |state| Ok(commit(state, &request, fault_name)))
        .await
        .unwrap_or_else(|error| report(&error));
    // The key is free before the response is sent: faults after the effect happen on the network, not at Stripe.
    drop(claim);
    state.notify_changed();
    match apply_fault(&state, fault.as_ref(), Timing::After).await {
        Continuation::Proceed => Some(reply),
        Continuation::Respond(status) | Continuation::RespondAndStore(status) => {
            Some((&StripeError::injected(status)).into())
        }
        Continuation::LockTimeout => Some((&StripeError::lock_timeout()).into()),
        Continuation::Disconnect => None,
    }
}

impl ApiRequest {
    /// Returns the idempotency key, which only a POST has.
    fn key(&self) -> Option<&str> {
        self.context
            .idempotency_key
            .as_deref()
            .filter(|_| self.method == Method::POST)
    }

    fn key_use<'k>(&'k self, parameters: &'k str) -> Option<KeyUse<'k>> {
        self.key().map(|key| KeyUse {
            key,
            endpoint: &self.path,
            parameters,
        })
    }

    fn journal_entry(
        &self,
        state: &SimState,
        status: Option<u16>,
        executed: bool,
        fault: Option<String>,
    ) -> journal::RecordedRequest {
        journal::RecordedRequest {
            request_id: self.context.request_id.clone(),
            at: state.clock.now(),
            method: self.method.to_string(),
            path: self.path.clone(),
            idempotency_key: self.context.idempotency_key.clone(),
            status,
            executed,
            fault,
        }
    }

    fn tx<'c>(&'c self, state: &SimState, connection: &'c Connection) -> Tx<'c> {
        Tx::new(connection, state.clock.now(), &self.context)
    }
}

/// Applies the fault if this is its timing. A simulator that stops releases held requests by closing them.
async fn apply_fault(state: &SimState, fault: Option<&ActiveFault>, timing: Timing) -> Continuation {
    match fault.filter(|fault| fault.timing == timing) {
        None => Continuation::Proceed,
        Some(fault) => tokio::select! {
            continuation = fault.apply() => continuation,
            () = state.stop.cancelled() => Continuation::Disconnect,
        },
    }
}

async fn refuse_key_in_use(state: &Arc<SimState>, request: ApiRequest) -> Reply {
    let error = StripeError::key_in_use(request.key().unwrap_or_default());
    record_without_effect(state, request, None, Some(error.status.as_u16())).await;
    (&error).into()
}

/// Records a request that had no effect.
async fn record_without_effect(state: &Arc<SimState>, request: ApiRequest, fault: Option<String>, status: Option<u16>) {
    let recorded = state
        .run_blocking(move |state| {
            let entry = request.journal_entry(state, status, false, fault);
            state
                .database
                .transaction(|transaction| journal::append(&request.tx(state, transaction), &entry))
        })
        .await;
    if let Err(error) = recorded {
        report(&error);
    }
}

/// Replays the stored response, or runs the handler and commits its effect, its stored response and its journal entry
/// in one transaction. An error rolls back what the handler has written, and is recorded in a second transaction.
fn commit(state: &SimState, request: &ApiRequest, fault: Option<String>) -> Reply {
    let parameters = request.params.fingerprint();
    let key_use = request.key_use(&parameters);
    let mut has_run = false;
    let committed = state.database.transaction(|transaction| {
        let tx = request.tx(state, transaction);
        let stored = key_use.map(|used| stored_responses::find(&tx, used)).transpose()?;
        let reply = if let Some(stored) = stored.flatten() {
            replay(stored)?
        } else {
            has_run = true;
            let response = api::dispatch(&tx, &request.method, &request.path, &request.params)?;
            if let Some(used) = key_use {
                store_response(&tx, used, &response)?;
            }
            response.into()
        };
        let status = Some(reply.response.status.as_u16());
        journal::append(&tx, &request.journal_entry(state, status, has_run, fault.clone()))?;
        Ok(reply)
    });
    let recorded = committed.or_else(|error| {
        if error.cause.is_some() {
            return Err(error);
        }
        let is_stored = has_run && error.executed;
        record_error(state, request, fault, &error, (has_run, is_stored))
    });
    recorded.unwrap_or_else(|error| report(&error))
}

/// Returns an error of Stripe's own, and stores it under the key unless the key has a response.
fn respond_and_store(state: &SimState, request: &ApiRequest, fault: Option<String>, status: StatusCode) -> Reply {
    let error = StripeError::injected(status);
    record_error(state, request, fault, &error, (false, true)).unwrap_or_else(|error| Reply::from(&error))
}

/// Records an error in a transaction of its own: in the journal, and, if `is_stored`, under the key unless the key has a
/// response that is not expired.
fn record_error(
    state: &SimState,
    request: &ApiRequest,
    fault: Option<String>,
    error: &StripeError,
    (has_run, is_stored): (bool, bool),
) -> Result<Reply, StripeError> {
    let parameters = request.params.fingerprint();
    let response = Response::from(error);
    state.database.transaction(|transaction| {
        let tx = request.tx(state, transaction);
        if let Some(used) = request.key_use(&parameters).filter(|_| is_stored)
            && stored_responses::find(&tx, used)?.is_none()
        {
            store_response(&tx, used, &response)?;
        }
        let status = Some(response.status.as_u16());
        journal::append(&tx, &request.journal_entry(state, status, has_run, fault))?;
        Ok(Reply::from(response))
    })
}

fn replay(stored: StoredResponse) -> Result<Reply, StripeError> {
    Ok(Reply {
        response: Response {
            status: StatusCode::from_u16(stored.status).map_err(StripeError::internal)?,
            body: serde_json::from_str(&stored.body)?,
        },
        original_request: Some(stored.request_id),
    })
}

fn store_response(tx: &Tx<'_>, used: KeyUse<'_>, response: &Response) -> Result<(), StripeError> {
    stored_responses::insert(tx, used, response.status.as_u16(), &response.body.to_string())
}

/// Logs a defect, in this one place, and returns its response.
fn report(error: &StripeError) -> Reply {
    tracing::error!(cause = error.cause.as_deref().unwrap_or_default(), "the request failed");
    error.into()
}
