//! The request that begins a payment at Stripe.

use serde::Serialize;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::PaymentIntent;

use crate::domain::{Means, Payment, Token};

/// Makes a payment intent, and confirms it at once where the card is known
/// (<https://docs.stripe.com/api/payment_intents/create>).
#[derive(Serialize)]
pub(super) struct Authorize<'a> {
    amount: i64,
    currency: &'static str,
    capture_method: &'static str,
    metadata: Names,
    #[serde(flatten)]
    with: With<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum With<'a> {
    Card {
        confirm: bool,
        payment_method_types: [&'static str; 1],
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_method: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_method_data: Option<MethodOfToken<'a>>,
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
struct MethodOfToken<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    card: CardOfToken<'a>,
}

#[derive(Serialize)]
struct CardOfToken<'a> {
    token: &'a str,
}

/// What ties an intent to us: all that it takes to know the payment by the intent alone.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "these are the keys")]
struct Names {
    buyer_id: String,
    order_id: String,
    payment_id: String,
}

impl<'a> Authorize<'a> {
    pub(super) fn new(payment: &'a Payment) -> Self {
        Self {
            amount: payment.amount.amount,
            currency: payment.amount.currency.code(),
            capture_method: "manual",
            metadata: Names {
                buyer_id: payment.buyer_id.to_string(),
                order_id: payment.order_id.to_string(),
                payment_id: payment.id.to_string(),
            },
            with: match &payment.with {
                Means::Card { token, return_url } => With::card(token, return_url.as_deref()),
                Means::Browser => With::Browser {
                    automatic_payment_methods: Enabled { enabled: true },
                },
            },
        }
    }
}

impl<'a> With<'a> {
    fn card(token: &'a Token, return_url: Option<&'a str>) -> Self {
        let (method, card) = if token.is_method() {
            (Some(token), None)
        } else {
            (None, Some(token))
        };
        Self::Card {
            confirm: true,
            payment_method_types: ["card"],
            payment_method: method.map(Token::as_str),
            payment_method_data: card.map(|token| MethodOfToken {
                kind: "card",
                card: CardOfToken { token: token.as_str() },
            }),
            return_url,
        }
    }
}

impl StripeRequest for Authorize<'_> {
    type Output = PaymentIntent;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Post, "/payment_intents").form(self)
    }
}
