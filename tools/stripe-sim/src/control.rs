//! `/_sim/…`: what Stripe does not have. Faults, the journal, and the owner of the card, for tests in any language.
//! Parameters are forms, as under `/v1`.

use std::{sync::Arc, time::Duration};

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    cards, confirm, delivery, disputes,
    disturb::WebhookFault,
    error::StripeError,
    faults::{Fault, Target, Timing},
    form::Params,
    gate::{Gate, Opened},
    id, intents, journal, later, refunds,
    sim::Inner,
    store::Tx,
    webhooks,
};

/// How long `GET /_sim/faults/{id}?arrivals=…` waits at most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Does what one order says; `order` is the path after `/_sim/`.
pub(crate) async fn obey(
    sim: &Arc<Inner>,
    method: &Method,
    order: &str,
    params: &Params,
) -> Result<Value, StripeError> {
    let segments: Vec<&str> = order.split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["requests"]) => Ok(json!({ "data": sim.within(journal::read).await? })),
        ("GET", ["payment_intents"]) => Ok(json!({ "data": sim.within(intents::all).await? })),
        ("POST", ["payment_intents", id, "authenticate"]) => {
            let passed = outcome(params, ["pass", "fail"])?;
            let id = (*id).to_owned();
            let done = sim
                .within(move |tx| confirm::authenticated(tx, tx.get_by_path(&id, "intent")?, passed))
                .await?;
            Ok(done.body)
        }
        ("POST", ["events", id, "resend"]) => {
            let id = (*id).to_owned();
            Ok(sim.within(move |tx| webhooks::resend(tx, &id)).await?.body)
        }
        ("POST", ["charges", id, "dispute"]) => {
            params.only(&["reason", "inquiry"])?;
            let inquiry = params.boolean("inquiry")?.unwrap_or_default();
            let complaint = cards::complaint(params.text("reason")?.unwrap_or("fraudulent"), inquiry);
            let id = (*id).to_owned();
            let open = move |tx: &Tx<'_>| disputes::open(tx, tx.get_by_path(&id, "charge")?, &complaint);
            Ok(sim.within(open).await?.body)
        }
        ("POST", ["disputes", id, "decide"]) => {
            let won = outcome(params, ["won", "lost"])?;
            let id = (*id).to_owned();
            Ok(sim.within(move |tx| disputes::decide(tx, &id, won)).await?.body)
        }
        ("POST", ["refunds", id, "end"]) => {
            let succeeds = outcome(params, ["succeeded", "failed"])?;
            let id = (*id).to_owned();
            Ok(sim.within(move |tx| refunds::end(tx, &id, succeeds)).await?.body)
        }
        ("POST", ["later"]) => Ok(json!({ "happened": sim.within(later::all).await? })),
        (_, ["webhooks", ..]) => webhooks_order(sim, method, &segments, params),
        ("POST", ["faults"]) => arm(sim, params),
        ("DELETE", ["faults"]) => {
            sim.faults.clear();
            Ok(json!({ "cleared": true }))
        }
        ("GET", ["faults", id]) => {
            let held = gate(sim, id)?;
            let wanted = params
                .integer("arrivals")?
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0);
            // Too few in time is an answer as well: the number says it.
            let arrived = tokio::time::timeout(LONGEST_WAIT, held.wait_for_requests(wanted)).await;
            Ok(json!({ "id": id, "arrived": arrived.unwrap_or_else(|_| held.arrived()) }))
        }
        ("POST", ["faults", id, "release"]) => {
            let how = params.choice("how", &["go", "cut"])?;
            gate(sim, id)?.open(if how == Some("cut") { Opened::Cut } else { Opened::Go });
            Ok(json!({ "id": id, "released": true }))
        }
        _ => Err(StripeError::no_such_route(method.as_str(), &format!("/_sim/{order}"))),
    }
}

/// Which of two outcomes is ordered: whether the first.
fn outcome(params: &Params, words: [&str; 2]) -> Result<bool, StripeError> {
    params.only(&["outcome"])?;
    let word = params.choice("outcome", &words)?;
    Ok(word.ok_or_else(|| StripeError::missing("outcome"))? == words[0])
}

/// Disturbs webhooks: `event`, `times`, `do` (drop, twice, delay with `delay_ms`, hold); shows and releases what is held.
fn webhooks_order(sim: &Inner, method: &Method, segments: &[&str], params: &Params) -> Result<Value, StripeError> {
    match (method.as_str(), segments) {
        ("GET", ["webhooks"]) => Ok(json!({ "held": sim.disturbances.held() })),
        ("DELETE", ["webhooks"]) => {
            sim.disturbances.clear();
            delivery::release(sim, false);
            Ok(json!({ "cleared": true }))
        }
        ("POST", ["webhooks", "release"]) => {
            params.only(&["order"])?;
            let last_first = params.choice("order", &["same", "reversed"])? == Some("reversed");
            delivery::release(sim, last_first);
            Ok(json!({ "released": true }))
        }
        ("POST", ["webhooks"]) => {
            params.only(&["event", "times", "do", "delay_ms"])?;
            let word = params.choice("do", &["drop", "twice", "delay", "hold"])?;
            let what = match word.ok_or_else(|| StripeError::missing("do"))? {
                "drop" => WebhookFault::Drop,
                "twice" => WebhookFault::Duplicate,
                "delay" => WebhookFault::Delay(delay(params)?),
                _ => WebhookFault::Hold,
            };
            let kind = params.text("event")?.unwrap_or("*");
            sim.disturbances.add(kind, times(params)?, what);
            Ok(json!({ "armed": true }))
        }
        _ => Err(StripeError::no_such_route(
            method.as_str(),
            &format!("/_sim/{}", segments.join("/")),
        )),
    }
}

fn times(params: &Params) -> Result<u32, StripeError> {
    let times = params.positive("times")?.unwrap_or(1);
    u32::try_from(times).map_err(|_| StripeError::invalid("times", "Too many".to_owned()))
}

fn delay(params: &Params) -> Result<Duration, StripeError> {
    let millis = params
        .positive("delay_ms")?
        .ok_or_else(|| StripeError::missing("delay_ms"))?;
    Ok(Duration::from_millis(millis.unsigned_abs()))
}

fn gate(sim: &Inner, id: &str) -> Result<Arc<Gate>, StripeError> {
    let gate = sim.faults.gate(id);
    gate.ok_or_else(|| StripeError::no_such("hold", id, "id").status(StatusCode::NOT_FOUND))
}

/// Arms a fault: `method`, `path`, `times`, `when` (before, after), `fault` (delay with `delay_ms`, answer or fail with
/// `status`, cut, hold).
fn arm(sim: &Inner, params: &Params) -> Result<Value, StripeError> {
    params.only(&["method", "path", "times", "when", "fault", "delay_ms", "status"])?;
    let on =
        Target::request(params.text("method")?.unwrap_or("*"), params.required_text("path")?).times(times(params)?);
    let when = match params.choice("when", &["before", "after"])? {
        Some("after") => Timing::After,
        _ => Timing::Before,
    };
    let word = params.choice("fault", &["delay", "answer", "fail", "cut", "hold"])?;
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
        "cut" => Fault::Cut,
        _ => {
            let id = id::new("hold")?;
            sim.faults.hold_as(&id, on, when);
            return Ok(json!({ "id": id }));
        }
    };
    sim.faults.inject(on, when, fault);
    Ok(json!({ "armed": true }))
}
