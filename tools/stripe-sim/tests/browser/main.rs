//! The script in a real browser: a page of a shop, on another origin, with a strict policy.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod shop;
mod window;

use fantoccini::key::Key;
use shop::Shop;
use window::Window;

const APPROVED: &str = "4242424242424242";
const AUTHENTICATED: &str = "4000002760003184";

/// Opens a shop and a window, or skips the test.
macro_rules! open {
    () => {
        match Window::open().await {
            Some(window) => (Shop::open().await, window),
            None => return,
        }
    };
}

#[tokio::test]
async fn a_card_is_authorised_and_the_page_gets_the_intent() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "")).await;
    window.type_card(APPROVED, "1234", "123").await;
    let change = window.event(|event| event["complete"] == true).await;
    assert_eq!(
        (&change["elementType"], &change["value"]["type"]),
        (&"payment".into(), &"card".into())
    );
    let result = window.pay().await;
    assert_eq!(result["paymentIntent"]["status"], "requires_capture", "{result}");
    assert_eq!(result["paymentIntent"].get("metadata"), None);
    assert_eq!(shop.status(&id).await, "requires_capture");
    // The page has not seen the number.
    assert_eq!(
        window.run("return document.body.innerHTML.includes('4242')").await,
        false
    );
    window.close().await;
}

#[tokio::test]
async fn a_form_is_filled_and_sent_by_keyboard_alone() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "")).await;
    window.enter("#payment iframe").await;
    let number = window.find("#card:not([hidden]) #number").await;
    let tab: char = Key::Tab.into();
    let enter: char = Key::Enter.into();
    number
        .send_keys(&format!("{APPROVED}{tab}12/34{tab}123{enter}"))
        .await
        .unwrap();
    window.leave().await;
    assert_eq!(window.result().await["paymentIntent"]["id"], id.as_str());
    window.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_card_is_shown_before_anything_is_sent() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "&locale=de&theme=night")).await;
    window
        .event(|event| event.get("complete").is_none() && event.get("error").is_none())
        .await;
    for (card, code, message) in [
        (("", "", ""), "incomplete_number", "Die Kartennummer ist unvollständig."),
        (
            (APPROVED, "1234", ""),
            "incomplete_cvc",
            "Der Sicherheitscode der Karte ist unvollständig.",
        ),
        (
            ("4242424242424241", "1234", "123"),
            "invalid_number",
            "Die Kartennummer ist ungültig.",
        ),
        (
            (APPROVED, "1220", "123"),
            "invalid_expiry_year_past",
            "Das Ablaufjahr der Karte liegt in der Vergangenheit.",
        ),
    ] {
        window.type_card(card.0, card.1, card.2).await;
        let result = window.pay().await;
        assert_eq!(
            (
                &result["error"]["type"],
                &result["error"]["code"],
                &result["error"]["message"]
            ),
            (&"validation_error".into(), &code.into(), &message.into())
        );
    }
    window.enter("#payment iframe").await;
    assert_eq!(
        window.text("#expiry-error").await,
        "Das Ablaufjahr der Karte liegt in der Vergangenheit."
    );
    assert_eq!(
        window
            .find("#expiry")
            .await
            .attr("aria-invalid")
            .await
            .unwrap()
            .unwrap(),
        "true"
    );
    assert_eq!(window.run("return document.activeElement.id").await, "expiry");
    let scheme = window
        .run("return getComputedStyle(document.documentElement).colorScheme")
        .await;
    assert_eq!(scheme, "dark");
    assert_eq!(shop.status(&id).await, "requires_payment_method");
    assert_eq!(
        shop.sim
            .requests()
            .await
            .unwrap()
            .iter()
            .filter(|request| request.path.ends_with("/confirm"))
            .count(),
        0
    );
    window.close().await;
}

#[tokio::test]
async fn a_declined_card_is_followed_by_another_one_in_the_same_form() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "")).await;
    window.type_card("4000000000009995", "1234", "123").await;
    let error = &window.pay().await["error"];
    assert_eq!(
        (
            &error["type"],
            &error["code"],
            &error["decline_code"],
            &error["message"]
        ),
        (
            &"card_error".into(),
            &"card_declined".into(),
            &"insufficient_funds".into(),
            &"Your card has insufficient funds.".into()
        )
    );
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    window.type_card(APPROVED, "1234", "123").await;
    window.pay().await;
    assert_eq!(shop.status(&id).await, "requires_capture");
    window.close().await;
}

#[tokio::test]
async fn the_bank_asks_in_a_dialog_and_a_refusal_is_an_error() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "")).await;
    window.type_card(AUTHENTICATED, "1234", "123").await;
    window.click("#submit").await;
    window.enter("dialog iframe").await;
    window.click("button[value=fail]").await;
    window.leave().await;
    let error = &window.result().await["error"];
    assert_eq!(
        (&error["type"], &error["code"]),
        (
            &"invalid_request_error".into(),
            &"payment_intent_authentication_failure".into()
        )
    );
    window.click("#submit").await;
    window.enter("dialog iframe").await;
    window.click("button[value=pass]").await;
    window.leave().await;
    assert_eq!(window.result().await["paymentIntent"]["status"], "requires_capture");
    assert_eq!(
        window.run("return document.querySelector('dialog')").await,
        serde_json::Value::Null
    );
    assert_eq!(shop.status(&id).await, "requires_capture");
    window.close().await;
}

#[tokio::test]
async fn escape_in_the_dialog_refuses_and_leaves_nothing_open() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "")).await;
    window.type_card(AUTHENTICATED, "1234", "123").await;
    window.click("#submit").await;
    window.enter("dialog iframe").await;
    window.find("button[value=fail]").await;
    window.leave().await;
    let escape: char = Key::Escape.into();
    window
        .find("dialog")
        .await
        .send_keys(&escape.to_string())
        .await
        .unwrap();
    let error = &window.result().await["error"];
    assert_eq!(error["code"], "payment_intent_authentication_failure");
    assert_eq!(shop.status(&id).await, "requires_payment_method");
    window.close().await;
}

#[tokio::test]
async fn a_payment_whose_window_was_closed_continues_with_handle_next_action() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "")).await;
    window.type_card(AUTHENTICATED, "1234", "123").await;
    window.click("#submit").await;
    window.find("dialog iframe").await;
    window.goto(&shop.checkout(&secret, "")).await;
    window
        .run(
            "stripe.handleNextAction({ clientSecret })
                .then((result) => show('result', JSON.stringify(result)), (error) => show('result', JSON.stringify(error.message)))",
        )
        .await;
    window.enter("dialog iframe").await;
    window.click("button[value=pass]").await;
    window.leave().await;
    assert_eq!(window.result().await["paymentIntent"]["status"], "requires_capture");
    assert_eq!(shop.status(&id).await, "requires_capture");
    window.close().await;
}

#[tokio::test]
async fn with_redirect_always_the_browser_returns_to_the_shop() {
    let (shop, window) = open!();
    let (id, secret) = shop.intent().await;
    window.goto(&shop.checkout(&secret, "&redirect=always")).await;
    window.type_card(APPROVED, "1234", "123").await;
    window.click("#submit").await;
    window.find("#done").await;
    let address = window.address().await;
    let query: Vec<_> = address.query_pairs().into_owned().collect();
    let expected = [
        ("payment_intent", id.as_str()),
        ("payment_intent_client_secret", secret.as_str()),
        ("redirect_status", "succeeded"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    window.close().await;
}

#[tokio::test]
async fn a_wrong_secret_is_a_load_error_and_a_wrong_use_throws() {
    let (shop, window) = open!();
    let (id, _) = shop.intent().await;
    window.goto(&shop.checkout(&format!("{id}_secret_wrong"), "")).await;
    let event = window.event(|event| event.get("error").is_some()).await;
    assert_eq!(event["error"]["type"], "invalid_request_error");
    let thrown = |script: &'static str| {
        let window = &window;
        async move {
            let script = format!("try {{ {script} }} catch (error) {{ return error.name + ': ' + error.message }}");
            window.run(&script).await.as_str().unwrap().to_owned()
        }
    };
    assert!(
        thrown("Stripe('sk_test_1')")
            .await
            .starts_with("IntegrationError: You should not use your secret key")
    );
    assert!(
        thrown("Stripe()")
            .await
            .starts_with("IntegrationError: Missing value for Stripe()")
    );
    assert!(
        thrown("stripe.elements({ clientSecret: 'x' })")
            .await
            .starts_with("IntegrationError: Invalid value")
    );
    assert!(
        thrown("element.mount('#nowhere')")
            .await
            .contains("applies to no DOM elements")
    );
    window.close().await;
}
