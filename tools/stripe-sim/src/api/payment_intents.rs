//! `/v1/payment_intents` (<https://docs.stripe.com/api/payment_intents>).

use poem::http::StatusCode;
use serde_json::json;

use super::Response;
use crate::{
    domain::{
        Charge, PaymentIntent, PaymentMethod,
        confirmation::{self, Confirmation, Outcome},
        currency, event,
        payment_intent::AutomaticPaymentMethods,
        payment_method,
    },
    error::StripeError,
    form::Params,
    http::browser,
    id,
    store::Tx,
};

const CAPTURE_METHODS: [&str; 3] = ["automatic", "automatic_async", "manual"];

const CANCELLATION_REASONS: [&str; 4] = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

const NO_METHOD: &str = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either \
    update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a \
    payment method or ConfirmationToken.";

pub(crate) fn create(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    let known = [
        "amount",
        "currency",
        "automatic_payment_methods",
        "capture_method",
        "confirm",
        "confirmation_method",
        "description",
        "metadata",
        "payment_method",
        "payment_method_data",
        "payment_method_types",
        "allowed_payment_method_types",
        "receipt_email",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    ];
    params.reject_unknown(&[&known[..], &confirmation::PARAMETERS].concat())?;
    let amount = params
        .positive_integer("amount")?
        .ok_or_else(|| StripeError::missing("amount"))?;
    let currency = currency::parse(params.required_text("currency")?)?;
    currency::check(amount, &currency)?;

    let id = id::new("pi")?;
    let secret = format!("{id}_secret_{}", id::random(25)?);
    let mut intent = PaymentIntent::new(id, secret, amount, currency, tx.now);
    if let Some(word) = params.choice("capture_method", &CAPTURE_METHODS)? {
        word.clone_into(&mut intent.capture_method);
    }
    params.choice("confirmation_method", &["automatic"])?;
    intent.automatic_payment_methods = automatic_payment_methods(params)?;
    if params.has("allowed_payment_method_types") {
        intent.allowed_payment_method_types = Some(vec!["card".to_owned()]);
    }
    set_descriptive_fields(&mut intent, params)?;

    let confirming = params.boolean("confirm")?.unwrap_or_default();
    if let Some(premature) = confirmation::PARAMETERS
        .iter()
        .find(|name| !confirming && params.has(name) && **name != "use_stripe_sdk")
    {
        let message = format!("You cannot specify `{premature}` unless `confirm` is true.");
        return Err(StripeError::invalid(premature, message));
    }
    let options = Confirmation::parse(params)?;
    let method = method_of(tx, params)?;
    if let Some(method) = &method {
        intent.attach(&method.id)?;
    }
    if !confirming {
        tx.save(&intent)?;
        event::emit(tx, "payment_intent.created", &intent)?;
        return Response::ok(&intent);
    }
    // Without a method nothing is created: the error would otherwise show an intent that cannot be retrieved.
    let method = method.ok_or_else(|| {
        StripeError::refused(Some("parameter_missing"), NO_METHOD.to_owned()).with_param("payment_method")
    })?;
    tx.save(&intent)?;
    event::emit(tx, "payment_intent.created", &intent)?;
    respond_to_confirmation(confirmation::confirm(tx, intent, &method, &options)?)
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["client_secret"])?;
    let intent: PaymentIntent = tx.get_by_path(id, "intent")?;
    browser::check_client_secret(&intent, params)?;
    Response::ok(&intent)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["limit", "starting_after", "ending_before", "created"])?;
    Response::ok(&tx.list::<PaymentIntent>("/v1/payment_intents", params, &[])?)
}

/// Finds intents by metadata: `metadata['KEY']:'VALUE'` (<https://docs.stripe.com/search#search-query-language>).
pub(crate) fn search(tx: &Tx<'_>, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["query", "limit"])?;
    Response::ok(&tx.search::<PaymentIntent>("/v1/payment_intents/search", params)?)
}

pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&[
        "amount",
        "currency",
        "capture_method",
        "description",
        "metadata",
        "payment_method",
        "payment_method_data",
        "payment_method_types",
        "allowed_payment_method_types",
        "receipt_email",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    ])?;
    let mut intent: PaymentIntent = tx.get_by_path(id, "intent")?;
    for field in ["amount", "currency", "capture_method"] {
        if params.has(field) {
            intent.check_editable(field)?;
        }
    }
    if let Some(amount) = params.positive_integer("amount")? {
        intent.amount = amount;
    }
    if let Some(text) = params.text("currency")? {
        intent.currency = currency::parse(text)?;
    }
    currency::check(intent.amount, &intent.currency)?;
    if let Some(word) = params.choice("capture_method", &CAPTURE_METHODS)? {
        word.clone_into(&mut intent.capture_method);
    }
    lists_types(params)?;
    set_descriptive_fields(&mut intent, params)?;
    if let Some(method) = method_of(tx, params)? {
        intent.attach(&method.id)?;
    }
    tx.save(&intent)?;
    Response::ok(&intent)
}

pub(crate) fn confirm(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    let known = [
        "capture_method",
        "client_secret",
        "payment_method",
        "payment_method_data",
        "payment_method_types",
        "allowed_payment_method_types",
        "receipt_email",
    ];
    params.reject_unknown(&[&known[..], &confirmation::PARAMETERS].concat())?;
    let options = Confirmation::parse(params)?;
    let mut intent: PaymentIntent = tx.get_by_path(id, "intent")?;
    browser::check_client_secret(&intent, params)?;
    intent.check_confirmable()?;
    if let Some(word) = params.choice("capture_method", &CAPTURE_METHODS)? {
        word.clone_into(&mut intent.capture_method);
    }
    lists_types(params)?;
    set_descriptive_fields(&mut intent, params)?;
    let method = match (method_of(tx, params)?, &intent.payment_method) {
        (Some(method), _) => method,
        (None, Some(attached)) => tx.get(attached, "payment_method")?,
        (None, None) => return Err(intent.state_error(NO_METHOD.to_owned())),
    };
    respond_to_confirmation(confirmation::confirm(tx, intent, &method, &options)?)
}

pub(crate) fn capture(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&[
        "amount_to_capture",
        "final_capture",
        "metadata",
        "statement_descriptor",
        "statement_descriptor_suffix",
    ])?;
    let amount = params.positive_integer("amount_to_capture")?;
    if params.boolean("final_capture")? == Some(false) {
        let message = "This card does not support capturing more than once: final_capture must be true.";
        return Err(StripeError::invalid("final_capture", message.to_owned()));
    }
    let mut intent: PaymentIntent = tx.get_by_path(id, "intent")?;
    let amount = intent.capture(amount)?;
    set_descriptive_fields(&mut intent, params)?;
    let mut charge = charge_of(tx, &intent)?;
    charge.capture(tx, amount)?;
    tx.save(&charge)?;
    tx.save(&intent)?;
    event::emit(tx, "charge.captured", &charge)?;
    event::emit(tx, "payment_intent.succeeded", &intent)?;
    Response::ok(&intent)
}

pub(crate) fn cancel(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Response, StripeError> {
    params.reject_unknown(&["cancellation_reason"])?;
    let reason = params.choice("cancellation_reason", &CANCELLATION_REASONS)?;
    let mut intent: PaymentIntent = tx.get_by_path(id, "intent")?;
    if intent.cancel(reason, tx.now)? {
        charge_of(tx, &intent)?.void(tx)?;
    }
    tx.save(&intent)?;
    event::emit(tx, "payment_intent.canceled", &intent)?;
    Response::ok(&intent)
}

/// Confirms the intent. A decline is a response with status 402 that shows the changed intent.
fn respond_to_confirmation(outcome: Outcome) -> Result<Response, StripeError> {
    match outcome {
        Outcome::Confirmed(intent) => Response::ok(&intent),
        Outcome::Declined(error) => Ok(Response {
            status: StatusCode::PAYMENT_REQUIRED,
            body: json!({ "error": error }),
        }),
    }
}

/// Returns the charge that authorises or has captured the intent's money.
fn charge_of(tx: &Tx<'_>, intent: &PaymentIntent) -> Result<Charge, StripeError> {
    tx.get(intent.latest_charge.as_deref().unwrap_or_default(), "latest_charge")
}

/// Returns the payment method that the request names or describes.
fn method_of(tx: &Tx<'_>, params: &Params) -> Result<Option<PaymentMethod>, StripeError> {
    match (params.text("payment_method")?, params.map("payment_method_data")?) {
        (Some(_), Some(_)) => Err(StripeError::exclusive("payment_method", "payment_method_data")),
        (Some(id), None) => payment_method::by_id(tx, id, "payment_method").map(Some),
        (None, Some(data)) => payment_method::from_data(tx, &data).map(Some),
        (None, None) => Ok(None),
    }
}

/// Reads `automatic_payment_methods`. Since 2023-08-16 they are enabled unless the request lists its types.
fn automatic_payment_methods(params: &Params) -> Result<Option<AutomaticPaymentMethods>, StripeError> {
    let given = params.map("automatic_payment_methods")?;
    let listed = lists_types(params)?;
    let Some(given) = given else {
        return Ok((!listed).then(|| AutomaticPaymentMethods {
            allow_redirects: "always".to_owned(),
            enabled: true,
        }));
    };
    given.reject_unknown(&["enabled", "allow_redirects"])?;
    let enabled = given
        .boolean("enabled")?
        .ok_or_else(|| StripeError::missing(&given.name("enabled")))?;
    if enabled && listed {
        return Err(StripeError::exclusive(
            "automatic_payment_methods",
            "payment_method_types",
        ));
    }
    let allow_redirects = given
        .choice("allow_redirects", &["always", "never"])?
        .unwrap_or("always")
        .to_owned();
    Ok(enabled.then_some(AutomaticPaymentMethods {
        allow_redirects,
        enabled,
    }))
}

/// Whether the request lists payment method types, by the name of 2026-09-30 or the one before. Only `card` is
/// supported.
fn lists_types(params: &Params) -> Result<bool, StripeError> {
    let (types, allowed) = (
        params.list("payment_method_types")?,
        params.list("allowed_payment_method_types")?,
    );
    if !types.is_empty() && !allowed.is_empty() {
        return Err(StripeError::exclusive(
            "allowed_payment_method_types",
            "payment_method_types",
        ));
    }
    let types = [types, allowed].concat();
    match types.iter().find(|kind| **kind != "card") {
        None => Ok(!types.is_empty()),
        Some(kind) => {
            let message = format!(
                "The payment method type provided: {kind} is invalid. Please ensure the provided type is activated in \
                 your dashboard: the Stripe simulator supports card only."
            );
            Err(StripeError::refused(Some("payment_intent_invalid_parameter"), message)
                .with_param("payment_method_types"))
        }
    }
}

/// Sets the descriptive fields, which can change at any time; an empty value unsets a field.
fn set_descriptive_fields(intent: &mut PaymentIntent, params: &Params) -> Result<(), StripeError> {
    params.merge_metadata(&mut intent.metadata)?;
    for (name, field) in [
        ("description", &mut intent.description),
        ("receipt_email", &mut intent.receipt_email),
        ("statement_descriptor", &mut intent.statement_descriptor),
        ("statement_descriptor_suffix", &mut intent.statement_descriptor_suffix),
        ("transfer_group", &mut intent.transfer_group),
    ] {
        if params.is_unset(name) {
            *field = None;
        } else if let Some(text) = params.text(name)? {
            *field = Some(text.to_owned());
        }
    }
    Ok(())
}
