use serde_json::Value;

use crate::client::{Stripe, authorisation};

#[tokio::test]
async fn an_authorised_payment_is_captured() {
    let stripe = Stripe::start().await;
    let intent = stripe.authorise("1999").await;
    assert_eq!(intent["status"], "requires_capture");
    assert_eq!(
        (&intent["amount_capturable"], &intent["amount_received"]),
        (&1999.into(), &0.into())
    );
    assert_eq!(intent["metadata"]["order_id"], "order-1");
    let id = intent["id"].as_str().unwrap();
    assert_eq!(id.len(), "pi_".len() + 24);

    let path = format!("/v1/payment_intents/{id}/capture?");
    let captured = stripe.post(path.trim_end_matches('?'), &[]).await.ok();
    assert_eq!(captured["status"], "succeeded");
    assert_eq!(captured["amount_received"], 1999);
    let charge = stripe
        .get(&format!("/v1/charges/{}", captured["latest_charge"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(
        (&charge["captured"], &charge["amount_captured"]),
        (&true.into(), &1999.into())
    );
    assert_eq!(charge["payment_method_details"]["card"]["last4"], "4242");

    let again = stripe
        .post(&format!("/v1/payment_intents/{id}/capture"), &[])
        .await
        .error(400);
    assert_eq!(again["code"], "payment_intent_unexpected_state");
    assert_eq!(again["payment_intent"]["status"], "succeeded");
}

#[tokio::test]
async fn a_part_is_captured_and_the_rest_is_released() {
    let stripe = Stripe::start().await;
    let intent = stripe.authorise("1000").await;
    let path = format!("/v1/payment_intents/{}/capture", intent["id"].as_str().unwrap());
    let over = stripe.post(&path, &[("amount_to_capture", "1001")]).await.error(400);
    assert_eq!(
        (&over["code"], &over["param"]),
        (&"amount_too_large".into(), &"amount_to_capture".into())
    );
    let captured = stripe.post(&path, &[("amount_to_capture", "400")]).await.ok();
    assert_eq!(
        (&captured["amount_received"], &captured["amount_capturable"]),
        (&400.into(), &0.into())
    );
}

#[tokio::test]
async fn a_payment_with_automatic_capture_succeeds_at_once() {
    let stripe = Stripe::start().await;
    let intent = stripe.pay("1999").await;
    assert_eq!(
        (&intent["status"], &intent["amount_received"]),
        (&"succeeded".into(), &1999.into())
    );
    let charge = stripe
        .get(&format!("/v1/charges/{}", intent["latest_charge"].as_str().unwrap()))
        .await
        .ok();
    let transaction = charge["balance_transaction"].as_str().unwrap();
    let transaction = stripe
        .get(&format!("/v1/balance_transactions/{transaction}"))
        .await
        .ok();
    assert_eq!(
        (&transaction["amount"], &transaction["fee"], &transaction["net"]),
        (&1999.into(), &88.into(), &1911.into())
    );
}

#[tokio::test]
async fn a_declined_card_returns_402_and_leaves_the_intent_waiting_for_another() {
    let stripe = Stripe::start().await;
    for (token, code, decline_code) in [
        ("tok_chargeDeclined", "card_declined", "generic_decline"),
        (
            "tok_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("tok_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        (
            "tok_chargeDeclinedProcessingError",
            "processing_error",
            "processing_error",
        ),
        ("tok_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
    ] {
        let error = stripe
            .post("/v1/payment_intents", &authorisation("1999", token))
            .await
            .error(402);
        assert_eq!(error["type"], "card_error", "{token}");
        assert_eq!(
            (&error["code"], &error["decline_code"]),
            (&code.into(), &decline_code.into()),
            "{token}"
        );
        let intent = &error["payment_intent"];
        assert_eq!(intent["status"], "requires_payment_method");
        assert_eq!(intent["last_payment_error"]["decline_code"], decline_code);
        assert_eq!(
            (&intent["payment_method"], &intent["amount_capturable"]),
            (&Value::Null, &0.into())
        );
        let charge = stripe
            .get(&format!("/v1/charges/{}", error["charge"].as_str().unwrap()))
            .await
            .ok();
        assert_eq!((&charge["status"], &charge["paid"]), (&"failed".into(), &false.into()));

        // Another card pays the same intent.
        let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
        let paid = stripe.post(&path, &[("payment_method", "pm_card_visa")]).await.ok();
        assert_eq!(
            (&paid["status"], &paid["last_payment_error"]),
            (&"requires_capture".into(), &Value::Null)
        );
    }
}

#[tokio::test]
async fn a_cancelled_authorisation_is_released_and_stays_cancelled() {
    let stripe = Stripe::start().await;
    let intent = stripe.authorise("1999").await;
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    let cancelled = stripe
        .post(&format!("{path}/cancel"), &[("cancellation_reason", "abandoned")])
        .await
        .ok();
    assert_eq!(
        (&cancelled["status"], &cancelled["amount_capturable"]),
        (&"canceled".into(), &0.into())
    );
    assert_eq!(cancelled["cancellation_reason"], "abandoned");
    assert_eq!(cancelled["canceled_at"], 1_800_000_000);
    let charge = stripe
        .get(&format!("/v1/charges/{}", intent["latest_charge"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(
        (&charge["captured"], &charge["refunded"]),
        (&false.into(), &true.into())
    );
    for verb in ["capture", "confirm", "cancel"] {
        let error = stripe.post(&format!("{path}/{verb}"), &[]).await.error(400);
        assert_eq!(error["code"], "payment_intent_unexpected_state", "{verb}");
    }
}

#[tokio::test]
async fn an_intent_is_created_first_and_confirmed_later() {
    let stripe = Stripe::start().await;
    let pairs = [
        ("amount", "500"),
        ("currency", "EUR"),
        ("payment_method_types[]", "card"),
    ];
    let intent = stripe.post("/v1/payment_intents", &pairs).await.ok();
    assert_eq!(
        (&intent["status"], &intent["currency"]),
        (&"requires_payment_method".into(), &"eur".into())
    );
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    let missing = stripe.post(&format!("{path}/confirm"), &[]).await.error(400);
    assert_eq!(missing["code"], "payment_intent_unexpected_state");

    let changes = [
        ("amount", "700"),
        ("metadata[a]", "1"),
        ("description", "Two seats"),
        ("payment_method", "pm_card_mastercard"),
    ];
    let updated = stripe.post(&path, &changes).await.ok();
    assert_eq!(
        (&updated["status"], &updated["amount"]),
        (&"requires_confirmation".into(), &700.into())
    );
    let paid = stripe.post(&format!("{path}/confirm"), &[]).await.ok();
    assert_eq!(
        (&paid["status"], &paid["amount_received"]),
        (&"succeeded".into(), &700.into())
    );
    let late = stripe.post(&path, &[("amount", "1")]).await.error(400);
    assert_eq!(late["code"], "payment_intent_unexpected_state");
    assert_eq!(
        stripe.post(&path, &[("metadata[b]", "2")]).await.ok()["metadata"]["b"],
        "2"
    );
}

#[tokio::test]
async fn a_payment_method_from_a_card_number_pays_once() {
    let stripe = Stripe::start().await;
    let card = [
        ("type", "card"),
        ("card[number]", "5555 5555 5555 4444"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "34"),
        ("card[cvc]", "123"),
    ];
    let method = stripe.post("/v1/payment_methods", &card).await.ok();
    assert_eq!(
        (&method["card"]["brand"], &method["card"]["exp_year"]),
        (&"mastercard".into(), &2034.into())
    );
    assert!(!method.to_string().contains("5555555555554444"));
    let id = method["id"].as_str().unwrap();
    assert_eq!(stripe.get(&format!("/v1/payment_methods/{id}")).await.ok(), method);

    let pairs = [
        ("amount", "500"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method_types[]", "card"),
        ("payment_method", id),
    ];
    assert_eq!(
        stripe.post("/v1/payment_intents", &pairs).await.ok()["status"],
        "succeeded"
    );
    let again = stripe.post("/v1/payment_intents", &pairs).await.error(400);
    assert_eq!(again["param"], "payment_method");

    for (number, code) in [
        ("4242424242424241", "incorrect_number"),
        ("4111111111111111", "card_declined"),
    ] {
        let mut wrong = card;
        wrong[1].1 = number;
        assert_eq!(
            stripe.post("/v1/payment_methods", &wrong).await.error(402)["code"],
            code
        );
    }
}

#[tokio::test]
async fn an_invalid_request_is_refused_with_stripes_code_and_parameter() {
    let stripe = Stripe::start().await;
    let refused = [
        (vec![("currency", "usd")], "parameter_missing", "amount"),
        (vec![("amount", "500")], "parameter_missing", "currency"),
        (
            vec![("amount", "19.99"), ("currency", "usd")],
            "parameter_invalid_integer",
            "amount",
        ),
        (
            vec![("amount", "-5"), ("currency", "usd")],
            "parameter_invalid_integer",
            "amount",
        ),
        (
            vec![("amount", "49"), ("currency", "usd")],
            "amount_too_small",
            "amount",
        ),
        (
            vec![("amount", ""), ("currency", "usd")],
            "parameter_invalid_empty",
            "amount",
        ),
        (
            vec![("amount", "500"), ("currency", "usd"), ("colour", "red")],
            "parameter_unknown",
            "colour",
        ),
        (
            authorisation("500", "tok_unknown"),
            "resource_missing",
            "payment_method_data[card][token]",
        ),
    ];
    for (pairs, code, param) in refused {
        let error = stripe.post("/v1/payment_intents", &pairs).await.error(400);
        assert_eq!(error["type"], "invalid_request_error", "{error}");
        assert_eq!(
            (&error["code"], &error["param"]),
            (&code.into(), &param.into()),
            "{error}"
        );
    }
    let error = stripe.get("/v1/payment_intents/pi_unknown").await.error(404);
    assert_eq!(
        (&error["code"], &error["param"]),
        (&"resource_missing".into(), &"intent".into())
    );
    assert!(stripe.sim.payment_intents().await.unwrap().is_empty());
}

#[tokio::test]
async fn methods_that_may_redirect_need_a_return_url() {
    let stripe = Stripe::start().await;
    let pairs = [
        ("amount", "500"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
    ];
    let error = stripe.post("/v1/payment_intents", &pairs).await.error(400);
    assert!(error["message"].as_str().unwrap().contains("return_url"));
    let never = [
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
    ];
    let intent = stripe
        .post("/v1/payment_intents", &[&pairs[..], &never].concat())
        .await
        .ok();
    assert_eq!(intent["status"], "succeeded");
}
