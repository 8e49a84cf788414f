use reqwest::Method;

use crate::client::{KEY, Stripe, send};

#[tokio::test]
async fn only_the_secret_key_opens_the_api() {
    let stripe = Stripe::start().await;
    let none = send(stripe.request(Method::GET, "/v1/payment_intents"))
        .await
        .error(401);
    assert_eq!(none["type"], "invalid_request_error");
    let wrong = send(
        stripe
            .request(Method::GET, "/v1/payment_intents")
            .bearer_auth("sk_test_of_another_account"),
    )
    .await;
    let message = wrong.error(401)["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("sk_test_of_another_account"), "{message}");
    send(
        stripe
            .request(Method::GET, "/v1/payment_intents")
            .basic_auth(KEY, Some("")),
    )
    .await
    .ok();
    assert!(
        stripe.sim.requests().await.unwrap().len() == 1,
        "unauthenticated requests are not recorded"
    );
}

#[tokio::test]
async fn every_response_has_the_headers_of_stripe() {
    let stripe = Stripe::start().await;
    let request = stripe
        .request(Method::GET, "/v1/events")
        .bearer_auth(KEY)
        .header("stripe-version", "2024-06-20");
    let reply = send(request).await;
    assert!(reply.headers["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(reply.headers["stripe-version"], "2024-06-20");
    assert_eq!(reply.headers["content-type"], "application/json");
    let unknown = stripe.get("/v1/unicorns").await.error(404);
    assert!(
        unknown["message"]
            .as_str()
            .unwrap()
            .starts_with("Unrecognized request URL (GET: /v1/unicorns)")
    );
    let json = stripe
        .request(Method::POST, "/v1/refunds")
        .bearer_auth(KEY)
        .json(&serde_json::json!({"charge": "ch_1"}));
    send(json).await.error(415);
}

#[tokio::test]
async fn a_list_is_paged_in_both_directions_without_a_gap() {
    let stripe = Stripe::start().await;
    let mut created = Vec::new();
    for amount in ["500", "501", "502", "503", "504"] {
        let intent = stripe
            .post("/v1/payment_intents", &[("amount", amount), ("currency", "usd")])
            .await
            .ok();
        created.insert(0, intent["id"].as_str().unwrap().to_owned());
    }
    let page = async |query: String| {
        let list = stripe.get(&format!("/v1/payment_intents?limit=2{query}")).await.ok();
        assert_eq!(
            (&list["object"], &list["url"]),
            (&"list".into(), &"/v1/payment_intents".into())
        );
        let ids = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), list["has_more"].as_bool().unwrap())
    };
    assert_eq!(page(String::new()).await, (created[0..2].to_vec(), true));
    assert_eq!(
        page(format!("&starting_after={}", created[1])).await,
        (created[2..4].to_vec(), true)
    );
    assert_eq!(
        page(format!("&starting_after={}", created[3])).await,
        (created[4..].to_vec(), false)
    );
    assert_eq!(
        page(format!("&ending_before={}", created[4])).await,
        (created[2..4].to_vec(), true)
    );
    assert_eq!(
        page(format!("&ending_before={}", created[2])).await,
        (created[0..2].to_vec(), false)
    );
    let unknown = stripe
        .get("/v1/payment_intents?starting_after=pi_unknown")
        .await
        .error(400);
    assert_eq!(unknown["param"], "starting_after");
    stripe.get("/v1/payment_intents?limit=0").await.error(400);
    let none = stripe.get("/v1/payment_intents?created[lt]=1800000000").await.ok();
    assert!(none["data"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn intents_are_searched_by_their_metadata() {
    let stripe = Stripe::start().await;
    for order in ["a", "b"] {
        let fields = [("amount", "500"), ("currency", "usd"), ("metadata[order_id]", order)];
        stripe.post("/v1/payment_intents", &fields).await.ok();
    }
    let search = async |query: &str| {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        stripe.get(&format!("/v1/payment_intents/search?query={query}")).await
    };
    let found = search("metadata['order_id']:'b'").await.ok();
    assert_eq!(
        (&found["object"], &found["has_more"]),
        (&"search_result".into(), &false.into())
    );
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["metadata"]["order_id"], "b");
    for none in ["metadata['order_id']:'c'", "metadata['other']:'b'"] {
        assert_eq!(search(none).await.ok()["data"].as_array().unwrap().len(), 0, "{none}");
    }
    for unsupported in [
        "order_id:'b'",
        "metadata['order_id']:'b' OR amount>1",
        "metadata['a\"']:'b'",
    ] {
        assert_eq!(search(unsupported).await.error(400)["param"], "query", "{unsupported}");
    }
    stripe.get("/v1/payment_intents/search").await.error(400);
}

#[tokio::test]
async fn an_id_is_expanded_to_its_object() {
    let stripe = Stripe::start().await;
    let intent = stripe.pay("1000").await;
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    let deep = stripe
        .get(&format!(
            "{path}?expand[]=latest_charge.balance_transaction&expand[]=payment_method&expand[]=review"
        ))
        .await
        .ok();
    assert_eq!(deep["latest_charge"]["balance_transaction"]["net"], 941);
    assert_eq!(deep["payment_method"]["card"]["brand"], "visa");
    let list = stripe.get("/v1/payment_intents?expand[]=data.latest_charge").await.ok();
    assert_eq!(list["data"][0]["latest_charge"]["object"], "charge");
    stripe.get(&format!("{path}?expand[]=amount")).await.error(400);
    stripe.get(&format!("{path}?expand[]=nothing")).await.error(400);
}

#[tokio::test]
async fn every_change_is_an_event_with_a_snapshot_of_the_object() {
    let stripe = Stripe::start().await;
    let intent = stripe
        .post_with_key(
            "/v1/payment_intents",
            &crate::client::authorisation("1000", "tok_visa"),
            "k",
        )
        .await
        .ok();
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    stripe.post(&format!("{path}/capture"), &[]).await.ok();
    stripe
        .post("/v1/refunds", &[("payment_intent", intent["id"].as_str().unwrap())])
        .await
        .ok();
    let events = stripe.get("/v1/events?limit=100").await.ok();
    let kinds: Vec<_> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated",
            "charge.captured",
            "payment_intent.succeeded",
            "refund.created",
            "charge.refunded",
        ]
    );
    let held = stripe
        .get("/v1/events?type=payment_intent.amount_capturable_updated")
        .await
        .ok()["data"][0]
        .clone();
    assert_eq!(held["data"]["object"], intent);
    assert_eq!(held["request"]["idempotency_key"], "k");
    assert_eq!(
        stripe
            .get(&format!("/v1/events/{}", held["id"].as_str().unwrap()))
            .await
            .ok(),
        held
    );
}
