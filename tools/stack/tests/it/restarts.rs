//! A second run continues from the data of the first.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Reply,
    person::{PASSWORD, new_email, offer},
    town::Town,
};

/// Sends a request that names itself.
async fn once(town: &Town, token: Option<&str>, key: &str, path: &str, body: &Value) -> Reply {
    let client = town.client().with("idempotency-key", key);
    let client = token.map_or(client.clone(), |token| client.bearer(token));
    client.send(Method::POST, path, Some(body.to_string())).await
}

/// The headers that a client goes by.
fn told(reply: &Reply) -> Vec<(String, String)> {
    let names = ["content-type", "location", "etag"];
    let told = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), reply.headers.get(*name)?.to_str().ok()?.to_owned())));
    told.collect()
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_byte_for_byte_also_after_a_restart() {
    let mut town = Town::new();
    let (ada, bert) = (town.user().await, town.user().await);
    let ticket = ada.lists(json!({"quantity": 5})).await;
    let order = bert.holds(&ticket, 1).await;
    bert.waits_for(&format!("/api/v1/expirations/{order}"), &[]).await;
    let requests = [
        (
            None,
            "/api/v1/auth/signup",
            json!({"email": new_email(), "password": PASSWORD}),
        ),
        (Some(&ada), "/api/v1/tickets", offer(json!({"title": "Once"}))),
        (
            Some(&bert),
            "/api/v1/orders",
            json!({"ticketId": ticket, "quantity": 2}),
        ),
        (
            Some(&bert),
            "/api/v1/orders",
            json!({"ticketId": ticket, "quantity": 9}),
        ),
        (
            Some(&bert),
            "/api/v1/payments",
            json!({"orderId": order, "token": "tok_visa"}),
        ),
    ];
    let mut first = Vec::new();
    for (number, (who, path, body)) in requests.iter().enumerate() {
        let token = who.map(|who| who.token.as_str());
        first.push(once(&town, token, &format!("key-{number}"), path, body).await);
    }
    let statuses = first.iter().map(|reply| reply.status.as_u16()).collect::<Vec<_>>();
    assert_eq!(statuses, [201, 201, 201, 409, 201]);
    bert.sees(&order, "complete").await;

    for _ in 0..2 {
        for (number, (who, path, body)) in requests.iter().enumerate() {
            let (token, key) = (who.map(|who| who.token.as_str()), format!("key-{number}"));
            let again = once(&town, token, &key, path, body).await;
            assert_eq!(
                (again.status, &again.text),
                (first[number].status, &first[number].text),
                "{path}"
            );
            assert_eq!(told(&again), told(&first[number]), "{path}");
            let mut other = body.clone();
            other.as_object_mut().unwrap().remove("description");
            match *path {
                "/api/v1/orders" => other["quantity"] = json!(1),
                "/api/v1/payments" => other["token"] = json!("tok_mastercard"),
                "/api/v1/tickets" => other["title"] = json!("Twice"),
                _ => other["email"] = json!(new_email()),
            }
            let _ = once(&town, token, &key, path, &other).await.expect(422);
        }
        town.restart();
    }
    let ada = ada.at(&town.url());
    ada.counts(&ticket, 2, 1).await;
}
