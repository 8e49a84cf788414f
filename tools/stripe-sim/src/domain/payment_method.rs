//! Payment methods: cards, by test number, by token, or by ready-made id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use values::Timestamp;

use super::test_card::{self, AfterPayment, LIVE_CARD, TestCard};
use crate::{
    error::StripeError,
    form::Params,
    id,
    store::{Object, Tx},
};

/// The month and year on a card that comes without them, such as a token.
const DEFAULT_EXPIRY: (i64, i64) = (12, 2034);

/// A card as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "payment_method")]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    allow_redisplay: String,
    pub(crate) billing_details: Value,
    pub(crate) card: Value,
    created: i64,
    customer: (),
    livemode: bool,
    metadata: BTreeMap<String, String>,
    #[serde(rename = "type")]
    kind: String,
}

impl Object for PaymentMethod {
    const KIND: &'static str = "payment_method";
    const NOUN: &'static str = "PaymentMethod";

    fn id(&self) -> &str {
        &self.id
    }
}

/// The part of a payment method that the API never shows. A payment method without a customer can be used once.
#[derive(Debug, Serialize, Deserialize)]
struct CardOnFile {
    number: String,
    used: bool,
}

/// Returns a payment method by id. A ready-made id (`pm_card_visa`) creates a new one each time, as at Stripe.
pub(crate) fn by_id(tx: &Tx<'_>, id: &str, param: &str) -> Result<PaymentMethod, StripeError> {
    match test_card::by_payment_method(id) {
        Some(card) => create(tx, card, DEFAULT_EXPIRY, &Params::default()),
        None => tx.get(id, param),
    }
}

/// Creates a payment method from `type=card` and `card[…]`, the form that `payment_method_data` has too.
pub(crate) fn from_data(tx: &Tx<'_>, params: &Params) -> Result<PaymentMethod, StripeError> {
    params.reject_unknown(&["type", "card", "billing_details", "metadata", "allow_redisplay"])?;
    if params.required_text("type")? != "card" {
        let text = "The Stripe simulator supports payment methods of type card only.".to_owned();
        return Err(StripeError::invalid(&params.name("type"), text));
    }
    let card = params
        .map("card")?
        .ok_or_else(|| StripeError::missing(&params.name("card")))?;
    card.reject_unknown(&["token", "number", "exp_month", "exp_year", "cvc"])?;
    if let Some(token) = card.text("token")? {
        let test =
            test_card::by_token(token).ok_or_else(|| StripeError::no_such("token", token, &card.name("token")))?;
        return create(tx, test, DEFAULT_EXPIRY, params);
    }
    let number = card.required_text("number")?.replace([' ', '-'], "");
    if !test_card::is_card_number(&number) {
        let error = StripeError::card("incorrect_number", None, "Your card number is incorrect.");
        return Err(error.with_param(&card.name("number")));
    }
    let expiry = expiry(tx, &card)?;
    if let Some(cvc) = card.text("cvc")?
        && !(matches!(cvc.len(), 3 | 4) && cvc.bytes().all(|digit| digit.is_ascii_digit()))
    {
        let error = StripeError::card("invalid_cvc", None, "Your card's security code is invalid.");
        return Err(error.with_param(&card.name("cvc")));
    }
    let Some(test) = test_card::by_number(&number) else {
        return Err(StripeError::card(
            LIVE_CARD.code,
            Some(LIVE_CARD.reason),
            LIVE_CARD.message,
        ));
    };
    create(tx, test, expiry, params)
}

/// Reads the month and year on the card, which must not have passed.
fn expiry(tx: &Tx<'_>, card: &Params) -> Result<(i64, i64), StripeError> {
    let month = card
        .integer("exp_month")?
        .ok_or_else(|| StripeError::missing(&card.name("exp_month")))?;
    let year = card
        .integer("exp_year")?
        .ok_or_else(|| StripeError::missing(&card.name("exp_year")))?;
    let year = if (0..100).contains(&year) { 2000 + year } else { year };
    if !(1..=12).contains(&month) {
        let error = StripeError::card("invalid_expiry_month", None, "Your card's expiration month is invalid.");
        return Err(error.with_param(&card.name("exp_month")));
    }
    let (this_year, this_month) = year_and_month(tx.now);
    if (year, month) < (this_year, this_month) || year > this_year + 50 {
        let error = StripeError::card("invalid_expiry_year", None, "Your card's expiration year is invalid.");
        return Err(error.with_param(&card.name("exp_year")));
    }
    Ok((month, year))
}

/// Returns the year and the month of a timestamp, whose text begins with `YYYY-MM`.
fn year_and_month(now: Timestamp) -> (i64, i64) {
    let text = now.to_string();
    let mut parts = text.splitn(3, '-').map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Creates and stores a payment method for a test card.
fn create(tx: &Tx<'_>, card: &TestCard, expiry: (i64, i64), params: &Params) -> Result<PaymentMethod, StripeError> {
    let mut metadata = BTreeMap::new();
    params.merge_metadata(&mut metadata)?;
    let method = PaymentMethod {
        id: id::new("pm")?,
        allow_redisplay: params
            .choice("allow_redisplay", &["always", "limited", "unspecified"])?
            .unwrap_or("unspecified")
            .to_owned(),
        billing_details: billing_details(params)?,
        card: json!({
            "brand": card.brand,
            "checks": {
                "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "unchecked",
            },
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": expiry.0,
            "exp_year": expiry.1,
            "fingerprint": card.fingerprint(),
            "funding": card.funding,
            "generated_from": null,
            "last4": card.last4(),
            "networks": { "available": [card.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": card.brand != "unionpay" },
            "wallet": null,
        }),
        created: tx.now.seconds(),
        customer: (),
        livemode: false,
        metadata,
        kind: "card".to_owned(),
    };
    tx.save(&method)?;
    tx.save_private(
        &method.id,
        &CardOnFile {
            number: card.number.to_owned(),
            used: false,
        },
    )?;
    Ok(method)
}

/// Reads `billing_details[…]`.
fn billing_details(params: &Params) -> Result<Value, StripeError> {
    let details = params.map("billing_details")?.unwrap_or_default();
    details.reject_unknown(&["address", "email", "name", "phone", "tax_id"])?;
    let address = details.map("address")?.unwrap_or_default();
    address.reject_unknown(&["city", "country", "line1", "line2", "postal_code", "state"])?;
    Ok(json!({
        "address": {
            "city": address.text("city")?,
            "country": address.text("country")?,
            "line1": address.text("line1")?,
            "line2": address.text("line2")?,
            "postal_code": address.text("postal_code")?,
            "state": address.text("state")?,
        },
        "email": details.text("email")?,
        "name": details.text("name")?,
        "phone": details.text("phone")?,
        "tax_id": details.text("tax_id")?,
    }))
}

/// Returns the test card of a payment method; fails if the payment method was used before.
pub(crate) fn card_of(tx: &Tx<'_>, method: &PaymentMethod) -> Result<&'static TestCard, StripeError> {
    let card: CardOnFile = tx
        .private(&method.id)?
        .ok_or_else(|| StripeError::internal(format!("{} has no card", method.id)))?;
    if card.used {
        let message = "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, \
                       shared with a connected account without Customer attachment, or was detached from a Customer. \
                       It may not be used again. To use a PaymentMethod multiple times, you must attach it to a \
                       Customer first.";
        return Err(StripeError::refused(None, message.to_owned()).with_param("payment_method"));
    }
    test_card::by_number(&card.number)
        .ok_or_else(|| StripeError::internal(format!("{} has an unknown card", method.id)))
}

/// Returns what happens later to a payment with this payment method.
pub(crate) fn after_payment(tx: &Tx<'_>, method: &str) -> Result<&'static AfterPayment, StripeError> {
    let on_file: Option<CardOnFile> = tx.private(method)?;
    let card = on_file.and_then(|on_file| test_card::by_number(&on_file.number));
    Ok(card.map_or(&AfterPayment::Nothing, |card| &card.after_payment))
}

/// Marks a payment method as used.
pub(crate) fn mark_used(tx: &Tx<'_>, method: &PaymentMethod, card: &TestCard) -> Result<(), StripeError> {
    tx.save_private(
        &method.id,
        &CardOnFile {
            number: card.number.to_owned(),
            used: true,
        },
    )
}
