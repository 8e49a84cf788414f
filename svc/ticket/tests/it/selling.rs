//! Putting tickets on sale.

use db::admin;
use events::Event;
use serde_json::json;
use testkit::Method;
use ticket::Ticket;
use values::TicketId;

use chassis::Service;

use crate::{TICKETS, concert, etag, id, sell, test_app::TestApp};

#[tokio::test]
async fn title_and_price_are_enough_to_sell_a_ticket() {
    let mut app = TestApp::new().await;
    let (user, seller) = app.user();
    let (path, reply) = sell(
        &seller,
        json!({"title": "Concert", "price": {"amount": 1999, "currency": "usd"}}),
    )
    .await;
    assert_eq!(reply.headers["location"], path.as_str());
    let ticket = reply.json();
    assert_eq!(ticket["sellerId"], user.to_string());
    insta::assert_json_snapshot!(reply.stable_json(), @r#"
    {
      "id": "[id]",
      "sellerId": "[id]",
      "title": "Concert",
      "description": null,
      "venue": null,
      "startsAt": null,
      "timeZone": null,
      "salesBegin": null,
      "salesEnd": null,
      "price": {
        "amount": 1999,
        "currency": "usd"
      },
      "quantity": 1,
      "available": 1,
      "held": 0,
      "sold": 0,
      "status": "on-sale",
      "orderWindowSeconds": null,
      "maxPerBuyer": 10,
      "requiresSecondFactor": false,
      "orderLimits": {
        "maxPerOrder": 10,
        "maxOpenOrders": 10,
        "maxUnpaidHolds": 2,
        "unpaidHoldWindowSeconds": 3600,
        "unpaidHoldPauseSeconds": 3600
      },
      "refundableUntil": null,
      "resellRefunded": true,
      "version": 1,
      "createdAt": "[time]",
      "updatedAt": "[time]",
      "withdrawnAt": null
    }
    "#);
    let read = app.client().get(&path).await.expect(200);
    assert_eq!(
        (read.json(), etag(&read)),
        (ticket, etag(&reply)),
        "anybody can read it"
    );
    let published = app
        .env
        .wait_for_event(|event| matches!(event, Event::TicketCreated(ticket) if ticket.id == id(&reply)))
        .await;
    let Event::TicketCreated(published) = published else {
        unreachable!()
    };
    assert_eq!(
        (published.version, published.quantity, published.seller_id),
        (1, 1, user)
    );
    app.stop().await;
}

#[tokio::test]
async fn a_ticket_may_be_free_and_is_the_cheapest_then() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (dear, reply) = sell(&seller, concert(1)).await;
    let mut free = concert(1);
    free["price"]["amount"] = json!(0);
    let (_, gift) = sell(&seller, free.clone()).await;
    let cheapest = format!("{TICKETS}?sort=price");
    let listed = app.client().get(&cheapest).await.expect(200).json();
    let without_limits = |ticket: &testkit::Reply| {
        let mut ticket = ticket.json();
        ticket.as_object_mut().unwrap().shift_remove("orderLimits");
        ticket
    };
    assert_eq!(listed["items"], json!([without_limits(&gift), without_limits(&reply)]));
    let found = app.client().get(&format!("{TICKETS}?currency=usd&maxPrice=0")).await;
    assert_eq!(found.expect(200).json()["items"], json!([without_limits(&gift)]));
    // What had a price may lose it, too.
    let changed = seller.put(&dear, free).await.expect(200);
    assert_eq!(changed.json()["price"]["amount"], 0);
    assert_eq!(
        admin::check(&app.env.database::<Ticket>(), &Ticket::SCHEMA, Ticket::INVARIANTS).unwrap(),
        []
    );
    app.stop().await;
}

#[tokio::test]
async fn every_error_of_an_offer_names_its_field() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let price = |amount: i64, currency: &str| json!({"title": "a", "price": {"amount": amount, "currency": currency}});
    let with = |field: &str, value: serde_json::Value| {
        let mut offer = concert(1);
        offer[field] = value;
        offer
    };
    for (offer, field) in [
        (json!({}), "title"),
        (json!({"title": "a"}), "price"),
        (json!({"title": "a", "price": 19.99}), "price"),
        (
            json!({"title": "a", "price": {"amount": 19.99, "currency": "usd"}}),
            "price.amount",
        ),
        (price(1, "usd"), "price.amount"),
        (price(49, "usd"), "price.amount"),
        (price(-1999, "usd"), "price.amount"),
        (price(100_000_000, "usd"), "price.amount"),
        (price(1999, "xxx"), "price.currency"),
        (price(1999, "USD"), "price.currency"),
        (with("title", json!("")), "title"),
        (with("title", json!(" \u{2003} ")), "title"),
        (with("title", json!("x".repeat(201))), "title"),
        (with("title", json!("a\u{0}b")), "title"),
        (with("title", json!(null)), "title"),
        (with("description", json!("x".repeat(5001))), "description"),
        (with("venue", json!("a\nb")), "venue"),
        (with("title", json!("\u{200b}\u{3164}")), "title"),
        (with("venue", json!("\u{2800}")), "venue"),
        (with("description", json!("\u{301}\n\u{202e}")), "description"),
        (with("startsAt", json!("2001-01-01T00:00:00Z")), "startsAt"),
        (
            with("refundableUntil", json!("2001-01-01T00:00:00Z")),
            "refundableUntil",
        ),
        (with("startsAt", json!("tomorrow")), "startsAt"),
        (with("quantity", json!(0)), "quantity"),
        (with("quantity", json!(1_000_001)), "quantity"),
        (with("quantity", json!(1.5)), "quantity"),
        (with("quantity", json!("1")), "quantity"),
        (with("orderWindowSeconds", json!(9)), "orderWindowSeconds"),
        (with("orderWindowSeconds", json!(3601)), "orderWindowSeconds"),
        (with("sellerId", json!("me")), "sellerId"),
    ] {
        let reply = seller.post(TICKETS, offer.clone()).await.expect(422);
        assert_eq!(
            reply.problem(),
            ("invalid-fields".to_owned(), field.to_owned()),
            "{offer}"
        );
    }
    let all = json!({"title": "", "price": {"amount": 1, "currency": "usd"}, "quantity": 0});
    let reply = seller.post(TICKETS, all).await.expect(422);
    assert_eq!(
        reply.json()["errors"].as_array().unwrap().len(),
        3,
        "all of it at once: {}",
        reply.text
    );
    let past = "2001-01-01T00:00:00Z";
    let all =
        json!({"title": "", "startsAt": past, "refundableUntil": past, "price": {"amount": 1999, "currency": "usd"}});
    let reply = seller.post(TICKETS, all).await.expect(422);
    assert_eq!(
        reply.error_fields(),
        ["title", "startsAt", "refundableUntil"],
        "times against the clock beside other errors: {}",
        reply.text
    );
    let all = json!({"price": {"amount": "x", "tip": 1}, "quantity": 0, "sellerId": "me"});
    let reply = seller.post(TICKETS, all).await.expect(422);
    assert_eq!(
        reply.error_fields(),
        [
            "title",
            "price.amount",
            "price.currency",
            "price.tip",
            "quantity",
            "sellerId"
        ]
    );
    let nothing = app.client().get(TICKETS).await.expect(200);
    assert_eq!(nothing.json()["items"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn selling_requires_a_token() {
    let mut app = TestApp::new().await;
    let nobody = app.client();
    let path = format!("{TICKETS}/{}", TicketId::new(app.env.now()));
    let _ = nobody.post(TICKETS, concert(1)).await.expect(401);
    let _ = nobody.put(&path, concert(1)).await.expect(401);
    let _ = nobody.delete(&path).await.expect(401);
    app.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_creates_one_ticket_also_after_a_restart() {
    let mut app = TestApp::new().await;
    let (user, _) = app.user();
    let seller = || {
        app.client()
            .bearer(&app.env.token(user))
            .with("idempotency-key", "first")
    };
    let (one, other) = (seller(), seller());
    let (one, other) = tokio::join!(one.post(TICKETS, concert(5)), other.post(TICKETS, concert(5)));
    let (one, other) = (one.expect(201), other.expect(201));
    assert_eq!(
        (&one.text, &one.headers["location"]),
        (&other.text, &other.headers["location"])
    );
    assert_eq!(etag(&one), etag(&other));
    let spelled = |body: &str| {
        let seller = app
            .client()
            .bearer(&app.env.token(user))
            .with("idempotency-key", "second");
        let body = body.to_owned();
        async move { seller.send(Method::POST, TICKETS, Some(body)).await.expect(201).text }
    };
    let plain = spelled(r#"{"title":"Concert","price":{"amount":1999,"currency":"usd"}}"#).await;
    for same in [
        r#"{"title":" Concert ","quantity":1,"resellRefunded":true,"price":{"currency":"usd","amount":1999}}"#,
        r#"{"title":"Concert","quantity":null,"venue":"","description":null,"price":{"amount":1.999e3,"currency":"usd"}}"#,
    ] {
        assert_eq!(spelled(same).await, plain, "{same}");
    }
    let reply = seller().post(TICKETS, concert(6)).await.expect(422);
    assert_eq!(reply.problem().0, "idempotency-key-reused");
    app.stop().await;

    app.start().await;
    let seller = app
        .client()
        .bearer(&app.env.token(user))
        .with("idempotency-key", "first");
    let again = seller.post(TICKETS, concert(5)).await.expect(201);
    assert_eq!(again.text, one.text, "byte for byte, after a restart");
    let (_, other_user) = app.user();
    let theirs = other_user
        .with("idempotency-key", "first")
        .post(TICKETS, concert(5))
        .await
        .expect(201);
    assert_ne!(theirs.text_at("/id"), one.text_at("/id"), "a key belongs to its user");
    let listed = app.client().get(TICKETS).await.expect(200);
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn republish_publishes_every_ticket_again_and_the_database_is_sound() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (kept, _) = sell(&seller, concert(5)).await;
    let (withdrawn, _) = sell(&seller, concert(5)).await;
    let _ = seller.delete(&withdrawn).await.expect(204);
    app.stop().await;

    let database = app.env.database::<Ticket>();
    let findings = admin::check(&database, &Ticket::SCHEMA, Ticket::INVARIANTS).unwrap();
    assert_eq!(findings, []);

    let events_before = app.env.published_events().len();
    let db = db::Db::open(&database, &Ticket::SCHEMA).unwrap();
    let now = app.env.now();
    let next = db
        .write(move |tx| Ticket::republish(tx, now, None, None))
        .await
        .unwrap();
    assert!(next.is_some(), "the next page");
    let end: Option<String> = db
        .write(move |tx| Ticket::republish(tx, now, None, next))
        .await
        .unwrap();
    assert_eq!(end, None);
    db.close().await;

    app.start().await;
    let republished = testkit::eventually("both are published again", || async {
        let events = app.env.published_events();
        (events.len() >= events_before + 2).then_some(events)
    })
    .await;
    for (path, version) in [(kept, 1), (withdrawn, 2)] {
        let times = republished.iter().filter(|event| match event {
            Event::TicketCreated(ticket) => version == 1 && path.ends_with(&ticket.id.to_string()),
            Event::TicketUpdated(ticket) => ticket.version == version && path.ends_with(&ticket.id.to_string()),
            _ => false,
        });
        assert_eq!(times.count(), 2, "{path}: {republished:#?}");
    }
    app.stop().await;
}
