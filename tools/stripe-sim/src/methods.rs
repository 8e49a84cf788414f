//! `/v1/payment_methods`: cards, by test number, token, or ready-made id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cards::{self, Afterwards, LIVE_CARD, TestCard},
    error::StripeError,
    form::Params,
    id,
    routes::Answer,
    store::{Object, Tx},
};

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

/// What is not shown: which test card it is, and whether it has paid. A method that belongs to no customer pays once.
#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    number: String,
    used: bool,
}

pub(crate) fn create(tx: &Tx<'_>, params: &Params) -> Result<Answer, StripeError> {
    Answer::ok(&from_data(tx, params)?)
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Answer, StripeError> {
    Answer::ok(
        &by_id(tx, id, "payment_method").map_err(|error| match error.body.code.as_deref() {
            Some("resource_missing") => error.status(poem::http::StatusCode::NOT_FOUND),
            _ => error,
        })?,
    )
}

/// A method by id. A ready-made one (`pm_card_visa`) stands for a new method each time, as at Stripe.
pub(crate) fn by_id(tx: &Tx<'_>, id: &str, param: &str) -> Result<PaymentMethod, StripeError> {
    match cards::by_method(id) {
        Some(card) => make(tx, card, (12, 2034), &Params::default()),
        None => tx.get(id, param),
    }
}

/// A new method from `type=card` and `card[…]`, which is also how `payment_method_data` describes one.
pub(crate) fn from_data(tx: &Tx<'_>, params: &Params) -> Result<PaymentMethod, StripeError> {
    params.only(&["type", "card", "billing_details", "metadata", "allow_redisplay"])?;
    if params.required_text("type")? != "card" {
        let text = "The double knows payment methods of type card only.".to_owned();
        return Err(StripeError::invalid(&params.name("type"), text));
    }
    let card = params
        .map("card")?
        .ok_or_else(|| StripeError::missing(&params.name("card")))?;
    card.only(&["token", "number", "exp_month", "exp_year", "cvc"])?;
    if let Some(token) = card.text("token")? {
        let test = cards::by_token(token).ok_or_else(|| StripeError::no_such("token", token, &card.name("token")))?;
        return make(tx, test, (12, 2034), params);
    }
    let number = card.required_text("number")?.replace([' ', '-'], "");
    if !cards::is_card_number(&number) {
        let error = StripeError::card("incorrect_number", None, "Your card number is incorrect.");
        return Err(error.about(&card.name("number")));
    }
    let expiry = expiry(tx, &card)?;
    if let Some(cvc) = card.text("cvc")?
        && !(matches!(cvc.len(), 3 | 4) && cvc.bytes().all(|digit| digit.is_ascii_digit()))
    {
        let error = StripeError::card("invalid_cvc", None, "Your card's security code is invalid.");
        return Err(error.about(&card.name("cvc")));
    }
    let Some(test) = cards::by_number(&number) else {
        return Err(StripeError::card(
            LIVE_CARD.code,
            Some(LIVE_CARD.reason),
            LIVE_CARD.message,
        ));
    };
    make(tx, test, expiry, params)
}

/// The month and year on the card, which must not be over.
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
        return Err(error.about(&card.name("exp_month")));
    }
    let (this_year, this_month) = year_and_month(tx.now);
    if (year, month) < (this_year, this_month) || year > this_year + 50 {
        let error = StripeError::card("invalid_expiry_year", None, "Your card's expiration year is invalid.");
        return Err(error.about(&card.name("exp_year")));
    }
    Ok((month, year))
}

/// A moment begins with `YYYY-MM`.
fn year_and_month(now: values::Timestamp) -> (i64, i64) {
    let text = now.to_string();
    let mut parts = text.splitn(3, '-').map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn make(tx: &Tx<'_>, card: &TestCard, expiry: (i64, i64), params: &Params) -> Result<PaymentMethod, StripeError> {
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
    tx.save_inner(
        &method.id,
        &Inner {
            number: card.number.to_owned(),
            used: false,
        },
    )?;
    Ok(method)
}

fn billing_details(params: &Params) -> Result<Value, StripeError> {
    let given = params.map("billing_details")?.unwrap_or_default();
    given.only(&["address", "email", "name", "phone", "tax_id"])?;
    let address = given.map("address")?.unwrap_or_default();
    address.only(&["city", "country", "line1", "line2", "postal_code", "state"])?;
    Ok(json!({
        "address": {
            "city": address.text("city")?,
            "country": address.text("country")?,
            "line1": address.text("line1")?,
            "line2": address.text("line2")?,
            "postal_code": address.text("postal_code")?,
            "state": address.text("state")?,
        },
        "email": given.text("email")?,
        "name": given.text("name")?,
        "phone": given.text("phone")?,
        "tax_id": given.text("tax_id")?,
    }))
}

/// The test card behind a method, if the method may still pay.
pub(crate) fn card_of(tx: &Tx<'_>, method: &PaymentMethod) -> Result<&'static TestCard, StripeError> {
    let inner: Inner = tx
        .inner(&method.id)?
        .ok_or_else(|| StripeError::internal(format!("{} has no card", method.id)))?;
    if inner.used {
        let message = "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, \
                       shared with a connected account without Customer attachment, or was detached from a Customer. \
                       It may not be used again. To use a PaymentMethod multiple times, you must attach it to a \
                       Customer first.";
        return Err(StripeError::refused(None, message.to_owned()).about("payment_method"));
    }
    cards::by_number(&inner.number).ok_or_else(|| StripeError::internal(format!("{} has an unknown card", method.id)))
}

/// What becomes of a payment with a method later.
pub(crate) fn afterwards(tx: &Tx<'_>, method: &str) -> Result<&'static Afterwards, StripeError> {
    let inner: Option<Inner> = tx.inner(method)?;
    let card = inner.and_then(|inner| cards::by_number(&inner.number));
    Ok(card.map_or(&Afterwards::Nothing, |card| &card.afterwards))
}

/// Records that a method has paid.
pub(crate) fn spend(tx: &Tx<'_>, method: &PaymentMethod, card: &TestCard) -> Result<(), StripeError> {
    tx.save_inner(
        &method.id,
        &Inner {
            number: card.number.to_owned(),
            used: true,
        },
    )
}
