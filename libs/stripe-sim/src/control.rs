//! `/_sim/…`: what Stripe does not have. Faults, the journal, and the owner of the card, for tests in any language.
//! Parameters are forms, as under `/v1`.

use std::{sync::Arc, time::Duration};

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    confirm,
    error::StripeError,
    faults::{Fault, Gate, On, Opened, When},
    form::Params,
    id, intents, journal,
    sim::Inner,
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
            params.only(&["outcome"])?;
            let outcome = params.choice("outcome", &["pass", "fail"])?;
            let passed = outcome.ok_or_else(|| StripeError::missing("outcome"))? == "pass";
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
            let arrived = tokio::time::timeout(LONGEST_WAIT, held.arrivals(wanted)).await;
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

fn gate(sim: &Inner, id: &str) -> Result<Arc<Gate>, StripeError> {
    let gate = sim.faults.gate(id);
    gate.ok_or_else(|| StripeError::no_such("hold", id, "id").status(StatusCode::NOT_FOUND))
}

/// Arms a fault: `method`, `path`, `times`, `when` (before, after), `fault` (delay with `delay_ms`, answer with
/// `status`, cut, hold).
fn arm(sim: &Inner, params: &Params) -> Result<Value, StripeError> {
    params.only(&["method", "path", "times", "when", "fault", "delay_ms", "status"])?;
    let times = params.positive("times")?.unwrap_or(1);
    let times = u32::try_from(times).map_err(|_| StripeError::invalid("times", "Too many".to_owned()))?;
    let on = On::request(params.text("method")?.unwrap_or("*"), params.required_text("path")?).times(times);
    let when = match params.choice("when", &["before", "after"])? {
        Some("after") => When::After,
        _ => When::Before,
    };
    let word = params.choice("fault", &["delay", "answer", "cut", "hold"])?;
    let fault = match word.ok_or_else(|| StripeError::missing("fault"))? {
        "delay" => {
            let millis = params
                .positive("delay_ms")?
                .ok_or_else(|| StripeError::missing("delay_ms"))?;
            Fault::Delay(Duration::from_millis(millis.unsigned_abs()))
        }
        "answer" => {
            let status = params
                .integer("status")?
                .ok_or_else(|| StripeError::missing("status"))?;
            let status = u16::try_from(status).ok().filter(|status| (400..600).contains(status));
            Fault::Answer(status.ok_or_else(|| StripeError::invalid("status", "400 to 599".to_owned()))?)
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
