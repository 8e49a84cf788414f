//! Idempotent requests across restarts of the stack.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Reply,
    test_app::TestApp,
    user::{PASSWORD, new_email, ticket_body},
};

/// Sends a POST with an idempotency key.
async fn post_with_key(app: &TestApp, token: Option<&str>, key: &str, path: &str, body: &Value) -> Reply {
    let client = app.client().with("idempotency-key", key);
    let client = token.map_or(client.clone(), |token| client.bearer(token));
    client.send(Method::POST, path, Some(body.to_string())).await
}

/// Returns the headers that clients interpret.
fn relevant_headers(reply: &Reply) -> Vec<(String, String)> {
    let names = ["content-type", "location", "etag"];
    let headers = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), reply.headers.get(*name)?.to_str().ok()?.to_owned())));
    headers.collect()
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_response_also_after_a_restart() {
    let mut app = TestApp::new();
    let (seller, buyer) = (app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({"quantity": 5})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    buyer.wait_for(&format!("/api/v1/expirations/{order}"), &[]).await;
    let requests = [
        (
            None,
            "/api/v1/auth/signup",
            json!({"email": new_email(), "password": PASSWORD}),
        ),
        (
            Some(&seller),
            "/api/v1/tickets",
            ticket_body(json!({"title": "Original"})),
        ),
        (
            Some(&buyer),
            "/api/v1/orders",
            json!({"ticketId": ticket, "quantity": 2}),
        ),
        (
            Some(&buyer),
            "/api/v1/orders",
            json!({"ticketId": ticket, "quantity": 9}),
        ),
        (
            Some(&buyer),
            "/api/v1/payments",
            json!({"orderId": order, "token": "tok_visa"}),
        ),
    ];
    let mut first = Vec::new();
    for (number, (user, path, body)) in requests.iter().enumerate() {
        let token = user.map(|user| user.token.as_str());
        first.push(post_with_key(&app, token, &format!("key-{number}"), path, body).await);
    }
    let statuses = first.iter().map(|reply| reply.status.as_u16()).collect::<Vec<_>>();
    assert_eq!(statuses, [201, 201, 201, 409, 201]);
    buyer.wait_for_status(&order, "complete").await;

    for _ in 0..2 {
        for (number, (user, path, body)) in requests.iter().enumerate() {
            let (token, key) = (user.map(|user| user.token.as_str()), format!("key-{number}"));
            let repeated = post_with_key(&app, token, &key, path, body).await;
            assert_eq!(
                (repeated.status, &repeated.text),
                (first[number].status, &first[number].text),
                "{path}"
            );
            assert_eq!(relevant_headers(&repeated), relevant_headers(&first[number]), "{path}");
            if repeated.status == 409 {
                // A refusal is not stored: its key is free for another request.
                continue;
            }
            let mut different = body.clone();
            different.as_object_mut().unwrap().remove("description");
            match *path {
                "/api/v1/orders" => different["quantity"] = json!(1),
                "/api/v1/payments" => different["token"] = json!("tok_mastercard"),
                "/api/v1/tickets" => different["title"] = json!("Changed"),
                _ => different["email"] = json!(new_email()),
            }
            let _ = post_with_key(&app, token, &key, path, &different).await.expect(422);
        }
        app.restart();
    }
    let seller = seller.with_url(&app.url());
    seller.wait_for_stock(&ticket, 2, 1).await;
}
