//! `/_sim/…`: faults, the journal, the cardholder, the bank. Parameters are forms, as under `/v1`.

use std::{sync::Arc, time::Duration};

use poem::http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    domain::{PaymentIntent, confirmation, dispute, event, refund, test_card},
    error::StripeError,
    faults::{Fault, Gate, GateState, Target, Timing},
    form::Params,
    id, scheduler,
    state::SimState,
    store::{Tx, journal},
    webhooks::{self, WebhookFault},
};

/// The longest wait of `GET /_sim/faults/{id}?arrivals=…`.
const MAX_ARRIVALS_WAIT: Duration = Duration::from_secs(30);

/// Handles one request; `path` is the part after `/_sim/`.
pub(crate) async fn handle(
    state: &Arc<SimState>,
    method: &Method,
    path: &str,
    params: &Params,
) -> Result<Value, StripeError> {
    let segments: Vec<&str> = path.split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["requests"]) => Ok(json!({ "data": state.transaction(journal::all).await? })),
        ("GET", ["payment_intents"]) => Ok(json!({ "data": state.transaction(PaymentIntent::all).await? })),
        ("POST", ["payment_intents", id, "authenticate"]) => {
            let passed = outcome(params, ["pass", "fail"])?;
            let id = (*id).to_owned();
            let intent = state
                .transaction(move |tx| {
                    confirmation::complete_authentication(tx, tx.get_by_path(&id, "intent")?, passed)
                })
                .await?;
            to_json(&intent)
        }
        ("POST", ["events", id, "resend"]) => {
            let id = (*id).to_owned();
            to_json(&state.transaction(move |tx| event::resend(tx, &id)).await?)
        }
        ("POST", ["charges", id, "dispute"]) => {
            params.reject_unknown(&["reason", "inquiry"])?;
            let inquiry = params.boolean("inquiry")?.unwrap_or_default();
            let reason = test_card::dispute_reason(params.text("reason")?.unwrap_or("fraudulent"), inquiry);
            let id = (*id).to_owned();
            let open = move |tx: &Tx<'_>| dispute::open(tx, tx.get_by_path(&id, "charge")?, &reason);
            to_json(&state.transaction(open).await?)
        }
        ("POST", ["disputes", id, "decide"]) => {
            let won = outcome(params, ["won", "lost"])?;
            let id = (*id).to_owned();
            to_json(&state.transaction(move |tx| dispute::decide(tx, &id, won)).await?)
        }
        ("POST", ["refunds", id, "end"]) => {
            let succeeds = outcome(params, ["succeeded", "failed"])?;
            let id = (*id).to_owned();
            to_json(&state.transaction(move |tx| refund::end(tx, &id, succeeds)).await?)
        }
        ("POST", ["later"]) => Ok(json!({ "happened": state.transaction(scheduler::apply_all).await? })),
        (_, ["webhooks", ..]) => handle_webhook_faults(state, method, &segments, params),
        ("POST", ["faults"]) => arm_fault(state, params),
        ("DELETE", ["faults"]) => {
            state.faults.clear();
            Ok(json!({ "cleared": true }))
        }
        ("GET", ["faults", id]) => {
            let gate = gate(state, id)?;
            let expected = params
                .integer("arrivals")?
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0);
            // A timeout is no error: the response shows the number so far.
            let arrived = tokio::time::timeout(MAX_ARRIVALS_WAIT, gate.wait_for_requests(expected)).await;
            Ok(json!({ "id": id, "arrived": arrived.unwrap_or_else(|_| gate.arrived()) }))
        }
        ("POST", ["faults", id, "release"]) => {
            let how = params.choice("how", &["go", "cut"])?;
            gate(state, id)?.open(if how == Some("cut") {
                GateState::Cut
            } else {
                GateState::Open
            });
            Ok(json!({ "id": id, "released": true }))
        }
        _ => Err(StripeError::no_such_route(method.as_str(), &format!("/_sim/{path}"))),
    }
}

fn to_json(object: &impl Serialize) -> Result<Value, StripeError> {
    Ok(serde_json::to_value(object)?)
}

/// Returns whether `outcome` is the first of the two words.
fn outcome(params: &Params, words: [&str; 2]) -> Result<bool, StripeError> {
    params.reject_unknown(&["outcome"])?;
    let word = params.choice("outcome", &words)?;
    Ok(word.ok_or_else(|| StripeError::missing("outcome"))? == words[0])
}

/// Arms webhook faults (`event`, `times`, `do`: drop, twice, delay with `delay_ms`, hold); shows and releases held
/// events.
fn handle_webhook_faults(
    state: &SimState,
    method: &Method,
    segments: &[&str],
    params: &Params,
) -> Result<Value, StripeError> {
    match (method.as_str(), segments) {
        ("GET", ["webhooks"]) => Ok(json!({ "held": state.webhook_faults.held() })),
        ("DELETE", ["webhooks"]) => {
            state.webhook_faults.clear();
            webhooks::release_held(state, false);
            Ok(json!({ "cleared": true }))
        }
        ("POST", ["webhooks", "release"]) => {
            params.reject_unknown(&["order"])?;
            let reversed = params.choice("order", &["same", "reversed"])? == Some("reversed");
            webhooks::release_held(state, reversed);
            Ok(json!({ "released": true }))
        }
        ("POST", ["webhooks"]) => {
            params.reject_unknown(&["event", "times", "do", "delay_ms"])?;
            let word = params.choice("do", &["drop", "twice", "delay", "hold"])?;
            let fault = match word.ok_or_else(|| StripeError::missing("do"))? {
                "drop" => WebhookFault::Drop,
                "twice" => WebhookFault::Duplicate,
                "delay" => WebhookFault::Delay(delay(params)?),
                _ => WebhookFault::Hold,
            };
            let kind = params.text("event")?.unwrap_or("*");
            state.webhook_faults.add(kind, times(params)?, fault);
            Ok(json!({ "armed": true }))
        }
        _ => Err(StripeError::no_such_route(
            method.as_str(),
            &format!("/_sim/{}", segments.join("/")),
        )),
    }
}

fn times(params: &Params) -> Result<u32, StripeError> {
    let times = params.positive_integer("times")?.unwrap_or(1);
    u32::try_from(times).map_err(|_| StripeError::invalid("times", "Too many".to_owned()))
}

fn delay(params: &Params) -> Result<Duration, StripeError> {
    let millis = params
        .positive_integer("delay_ms")?
        .ok_or_else(|| StripeError::missing("delay_ms"))?;
    Ok(Duration::from_millis(millis.unsigned_abs()))
}

fn gate(state: &SimState, id: &str) -> Result<Arc<Gate>, StripeError> {
    let gate = state.faults.gate(id);
    gate.ok_or_else(|| StripeError::no_such("hold", id, "id").with_status(StatusCode::NOT_FOUND))
}

/// Arms a fault: `method`, `path`, `times`, `when` (before, after), `fault` (delay with `delay_ms`, answer or fail with
/// `status`, `lock_timeout`, `cut`, `hold`).
fn arm_fault(state: &SimState, params: &Params) -> Result<Value, StripeError> {
    params.reject_unknown(&["method", "path", "times", "when", "fault", "delay_ms", "status"])?;
    let target =
        Target::request(params.text("method")?.unwrap_or("*"), params.required_text("path")?).times(times(params)?);
    let timing = match params.choice("when", &["before", "after"])? {
        Some("after") => Timing::After,
        _ => Timing::Before,
    };
    let word = params.choice("fault", &["delay", "answer", "fail", "lock_timeout", "cut", "hold"])?;
    let fault = match word.ok_or_else(|| StripeError::missing("fault"))? {
        "delay" => Fault::Delay(delay(params)?),
        word @ ("answer" | "fail") => {
            let status = params
                .integer("status")?
                .ok_or_else(|| StripeError::missing("status"))?;
            let status = u16::try_from(status).ok().filter(|status| (400..600).contains(status));
            let status = status.ok_or_else(|| StripeError::invalid("status", "400 to 599".to_owned()))?;
            if word == "fail" {
                Fault::Fail(status)
            } else {
                Fault::Answer(status)
            }
        }
        "lock_timeout" => Fault::LockTimeout,
        "cut" => Fault::Cut,
        _ => {
            let id = id::new("hold")?;
            state.faults.hold_with_id(&id, target, timing);
            return Ok(json!({ "id": id }));
        }
    };
    state.faults.inject(target, timing, fault);
    Ok(json!({ "armed": true }))
}
