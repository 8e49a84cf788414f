//! Confirming a payment intent: charges the card, or asks for 3-D Secure first.

use serde_json::{Value, json};

use super::{
    Charge, PaymentIntent, PaymentMethod, event,
    payment_intent::Status,
    payment_method,
    test_card::{AUTHENTICATION_REQUIRED, Behaviour, Decline, TestCard},
};
use crate::{
    error::{ErrorBody, StripeError},
    form::Params,
    id,
    store::Tx,
};

/// The parameters that only a confirmation has.
pub(crate) const PARAMETERS: [&str; 4] = [
    "off_session",
    "return_url",
    "error_on_requires_action",
    "use_stripe_sdk",
];

/// The options of a confirmation.
pub(crate) struct Confirmation<'p> {
    return_url: Option<&'p str>,
    /// The cardholder is not present.
    off_session: bool,
    error_on_requires_action: bool,
    use_stripe_sdk: bool,
}

impl<'p> Confirmation<'p> {
    pub(crate) fn parse(params: &'p Params) -> Result<Self, StripeError> {
        let off_session = params.choice("off_session", &["true", "false", "one_off", "recurring"])?;
        let return_url = params.text("return_url")?;
        if return_url.is_some_and(|text| url::Url::parse(text).is_err()) {
            return Err(
                StripeError::refused(Some("url_invalid"), "Not a valid URL".to_owned()).with_param("return_url")
            );
        }
        Ok(Self {
            return_url,
            off_session: off_session.is_some_and(|word| word != "false"),
            error_on_requires_action: params.boolean("error_on_requires_action")?.unwrap_or_default(),
            use_stripe_sdk: params.boolean("use_stripe_sdk")?.unwrap_or_default(),
        })
    }
}

/// The result of charging a card, or of asking for 3-D Secure.
pub(crate) enum Outcome {
    /// Authorised, captured, or waiting for the cardholder.
    Confirmed(Box<PaymentIntent>),
    /// Declined: the error shows the intent, which needs another payment method.
    Declined(Box<ErrorBody>),
}

/// Charges the card of `method`, or asks for 3-D Secure. A decline is an outcome, not an error: it changes the intent.
pub(crate) fn confirm(
    tx: &Tx<'_>,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    options: &Confirmation<'_>,
) -> Result<Outcome, StripeError> {
    intent.check_confirmable()?;
    let redirects = intent
        .automatic_payment_methods
        .as_ref()
        .is_some_and(|methods| methods.allow_redirects != "never");
    if redirects && options.return_url.is_none() && !options.use_stripe_sdk {
        let message = "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because \
                       some of these payment methods might redirect your customer off of your page, you must provide \
                       a `return_url`. If you don't want to accept redirect-based payment methods, set \
                       `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` \
                       to `never` when creating Setup Intents and Payment Intents.";
        return Err(StripeError::refused(None, message.to_owned()).with_intent(intent.to_json()));
    }
    let card = payment_method::card_of(tx, method)?;
    intent.start_attempt(&method.id);
    match &card.behaviour {
        Behaviour::Approve => approve(tx, intent, method, card, false),
        Behaviour::Decline(reason) => decline(tx, intent, method, card, false, reason),
        Behaviour::Challenge(_) if options.off_session => {
            decline(tx, intent, method, card, false, &AUTHENTICATION_REQUIRED)
        }
        Behaviour::ChallengeOnSession | Behaviour::Challenge(_) if options.error_on_requires_action => {
            decline(tx, intent, method, card, false, &AUTHENTICATION_REQUIRED)
        }
        Behaviour::ChallengeOnSession if options.off_session => approve(tx, intent, method, card, false),
        Behaviour::ChallengeOnSession | Behaviour::Challenge(_) => {
            let action = next_action(tx, &intent, options)?;
            intent.require_action(action);
            tx.save(&intent)?;
            event::emit(tx, "payment_intent.requires_action", &intent)?;
            Ok(Outcome::Confirmed(Box::new(intent)))
        }
    }
}

/// Records the result of 3-D Secure, and charges the card if it `passed`. Returns the changed intent.
pub(crate) fn complete_authentication(
    tx: &Tx<'_>,
    mut intent: PaymentIntent,
    passed: bool,
) -> Result<PaymentIntent, StripeError> {
    if intent.status != Status::RequiresAction {
        let message = format!(
            "This PaymentIntent waits for no authentication: it has a status of {}.",
            intent.status
        );
        return Err(intent.state_error(message));
    }
    let id = intent.id.clone();
    let method: PaymentMethod = tx.get(intent.payment_method.as_deref().unwrap_or_default(), "payment_method")?;
    let card = payment_method::card_of(tx, &method)?;
    intent.start_attempt(&method.id);
    match &card.behaviour {
        _ if !passed => {
            let message = "The provided PaymentMethod has failed authentication. You can provide payment_method_data \
                           or a new PaymentMethod to attempt to fulfill this PaymentIntent again.";
            let error = StripeError::card("payment_intent_authentication_failure", None, message);
            fail_attempt(tx, intent, &method, *error.body)?;
        }
        Behaviour::Challenge(Some(reason)) => {
            decline(tx, intent, &method, card, true, reason)?;
        }
        _ => {
            approve(tx, intent, &method, card, true)?;
        }
    }
    tx.get(&id, "intent")
}

fn approve(
    tx: &Tx<'_>,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    card: &TestCard,
    authenticated: bool,
) -> Result<Outcome, StripeError> {
    let mut charge = Charge::attempt(tx, &intent, method, card, authenticated, None)?;
    if !intent.has_manual_capture() {
        charge.capture(tx, intent.amount)?;
    }
    intent.approve(&charge.id);
    tx.save(&charge)?;
    tx.save(&intent)?;
    payment_method::mark_used(tx, method, card)?;
    event::emit(tx, "charge.succeeded", &charge)?;
    let kind = if intent.status == Status::Succeeded {
        "payment_intent.succeeded"
    } else {
        "payment_intent.amount_capturable_updated"
    };
    event::emit(tx, kind, &intent)?;
    Ok(Outcome::Confirmed(Box::new(intent)))
}

fn decline(
    tx: &Tx<'_>,
    intent: PaymentIntent,
    method: &PaymentMethod,
    card: &TestCard,
    authenticated: bool,
    reason: &Decline,
) -> Result<Outcome, StripeError> {
    let charge = Charge::attempt(tx, &intent, method, card, authenticated, Some(reason))?;
    tx.save(&charge)?;
    event::emit(tx, "charge.failed", &charge)?;
    let mut error = *StripeError::card(reason.code, Some(reason.reason), reason.message).body;
    error.charge = Some(charge.id);
    error.param = match reason.code {
        "incorrect_cvc" => Some("cvc".to_owned()),
        "expired_card" => Some("exp_month".to_owned()),
        _ => None,
    };
    fail_attempt(tx, intent, method, error)
}

/// Leaves the intent waiting for another payment method.
fn fail_attempt(
    tx: &Tx<'_>,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    mut error: ErrorBody,
) -> Result<Outcome, StripeError> {
    error.payment_method = Some(serde_json::to_value(method)?);
    intent.decline(error.clone());
    tx.save(&intent)?;
    event::emit(tx, "payment_intent.payment_failed", &intent)?;
    error.payment_intent = Some(intent.to_json());
    Ok(Outcome::Declined(Box::new(error)))
}

/// Returns where the cardholder is asked: a page of the simulator, or Stripe's script in the seller's own page.
fn next_action(tx: &Tx<'_>, intent: &PaymentIntent, options: &Confirmation<'_>) -> Result<Value, StripeError> {
    let page = format!("{}/_sim/authenticate/{}", tx.request.base_url, intent.client_secret);
    Ok(match options.return_url.filter(|_| !options.use_stripe_sdk) {
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
