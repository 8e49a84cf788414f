//! Putting tickets on sale.

use db::admin;
use events::Event;
use serde_json::json;
use testkit::TestEnv;
use ticket::Ticket;
use values::TicketId;

use chassis::Service;

use crate::{TICKETS, concert, etag, id, sell, started};

#[tokio::test]
async fn title_and_price_are_enough_to_sell_a_ticket() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (user, seller) = kit.user(&tickets);
    let (path, reply) = sell(
        &seller,
        json!({"title": "Concert", "price": {"amount": 1999, "currency": "usd"}}),
    )
    .await;
    assert_eq!(reply.headers["location"], path.as_str());
    let ticket = reply.json();
    assert_eq!(ticket["sellerId"], user.to_string());
    for (field, value) in [
        ("title", json!("Concert")),
        ("price", json!({"amount": 1999, "currency": "usd"})),
        ("quantity", json!(1)),
        ("available", json!(1)),
        ("held", json!(0)),
        ("sold", json!(0)),
        ("status", json!("on-sale")),
        ("version", json!(1)),
        ("description", json!(null)),
        ("withdrawnAt", json!(null)),
    ] {
        assert_eq!(ticket[field], value, "{field}");
    }
    let read = tickets.client().get(&path).await.expect(200);
    assert_eq!(
        (read.json(), etag(&read)),
        (ticket, etag(&reply)),
        "anybody can read it"
    );
    let said = kit
        .wait_for_event(|event| matches!(event, Event::TicketCreated(ticket) if ticket.id == id(&reply)))
        .await;
    let Event::TicketCreated(said) = said else {
        unreachable!()
    };
    assert_eq!((said.version, said.quantity, said.seller_id), (1, 1, user));
    tickets.stop().await;
}

#[tokio::test]
async fn a_ticket_may_be_free_and_is_the_cheapest_then() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (_, seller) = kit.user(&tickets);
    let (dear, reply) = sell(&seller, concert(1)).await;
    let mut free = concert(1);
    free["price"]["amount"] = json!(0);
    let (_, gift) = sell(&seller, free.clone()).await;
    let cheapest = format!("{TICKETS}?sort=price");
    let listed = tickets.client().get(&cheapest).await.expect(200).json();
    assert_eq!(listed["items"], json!([gift.json(), reply.json()]));
    let found = tickets
        .client()
        .get(&format!("{TICKETS}?currency=usd&maxPrice=0"))
        .await;
    assert_eq!(found.expect(200).json()["items"], json!([gift.json()]));
    // What had a price may lose it, too.
    let changed = seller.put(&dear, free).await.expect(200);
    assert_eq!(changed.json()["price"]["amount"], 0);
    assert_eq!(
        admin::check(&kit.database::<Ticket>(), &Ticket::SCHEMA, Ticket::INVARIANTS).unwrap(),
        []
    );
    tickets.stop().await;
}

#[tokio::test]
async fn what_is_wrong_about_an_offer_is_named() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (_, seller) = kit.user(&tickets);
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
        (with("startsAt", json!("2001-01-01T00:00:00Z")), "startsAt"),
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
    let nothing = tickets.client().get(TICKETS).await.expect(200);
    assert_eq!(nothing.json()["items"], json!([]));
    tickets.stop().await;
}

#[tokio::test]
async fn who_is_not_signed_in_sells_nothing() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let nobody = tickets.client();
    let path = format!("{TICKETS}/{}", TicketId::new(kit.now()));
    let _ = nobody.post(TICKETS, concert(1)).await.expect(401);
    let _ = nobody.put(&path, concert(1)).await.expect(401);
    let _ = nobody.delete(&path).await.expect(401);
    tickets.stop().await;
}

#[tokio::test]
async fn a_key_sells_once_whatever_happens_in_between() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (user, _) = kit.user(&tickets);
    let seller = || {
        tickets
            .client()
            .bearer(&kit.token(user))
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
    let reply = seller().post(TICKETS, concert(6)).await.expect(422);
    assert_eq!(reply.problem().0, "idempotency-key-reused");
    tickets.stop().await;

    let tickets = started(&kit).await;
    let seller = tickets
        .client()
        .bearer(&kit.token(user))
        .with("idempotency-key", "first");
    let again = seller.post(TICKETS, concert(5)).await.expect(201);
    assert_eq!(again.text, one.text, "byte for byte, after a restart");
    let (_, somebody_else) = kit.user(&tickets);
    let theirs = somebody_else
        .with("idempotency-key", "first")
        .post(TICKETS, concert(5))
        .await
        .expect(201);
    assert_ne!(
        theirs.text_at("/id"),
        one.text_at("/id"),
        "a key belongs to who sends it"
    );
    let listed = tickets.client().get(TICKETS).await.expect(200);
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 2);
    tickets.stop().await;
}

#[tokio::test]
async fn everything_can_be_told_again_and_the_database_is_sound() {
    let kit = TestEnv::new().await;
    let tickets = started(&kit).await;
    let (_, seller) = kit.user(&tickets);
    let (kept, _) = sell(&seller, concert(5)).await;
    let (withdrawn, _) = sell(&seller, concert(5)).await;
    let _ = seller.delete(&withdrawn).await.expect(204);
    tickets.stop().await;

    let database = kit.database::<Ticket>();
    let findings = admin::check(&database, &Ticket::SCHEMA, Ticket::INVARIANTS).unwrap();
    assert_eq!(findings, []);

    let said_before = kit.published_events().len();
    let db = db::Db::open(&database, &Ticket::SCHEMA).unwrap();
    let now = kit.now();
    let next = db.write(move |tx| Ticket::republish(tx, now, None)).await.unwrap();
    assert!(next.is_some(), "where to go on");
    let end: Option<String> = db.write(move |tx| Ticket::republish(tx, now, next)).await.unwrap();
    assert_eq!(end, None);
    db.close().await;

    let tickets = started(&kit).await;
    let told = testkit::eventually("both are told again", || async {
        let heard = kit.published_events();
        (heard.len() >= said_before + 2).then_some(heard)
    })
    .await;
    for (path, version) in [(kept, 1), (withdrawn, 2)] {
        let times = told.iter().filter(|event| match event {
            Event::TicketCreated(ticket) => version == 1 && path.ends_with(&ticket.id.to_string()),
            Event::TicketUpdated(ticket) => ticket.version == version && path.ends_with(&ticket.id.to_string()),
            _ => false,
        });
        assert_eq!(times.count(), 2, "{path}: {told:#?}");
    }
    tickets.stop().await;
}
