//! Confirming an intent: the card is charged, or its owner is asked first.

use serde_json::{Value, json};

use crate::{
    cards::{Behaviour, Decline, NEEDS_OWNER, TestCard},
    charges::Charge,
    error::{ErrorBody, StripeError},
    events,
    form::Params,
    id,
    intent::{PaymentIntent, Status},
    methods::{self, PaymentMethod},
    routes::Answer,
    store::Tx,
};

/// What may be said when confirming.
pub(crate) const PARAMETERS: [&str; 4] = [
    "off_session",
    "return_url",
    "error_on_requires_action",
    "use_stripe_sdk",
];

/// How an intent is to be confirmed.
pub(crate) struct Confirmation<'p> {
    return_url: Option<&'p str>,
    /// The owner of the card is not there.
    off_session: bool,
    error_on_requires_action: bool,
    use_stripe_sdk: bool,
}

impl<'p> Confirmation<'p> {
    pub(crate) fn parse(params: &'p Params) -> Result<Self, StripeError> {
        let off_session = params.choice("off_session", &["true", "false", "one_off", "recurring"])?;
        let return_url = params.text("return_url")?;
        if return_url.is_some_and(|text| url::Url::parse(text).is_err()) {
            return Err(StripeError::refused(Some("url_invalid"), "Not a valid URL".to_owned()).about("return_url"));
        }
        Ok(Self {
            return_url,
            off_session: off_session.is_some_and(|word| word != "false"),
            error_on_requires_action: params.boolean("error_on_requires_action")?.unwrap_or_default(),
            use_stripe_sdk: params.boolean("use_stripe_sdk")?.unwrap_or_default(),
        })
    }
}

/// Charges the card of `method`, or asks its owner. A decline is an answer, not a failure: it changes the intent.
pub(crate) fn confirm(
    tx: &Tx<'_>,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    how: &Confirmation<'_>,
) -> Result<Answer, StripeError> {
    intent.check_confirmable()?;
    let redirects = intent
        .automatic_payment_methods
        .as_ref()
        .is_some_and(|methods| methods.allow_redirects != "never");
    if redirects && how.return_url.is_none() && !how.use_stripe_sdk {
        let message = "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because \
                       some of these payment methods might redirect your customer off of your page, you must provide \
                       a `return_url`. If you don't want to accept redirect-based payment methods, set \
                       `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` \
                       to `never` when creating Setup Intents and Payment Intents.";
        return Err(StripeError::refused(None, message.to_owned()).with_intent(intent.view()));
    }
    let card = methods::card_of(tx, method)?;
    intent.begin(&method.id);
    match &card.behaviour {
        Behaviour::Approve => approve(tx, intent, method, card, false),
        Behaviour::Decline(decline) => refuse(tx, intent, method, card, false, decline),
        Behaviour::Challenge(_) if how.off_session => refuse(tx, intent, method, card, false, &NEEDS_OWNER),
        Behaviour::ChallengePresent | Behaviour::Challenge(_) if how.error_on_requires_action => {
            refuse(tx, intent, method, card, false, &NEEDS_OWNER)
        }
        Behaviour::ChallengePresent if how.off_session => approve(tx, intent, method, card, false),
        Behaviour::ChallengePresent | Behaviour::Challenge(_) => {
            let action = next_action(tx, &intent, how)?;
            intent.challenge(action);
            tx.save(&intent)?;
            events::emit(tx, "payment_intent.requires_action", &intent)?;
            Answer::ok(&intent)
        }
    }
}

/// What the owner of the card did when asked: `passed`, or failed or gave up.
pub(crate) fn authenticated(tx: &Tx<'_>, mut intent: PaymentIntent, passed: bool) -> Result<Answer, StripeError> {
    if intent.status != Status::RequiresAction {
        let message = format!(
            "This PaymentIntent waits for nobody: it has a status of {}.",
            intent.status
        );
        return Err(intent.refuse(message));
    }
    let id = intent.id.clone();
    let method: PaymentMethod = tx.get(intent.payment_method.as_deref().unwrap_or_default(), "payment_method")?;
    let card = methods::card_of(tx, &method)?;
    intent.begin(&method.id);
    match &card.behaviour {
        _ if !passed => {
            let message = "The provided PaymentMethod has failed authentication. You can provide payment_method_data \
                           or a new PaymentMethod to attempt to fulfill this PaymentIntent again.";
            let error = StripeError::card("payment_intent_authentication_failure", None, message);
            fail(tx, intent, &method, *error.body)?;
        }
        Behaviour::Challenge(Some(decline)) => {
            refuse(tx, intent, &method, card, true, decline)?;
        }
        _ => {
            approve(tx, intent, &method, card, true)?;
        }
    }
    Answer::ok(&tx.get::<PaymentIntent>(&id, "intent")?)
}

fn approve(
    tx: &Tx<'_>,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    card: &TestCard,
    asked: bool,
) -> Result<Answer, StripeError> {
    let mut charge = Charge::attempt(tx, &intent, method, card, asked, None)?;
    if !intent.is_captured_by_hand() {
        charge.capture(tx, intent.amount)?;
    }
    intent.approve(&charge.id);
    tx.save(&charge)?;
    tx.save(&intent)?;
    methods::spend(tx, method, card)?;
    events::emit(tx, "charge.succeeded", &charge)?;
    let told = if intent.status == Status::Succeeded {
        "payment_intent.succeeded"
    } else {
        "payment_intent.amount_capturable_updated"
    };
    events::emit(tx, told, &intent)?;
    Answer::ok(&intent)
}

fn refuse(
    tx: &Tx<'_>,
    intent: PaymentIntent,
    method: &PaymentMethod,
    card: &TestCard,
    asked: bool,
    decline: &Decline,
) -> Result<Answer, StripeError> {
    let charge = Charge::attempt(tx, &intent, method, card, asked, Some(decline))?;
    tx.save(&charge)?;
    events::emit(tx, "charge.failed", &charge)?;
    let mut error = *StripeError::card(decline.code, Some(decline.reason), decline.message).body;
    error.charge = Some(charge.id);
    error.param = match decline.code {
        "incorrect_cvc" => Some("cvc".to_owned()),
        "expired_card" => Some("exp_month".to_owned()),
        _ => None,
    };
    fail(tx, intent, method, error)
}

/// Leaves the intent waiting for another method, and answers 402 with what it has become.
fn fail(
    tx: &Tx<'_>,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    mut error: ErrorBody,
) -> Result<Answer, StripeError> {
    error.payment_method = Some(serde_json::to_value(method)?);
    intent.decline(error.clone());
    tx.save(&intent)?;
    events::emit(tx, "payment_intent.payment_failed", &intent)?;
    error.payment_intent = Some(intent.view());
    Ok(Answer {
        status: poem::http::StatusCode::PAYMENT_REQUIRED,
        body: json!({ "error": error }),
    })
}

/// Where the owner of the card is asked: a page of the double, or Stripe's script in the seller's own page.
fn next_action(tx: &Tx<'_>, intent: &PaymentIntent, how: &Confirmation<'_>) -> Result<Value, StripeError> {
    let page = format!("{}/_sim/authenticate/{}", tx.origin.base_url, intent.client_secret);
    Ok(match how.return_url.filter(|_| !how.use_stripe_sdk) {
        Some(return_url) => json!({
            "type": "redirect_to_url",
            "redirect_to_url": { "return_url": return_url, "url": page },
        }),
        None => json!({
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "type": "three_d_secure_redirect",
                "stripe_js": page,
                "source": id::new("payatt")?,
            },
        }),
    })
}
