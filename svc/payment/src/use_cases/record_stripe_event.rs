//! Takes note of an event of Stripe.

use db::Tx;
use values::{PaymentId, Timestamp};

use crate::{
    domain::{Effect, IntentStatus, Letter, POINTING},
    store,
};

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
