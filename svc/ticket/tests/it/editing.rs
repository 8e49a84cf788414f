//! Changing and withdrawing.

use events::{Event, OrderStatus};
use futures_util::future::join_all;
use serde_json::json;
use testkit::Reply;
use values::TicketId;

use crate::{TICKETS, concert, etag, id, sell, test_app::TestApp};

#[tokio::test]
async fn a_change_replaces_all_but_the_quantity_and_the_refund_terms() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let mut offer = concert(5);
    offer["venue"] = json!("Hall 1");
    offer["orderWindowSeconds"] = json!(60);
    offer["startsAt"] = json!("2999-01-01T19:30:00Z");
    let (path, created) = sell(&seller, offer).await;
    assert_eq!(created.text_at("/startsAt"), "2999-01-01T19:30:00.000Z");
    let change = json!({"title": "Recital", "price": {"amount": 2500, "currency": "eur"}});
    let changed = seller.put(&path, change.clone()).await.expect(200);
    let ticket = changed.json();
    assert_eq!(
        (&ticket["title"], &ticket["price"]),
        (&json!("Recital"), &change["price"])
    );
    assert_eq!((&ticket["venue"], &ticket["startsAt"]), (&json!(null), &json!(null)));
    assert_eq!((&ticket["quantity"], &ticket["version"]), (&json!(5), &json!(2)));
    let published = app
        .env
        .wait_for_event(|event| matches!(event, Event::TicketUpdated(ticket) if ticket.id == id(&created)))
        .await;
    let Event::TicketUpdated(published) = published else {
        unreachable!()
    };
    assert_eq!(
        (
            published.version,
            published.title.as_str(),
            published.order_window_seconds
        ),
        (2, "Recital", None)
    );

    let same = seller.put(&path, change).await.expect(200);
    assert_eq!(
        (same.text_at("/version"), etag(&same)),
        ("2".to_owned(), etag(&changed)),
        "nothing to change"
    );
    app.stop().await;
}

#[tokio::test]
async fn the_seller_changes_the_refund_terms_also_while_tickets_are_sold() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    let terms = |ticket: &Reply| {
        (
            ticket.json()["refundableUntil"].clone(),
            ticket.json()["resellRefunded"].clone(),
        )
    };
    assert_eq!(terms(&created), (json!(null), json!(true)), "as a rule");
    let mut sold = app.order(&created, 2);
    app.publish_order(&mut sold, OrderStatus::Created).await;
    app.wait_for_stock(&path, 2, 0).await;
    let mut offer = concert(5);
    offer["refundableUntil"] = json!("2999-01-01T00:00:00Z");
    offer["resellRefunded"] = json!(false);
    let changed = seller.put(&path, offer).await.expect(200);
    assert_eq!(terms(&changed), (json!("2999-01-01T00:00:00.000Z"), json!(false)));
    let published = app
        .env
        .wait_for_event(|event| matches!(event, Event::TicketUpdated(ticket) if ticket.id == id(&created)))
        .await;
    let Event::TicketUpdated(published) = published else {
        unreachable!()
    };
    let published = published.refund_terms;
    assert_eq!(
        published.refundable_until.unwrap().to_string(),
        "2999-01-01T00:00:00.000Z"
    );
    assert!(!published.resell_refunded);

    // A client that does not know the refund terms does not change them.
    let unaware = seller.put(&path, concert(6)).await.expect(200);
    assert_eq!(terms(&unaware), terms(&changed));
    assert_eq!(unaware.text_at("/quantity"), "6");
    let mut removed = concert(6);
    removed["refundableUntil"] = json!(null);
    let removed = seller.put(&path, removed).await.expect(200);
    assert_eq!(terms(&removed), (json!(null), json!(false)));
    let mut invalid = concert(6);
    invalid["resellRefunded"] = json!(null);
    let refused = seller.put(&path, invalid).await.expect(422);
    assert_eq!(refused.problem().1, "resellRefunded");

    let mut malformed = concert(5);
    malformed["refundableUntil"] = json!("soon");
    let refused = seller.put(&path, malformed).await.expect(422);
    assert_eq!(refused.problem().1, "refundableUntil");
    app.stop().await;
}

#[tokio::test]
async fn the_seller_limits_the_tickets_of_one_buyer() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, usual) = sell(&seller, concert(50)).await;
    assert_eq!(usual.text_at("/maxPerBuyer"), "10", "as many as one order may have");
    insta::assert_json_snapshot!(usual.json()["orderLimits"], @r#"
    {
      "maxPerOrder": 10,
      "maxOpenOrders": 10,
      "maxUnpaidHolds": 2,
      "unpaidHoldWindowSeconds": 3600,
      "unpaidHoldPauseSeconds": 3600
    }
    "#);
    let with_limit = |limit: serde_json::Value| {
        let mut offer = concert(50);
        offer["maxPerBuyer"] = limit;
        offer
    };
    let limit_after = async |offer| seller.put(&path, offer).await.expect(200).text_at("/maxPerBuyer");
    assert_eq!(limit_after(with_limit(json!(4))).await, "4");
    let published = app
        .env
        .wait_for_event(|event| matches!(event, Event::TicketUpdated(ticket) if ticket.id == id(&usual)))
        .await;
    let Event::TicketUpdated(published) = published else {
        unreachable!()
    };
    assert_eq!(published.max_per_buyer, Some(4));
    assert_eq!(
        limit_after(concert(60)).await,
        "4",
        "a client that does not know the limit keeps it"
    );
    assert_eq!(limit_after(with_limit(json!(null))).await, "10");
    for invalid in [json!(0), json!(1_000_001), json!("4"), json!(1.5)] {
        let refused = seller.put(&path, with_limit(invalid)).await.expect(422);
        assert_eq!(refused.problem().1, "maxPerBuyer");
    }
    let (_, limited) = sell(&seller, with_limit(json!(2))).await;
    assert_eq!(limited.text_at("/maxPerBuyer"), "2");
    let listed = app.client().get(TICKETS).await.expect(200).json();
    assert_eq!(listed["items"][0]["maxPerBuyer"], 2);
    app.stop().await;
}

#[tokio::test]
async fn only_its_seller_changes_or_withdraws_a_ticket() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, other) = app.user();
    let (path, _) = sell(&seller, concert(5)).await;
    let _ = other.put(&path, concert(9)).await.expect(403);
    let _ = other.delete(&path).await.expect(403);
    assert_eq!(other.get(&path).await.expect(200).text_at("/version"), "1");

    let missing = format!("{TICKETS}/{}", TicketId::new(app.env.now()));
    for reply in [
        other.get(&missing).await,
        other.put(&missing, concert(1)).await,
        other.delete(&missing).await,
    ] {
        assert_eq!(reply.expect(404).problem().0, "not-found");
    }
    let malformed = format!("{TICKETS}/42");
    for reply in [
        other.get(&malformed).await,
        other.put(&malformed, concert(1)).await,
        other.delete(&malformed).await,
    ] {
        assert_eq!(
            reply.expect(400).problem(),
            ("malformed".to_owned(), "ticketId".to_owned())
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn an_edit_does_not_overwrite_an_unseen_change() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    let seen = etag(&created);
    let edits = join_all((0..20).map(|number| {
        let seller = seller.clone().with("if-match", &seen);
        let path = path.clone();
        async move { seller.put(&path, concert(10 + number)).await.status.as_u16() }
    }));
    let mut statuses = edits.await;
    statuses.sort_unstable();
    assert_eq!(statuses[..2], [200, 412], "one of twenty: {statuses:?}");

    let stale = seller.clone().with("if-match", &seen);
    assert_eq!(stale.put(&path, concert(5)).await.expect(412).problem().0, "stale");
    let _ = stale.delete(&path).await.expect(412);
    let fresh = etag(&app.client().get(&path).await.expect(200));
    let _ = seller
        .clone()
        .with("if-match", &fresh)
        .put(&path, concert(5))
        .await
        .expect(200);
    let _ = seller
        .clone()
        .with("if-match", "*")
        .put(&path, concert(6))
        .await
        .expect(200);
    let _ = seller
        .clone()
        .with("if-match", format!("W/{fresh}"))
        .put(&path, concert(7))
        .await
        .expect(412);
    let reply = seller
        .clone()
        .with("if-match", "3")
        .put(&path, concert(7))
        .await
        .expect(400);
    assert_eq!(reply.problem().1, "If-Match");
    for unreadable in ["\"ä\"", "ключ"] {
        let unreadable = seller.clone().with("if-match", unreadable);
        for reply in [unreadable.put(&path, concert(7)).await, unreadable.delete(&path).await] {
            assert_eq!(
                reply.expect(400).problem(),
                ("malformed".to_owned(), "If-Match".to_owned())
            );
        }
    }
    let lines = seller.with("if-match", "\"0.0.0\"").with("if-match", "*");
    assert_eq!(lines.put(&path, concert(7)).await.expect(400).problem().1, "If-Match");
    app.stop().await;
}

#[tokio::test]
async fn an_unchanged_ticket_is_not_sent_again() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    let reader = app.client().with("if-none-match", etag(&created));
    let reply = reader.get(&path).await.expect(304);
    assert_eq!(reply.headers["cache-control"], "no-cache");
    assert_eq!((reply.text.as_str(), etag(&reply)), ("", etag(&created)));
    let _ = seller.put(&path, concert(6)).await.expect(200);
    assert_eq!(reader.get(&path).await.expect(200).text_at("/quantity"), "6");
    app.stop().await;
}

#[tokio::test]
async fn a_withdrawn_ticket_is_never_listed_again() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, created) = sell(&seller, concert(5)).await;
    let seller_of_that = seller.clone().with("if-match", etag(&created));
    let _ = seller_of_that.delete(&path).await.expect(204);
    let _ = seller_of_that.delete(&path).await.expect(204);
    let ticket = app.client().get(&path).await.expect(200);
    assert_eq!(
        (ticket.text_at("/status"), ticket.text_at("/available")),
        ("withdrawn".to_owned(), "0".to_owned())
    );
    assert_eq!(app.client().get(TICKETS).await.expect(200).json()["items"], json!([]));
    let refused = seller.put(&path, concert(6)).await.expect(409);
    assert_eq!(refused.problem().0, "ticket-withdrawn");
    let published = app
        .env
        .wait_for_event(|event| matches!(event, Event::TicketUpdated(ticket) if ticket.withdrawn_at.is_some()))
        .await;
    let Event::TicketUpdated(published) = published else {
        unreachable!()
    };
    assert_eq!((published.id, published.version), (id(&created), 2));
    app.stop().await;
}
