//! At the door.

use std::time::Duration;

use events::Event;
use serde_json::{Value, json};
use testkit::{Client, Reply};
use ticket::Ticket;

use crate::{concert, sell, test_app::TestApp};

fn code(admission: &Value) -> Value {
    json!({"code": admission["qr"]})
}

pub(crate) async fn door(app: &TestApp, seller: &Client, path: &str, name: &str) -> (String, Client) {
    let body = json!({"name": name, "expiresAt": app.now() + Duration::from_hours(1)});
    let created = seller.post(&format!("{path}/doors"), body).await.expect(201);
    let client = app.client().bearer(&created.text_at("/token"));
    (created.text_at("/id"), client)
}

fn kind(reply: Reply) -> String {
    reply.expect(409).problem().0
}

#[tokio::test]
async fn a_code_admits_once_and_the_second_scan_is_told_when_and_where() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (order, admissions) = app.complete_order(&ticket, 2).await;
    let check_ins = format!("{path}/check-ins");
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let admitted = north.post(&check_ins, code(&admissions[0])).await.expect(200);
    assert_eq!(
        (admitted.text_at("/number"), admitted.text_at("/door")),
        ("1".to_owned(), "North gate".to_owned())
    );
    let typed = json!({"code": admissions[0]["code"].as_str().unwrap().to_lowercase().replace('-', " ")});
    let refused = seller.post(&check_ins, typed).await.expect(409);
    assert_eq!(refused.problem().0, "already-admitted");
    let by_door = json!({"usedAt": admitted.text_at("/usedAt"), "door": "North gate"});
    assert_eq!(
        json!({"usedAt": refused.json()["usedAt"], "door": refused.json()["door"]}),
        by_door
    );

    let listed = north.get(&check_ins).await.expect(200).json();
    assert_eq!(
        (&listed["issued"], &listed["admitted"], &listed["void"]),
        (&json!(2), &json!(1), &json!(0))
    );
    assert_eq!(listed["items"][0]["admissionId"], admissions[0]["id"]);
    let used = format!("/api/v1/admissions/{}", admissions[0]["id"].as_str().unwrap());
    let shown = app.client_of(order.buyer_id).get(&used).await.expect(200);
    assert_eq!(
        (shown.text_at("/state"), shown.json()["code"].is_null()),
        ("used".to_owned(), true)
    );

    let undo = format!("{check_ins}/{}", admissions[0]["id"].as_str().unwrap());
    let _ = north.delete(&undo).await.expect(204);
    assert_eq!(kind(north.delete(&undo).await), "not-admitted");
    let by_seller = seller.post(&check_ins, code(&admissions[0])).await.expect(200);
    let refused = north.post(&check_ins, code(&admissions[0])).await.expect(409).json();
    assert_eq!(refused["usedAt"], by_seller.text_at("/usedAt"));
    assert!(refused.get("door").is_none(), "{refused}");
    app.env
        .wait_for_event(|event| matches!(event, Event::AdmissionRestored(_)))
        .await;
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
    let actions: Vec<_> = app
        .env
        .audit_log::<Ticket>()
        .into_iter()
        .map(|record| record.action)
        .collect();
    for (action, count) in [("check-in", 2), ("check-in-undo", 1), ("door-create", 1)] {
        assert_eq!(actions.iter().filter(|of| *of == action).count(), count, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_doors_that_scan_one_code_at_once_one_admits() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 1).await;
    let check_ins = format!("{path}/check-ins");
    let mut doors = Vec::new();
    for number in 0..8 {
        doors.push(door(&app, &seller, &path, &format!("Gate {number}")).await.1);
    }
    let scans = doors.iter().map(|door| door.post(&check_ins, code(&admissions[0])));
    let replies = futures_util::future::join_all(scans).await;
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        7,
        "{statuses:?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn each_reason_to_refuse_a_code_is_named() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (other_path, _) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 1).await;
    let check_ins = format!("{path}/check-ins");
    let other = seller
        .post(&format!("{other_path}/check-ins"), code(&admissions[0]))
        .await;
    assert_eq!(kind(other), "other-listing");
    let unknown = json!({"code": "0000-0000-0000-0000-0000-0000-0000"});
    let unknown = seller.post(&check_ins, unknown).await.expect(404);
    assert_eq!(unknown.problem().0, "unknown-code");
    let mut wrong = admissions[0]["code"].as_str().unwrap().to_owned();
    let last = if wrong.ends_with('7') { "8" } else { "7" };
    wrong.replace_range(33.., last);
    for malformed in [
        json!(wrong),
        json!("T1:"),
        json!(""),
        json!("x".repeat(300)),
        json!(7),
        Value::Null,
    ] {
        let _ = seller.post(&check_ins, json!({"code": malformed})).await.expect(422);
    }
    let stranger = app.user().1;
    for path in [&check_ins, &format!("{path}/doors")] {
        let _ = stranger.get(path).await.expect(403);
        let _ = app.client().get(path).await.expect(401);
    }
    let _ = stranger.post(&check_ins, code(&admissions[0])).await.expect(403);
    let _ = stranger
        .delete(&format!("{check_ins}/{}", admissions[0]["id"].as_str().unwrap()))
        .await
        .expect(403);
    let _ = seller.delete(&path).await.expect(204);
    assert_eq!(
        kind(seller.post(&check_ins, code(&admissions[0])).await),
        "ticket-withdrawn"
    );
    app.stop().await;
}

#[tokio::test]
async fn the_token_of_a_door_is_for_its_listing_only_until_it_is_revoked_or_expires() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (other_path, _) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 2).await;
    let (id, north) = door(&app, &seller, &path, "North gate").await;
    let doors = format!("{path}/doors");
    let listed = seller.get(&doors).await.expect(200).json();
    assert_eq!(
        (&listed["items"][0]["id"], listed["items"][0]["token"].is_null()),
        (&json!(id), true)
    );
    let _ = north.get(&format!("{path}/check-ins")).await.expect(200);
    let _ = north.get(&format!("{other_path}/check-ins")).await.expect(403);
    for path in ["/api/v1/admissions", &doors] {
        let _ = north.get(path).await.expect(401);
    }
    let _ = north.put(&path, concert(7)).await.expect(401);
    let _ = north.delete(&format!("{doors}/{id}")).await.expect(401);
    for _ in 0..2 {
        let _ = seller.delete(&format!("{doors}/{id}")).await.expect(204);
        let _ = north
            .post(&format!("{path}/check-ins"), code(&admissions[0]))
            .await
            .expect(401);
    }
    let past = json!({"name": "Late", "expiresAt": app.now()});
    assert_eq!(seller.post(&doors, past).await.expect(422).problem().1, "expiresAt");
    let soon = json!({"name": "Soon", "expiresAt": app.now() + Duration::from_millis(1500)});
    let created = seller.post(&doors, soon).await.expect(201);
    let soon = app.client().bearer(&created.text_at("/token"));
    testkit::eventually("the token expires", || async {
        (soon.get(&format!("{path}/check-ins")).await.status == 401).then_some(())
    })
    .await;
    app.stop().await;
    let stored = std::fs::read(app.env.database::<Ticket>()).unwrap();
    let token = created.text_at("/token");
    assert!(
        !stored.windows(token.len()).any(|window| window == token.as_bytes()),
        "a token is stored"
    );
}

#[tokio::test]
async fn a_door_that_is_created_again_with_the_same_key_has_a_new_token() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, _) = sell(&seller, concert(5)).await;
    let (doors, with_key) = (format!("{path}/doors"), seller.clone().with("idempotency-key", "one"));
    let body = json!({"name": "North gate", "expiresAt": app.now() + Duration::from_hours(1)});
    let first = with_key.post(&doors, body.clone()).await.expect(201);
    let second = with_key.post(&doors, body.clone()).await.expect(201);
    assert_eq!(first.text_at("/id"), second.text_at("/id"));
    let get = |token: String| {
        let (door, path) = (app.client().bearer(&token), format!("{path}/check-ins"));
        async move { door.get(&path).await.status }
    };
    assert_eq!(get(first.text_at("/token")).await, 401);
    assert_eq!(get(second.text_at("/token")).await, 200);
    let mut other = body;
    other["name"] = "South gate".into();
    assert_eq!(
        with_key.post(&doors, other).await.expect(422).problem().0,
        "idempotency-key-reused"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_lost_response_of_a_check_in_is_repeated_and_trying_codes_is_limited() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 1).await;
    let check_ins = format!("{path}/check-ins");
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let with_key = north.clone().with("idempotency-key", "scan-1");
    let first = with_key.post(&check_ins, code(&admissions[0])).await.expect(200);
    let again = with_key.post(&check_ins, code(&admissions[0])).await.expect(200);
    assert_eq!(first.text, again.text);
    let unknown = json!({"code": "0000-0000-0000-0000-0000-0000-0000"});
    let mut refused = None;
    for _ in 0..61 {
        refused = Some(north.post(&check_ins, unknown.clone()).await);
    }
    assert!(refused.unwrap().expect(429).headers.contains_key("retry-after"));
    let _ = seller.post(&check_ins, unknown).await.expect(404);
    app.stop().await;
}

#[tokio::test]
async fn the_response_to_a_check_in_that_was_undone_lets_nobody_in() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 1).await;
    let check_ins = format!("{path}/check-ins");
    let undo = format!("{check_ins}/{}", admissions[0]["id"].as_str().unwrap());
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let with_key = north
        .clone()
        .with("idempotency-key", "0b54c6e0-93b5-4c49-8f0c-6b3c1f8f1a55");
    let first = with_key.post(&check_ins, code(&admissions[0])).await.expect(200);
    let _ = north.delete(&undo).await.expect(204);
    // The same request admits anew, once.
    let second = with_key.post(&check_ins, code(&admissions[0])).await.expect(200);
    assert_ne!(first.text_at("/usedAt"), second.text_at("/usedAt"));
    assert_eq!(north.get(&check_ins).await.expect(200).json()["admitted"], 1);
    let again = with_key.post(&check_ins, code(&admissions[0])).await.expect(200);
    assert_eq!(second.text, again.text);
    // After another admission it admits nobody.
    let _ = north.delete(&undo).await.expect(204);
    let _ = seller.post(&check_ins, code(&admissions[0])).await.expect(200);
    assert_eq!(
        kind(with_key.post(&check_ins, code(&admissions[0])).await),
        "already-admitted"
    );
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
}
