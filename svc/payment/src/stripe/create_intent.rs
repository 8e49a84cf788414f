//! The request that creates a payment intent.

use serde::Serialize;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::PaymentIntent;

use crate::domain::{CardToken, Payment, PaymentMethod};

/// Creates a payment intent, and confirms it at once if the card is known
/// (<https://docs.stripe.com/api/payment_intents/create>). The typed request of async-stripe has no field for a token.
#[derive(Serialize)]
pub(super) struct CreateIntent<'a> {
    amount: i64,
    currency: &'static str,
    capture_method: &'static str,
    metadata: Metadata,
    #[serde(flatten)]
    method: Method<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Method<'a> {
    Card {
        confirm: bool,
        payment_method_types: [&'static str; 1],
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_method: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_method_data: Option<PaymentMethodData<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        return_url: Option<&'a str>,
    },
    Browser {
        automatic_payment_methods: Enabled,
    },
}

#[derive(Serialize)]
struct Enabled {
    enabled: bool,
}

#[derive(Serialize)]
struct PaymentMethodData<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    card: CardData<'a>,
}

#[derive(Serialize)]
struct CardData<'a> {
    token: &'a str,
}

/// Identifies the payment, its order and its buyer, so that a lost payment can be restored from the intent.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the keys")]
struct Metadata {
    buyer_id: String,
    order_id: String,
    payment_id: String,
}

impl<'a> CreateIntent<'a> {
    pub(super) fn new(payment: &'a Payment) -> Self {
        Self {
            amount: payment.amount().amount,
            currency: payment.amount().currency.code(),
            capture_method: "manual",
            metadata: Metadata {
                buyer_id: payment.buyer_id().to_string(),
                order_id: payment.order_id().to_string(),
                payment_id: payment.id().to_string(),
            },
            method: match &payment.state().method {
                PaymentMethod::Card { token, return_url } => Method::card(token, return_url.as_deref()),
                PaymentMethod::Browser => Method::Browser {
                    automatic_payment_methods: Enabled { enabled: true },
                },
            },
        }
    }
}

impl<'a> Method<'a> {
    fn card(token: &'a CardToken, return_url: Option<&'a str>) -> Self {
        let (method, card) = if token.is_payment_method() {
            (Some(token), None)
        } else {
            (None, Some(token))
        };
        Self::Card {
            confirm: true,
            payment_method_types: ["card"],
            payment_method: method.map(CardToken::as_str),
            payment_method_data: card.map(|token| PaymentMethodData {
                kind: "card",
                card: CardData { token: token.as_str() },
            }),
            return_url,
        }
    }
}

impl StripeRequest for CreateIntent<'_> {
    type Output = PaymentIntent;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Post, "/payment_intents").form(self)
    }
}
