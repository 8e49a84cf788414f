//! async-stripe, the client of the services, parses every response.

use std::collections::HashMap;

use serde::Serialize;
use stripe::{ApiErrorsCode, ApiErrorsType, Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError};
use stripe_client_core::{RequestBuilder, StripeMethod};
use stripe_core::{
    PaymentIntent, PaymentIntentAllowedPaymentMethodTypes, PaymentIntentCaptureMethod, PaymentIntentStatus,
    balance_transaction::RetrieveBalanceTransaction,
    charge::{ListCharge, RetrieveCharge},
    event::ListEvent,
    payment_intent::{
        CancelPaymentIntent, CapturePaymentIntent, ConfirmPaymentIntent, CreatePaymentIntent, ListPaymentIntent,
        RetrievePaymentIntent, UpdatePaymentIntent,
    },
    refund::{CreateRefund, ListRefund, RetrieveRefund},
};
use stripe_types::Currency;

use crate::client::{KEY, Stripe};

fn client(stripe: &Stripe) -> Client {
    ClientBuilder::new(KEY)
        .url(format!("{}/", stripe.running.url))
        .build()
        .unwrap()
}

fn authorisation(method: &str) -> CreatePaymentIntent {
    CreatePaymentIntent::new(1999, Currency::USD)
        .capture_method(PaymentIntentCaptureMethod::Manual)
        .confirm(true)
        .payment_method(method)
        .allowed_payment_method_types(vec![PaymentIntentAllowedPaymentMethodTypes::Card])
        .metadata(HashMap::from([("order_id".to_owned(), "order-1".to_owned())]))
        .expand(vec!["latest_charge".to_owned(), "payment_method".to_owned()])
}

/// The typed request has no `card`: a token is sent with the form written out.
#[derive(Serialize)]
struct WithToken<'a> {
    amount: i64,
    currency: &'a str,
    capture_method: &'a str,
    confirm: bool,
    payment_method_types: [&'a str; 1],
    payment_method_data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    card: Token<'a>,
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

async fn pay_with(token: &str, client: &Client, key: &str) -> Result<PaymentIntent, StripeError> {
    let form = WithToken {
        amount: 1999,
        currency: "usd",
        capture_method: "manual",
        confirm: true,
        payment_method_types: ["card"],
        payment_method_data: Data {
            kind: "card",
            card: Token { token },
        },
    };
    RequestBuilder::new(StripeMethod::Post, "/payment_intents")
        .form(&form)
        .customize::<PaymentIntent>()
        .request_strategy(RequestStrategy::Idempotent(IdempotencyKey::new(key).unwrap()))
        .send(client)
        .await
}

#[tokio::test]
async fn async_stripe_authorises_captures_and_refunds() {
    let stripe = Stripe::start().await;
    let client = client(&stripe);
    let intent = authorisation("pm_card_visa").send(&client).await.unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresCapture);
    assert_eq!(intent.amount_capturable, 1999);
    let charge = intent.latest_charge.as_ref().unwrap().as_object().unwrap();
    assert!(!charge.captured);

    let captured = CapturePaymentIntent::new(intent.id.clone())
        .send(&client)
        .await
        .unwrap();
    assert_eq!(
        (captured.status, captured.amount_received),
        (PaymentIntentStatus::Succeeded, 1999)
    );
    let charge = RetrieveCharge::new(charge.id.clone()).send(&client).await.unwrap();
    let transaction = charge.balance_transaction.unwrap();
    let transaction = RetrieveBalanceTransaction::new(transaction.id().clone())
        .send(&client)
        .await
        .unwrap();
    assert_eq!(transaction.net, 1911);

    let refund = CreateRefund::new()
        .payment_intent(intent.id.to_string())
        .amount(999)
        .send(&client)
        .await
        .unwrap();
    assert_eq!(refund.status.as_deref(), Some("succeeded"));
    let refund = RetrieveRefund::new(refund.id).send(&client).await.unwrap();
    assert_eq!(refund.amount, 999);
    assert_eq!(ListRefund::new().send(&client).await.unwrap().data.len(), 1);
    assert_eq!(ListCharge::new().send(&client).await.unwrap().data.len(), 1);
    assert_eq!(ListPaymentIntent::new().send(&client).await.unwrap().data.len(), 1);
    assert_eq!(ListEvent::new().send(&client).await.unwrap().data.len(), 7);
}

#[tokio::test]
async fn async_stripe_pays_with_a_token_and_replays_it() {
    let stripe = Stripe::start().await;
    let client = client(&stripe);
    let first = pay_with("tok_visa", &client, "attempt-1").await.unwrap();
    let second = pay_with("tok_visa", &client, "attempt-1").await.unwrap();
    assert_eq!(first.id, second.id);
    let Err(StripeError::Stripe(error, 400)) = pay_with("tok_amex", &client, "attempt-1").await else {
        panic!("conflict")
    };
    assert_eq!(error.type_, ApiErrorsType::IdempotencyError);
    let Err(StripeError::Stripe(error, 400)) = pay_with("tok_unknown", &client, "attempt-2").await else {
        panic!("unknown")
    };
    assert_eq!(error.code, Some(ApiErrorsCode::ResourceMissing));
    assert_eq!(error.param.as_deref(), Some("payment_method_data[card][token]"));
}

#[tokio::test]
async fn async_stripe_parses_a_decline_and_the_intent_in_it() {
    let stripe = Stripe::start().await;
    let client = client(&stripe);
    let declined = pay_with("tok_chargeDeclinedInsufficientFunds", &client, "attempt-1").await;
    let Err(StripeError::Stripe(error, 402)) = declined else {
        panic!("{declined:?}")
    };
    assert_eq!(error.type_, ApiErrorsType::CardError);
    assert_eq!(error.code, Some(ApiErrorsCode::CardDeclined));
    assert_eq!(error.decline_code.as_deref(), Some("insufficient_funds"));
    let intent = error.payment_intent.unwrap();
    assert_eq!(intent.status, PaymentIntentStatus::RequiresPaymentMethod);
    let again = RetrievePaymentIntent::new(intent.id.clone())
        .send(&client)
        .await
        .unwrap();
    let last = again.last_payment_error.unwrap();
    assert!(
        last.payment_method
            .is_some_and(|method| method.card.is_some_and(|card| card.last4 == "9995"))
    );
    let charge = RetrieveCharge::new(error.charge.unwrap()).send(&client).await.unwrap();
    assert!(!charge.paid);

    let retried = ConfirmPaymentIntent::new(intent.id)
        .payment_method("pm_card_visa")
        .send(&client)
        .await
        .unwrap();
    assert_eq!(retried.status, PaymentIntentStatus::RequiresCapture);
}

#[tokio::test]
async fn async_stripe_parses_a_challenge_a_cancellation_and_an_error() {
    let stripe = Stripe::start().await;
    let client = client(&stripe);
    for return_url in [None, Some("https://shop.example/done")] {
        let mut request = authorisation("pm_card_threeDSecure2Required");
        if let Some(url) = return_url {
            request = request.return_url(url);
        }
        let intent = request.send(&client).await.unwrap();
        assert_eq!(intent.status, PaymentIntentStatus::RequiresAction);
        assert_eq!(
            intent.next_action.unwrap().redirect_to_url.is_some(),
            return_url.is_some()
        );
        let metadata = HashMap::from([("seen".to_owned(), "yes".to_owned())]);
        let updated = UpdatePaymentIntent::new(intent.id.clone())
            .metadata(metadata)
            .send(&client)
            .await
            .unwrap();
        assert_eq!(updated.metadata["seen"], "yes");
        let agreed = stripe.sim.authenticate(intent.id.as_str(), true).await.unwrap();
        RetrieveCharge::new(agreed["latest_charge"].as_str().unwrap())
            .send(&client)
            .await
            .unwrap();
        let cancelled = CancelPaymentIntent::new(intent.id.clone()).send(&client).await.unwrap();
        assert_eq!(cancelled.status, PaymentIntentStatus::Canceled);
        let late = CapturePaymentIntent::new(intent.id).send(&client).await;
        let Err(StripeError::Stripe(error, 400)) = late else {
            panic!("{late:?}")
        };
        assert_eq!(error.code, Some(ApiErrorsCode::PaymentIntentUnexpectedState));
        assert_eq!(error.payment_intent.unwrap().status, PaymentIntentStatus::Canceled);
    }
}
