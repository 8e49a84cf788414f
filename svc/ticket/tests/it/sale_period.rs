//! When, where and to whom a listing is sold.

use std::time::Duration;

use events::Event;
use serde_json::{Value, json};
use testkit::Reply;
use ticket::{Settings, Ticket};
use values::UserId;

use crate::{TICKETS, concert, etag, id, sell, test_app::TestApp};

const HOUR: Duration = Duration::from_hours(1);

fn with(fields: &Value) -> Value {
    let mut offer = concert(5);
    for (name, value) in fields.as_object().unwrap() {
        offer[name] = value.clone();
    }
    offer
}

/// The fields that this file is about.
fn sale_of(ticket: &Value) -> Value {
    json!([
        ticket["timeZone"],
        ticket["salesBegin"],
        ticket["salesEnd"],
        ticket["requiresSecondFactor"]
    ])
}

#[tokio::test]
async fn a_listing_shows_when_its_sale_begins_and_ends_and_is_available_in_between() {
    let app = &mut TestApp::with_manual_clock().await;
    let now = app.now();
    let (_, seller) = app.user();
    let offer = with(&json!({
        "salesBegin": now + HOUR,
        "salesEnd": now + 2 * HOUR,
        "startsAt": now + 3 * HOUR,
    }));
    let (path, created) = sell(&seller, offer).await;
    let shown = async || {
        let reply = app.client().get(&path).await.expect(200);
        let list = app.client().get(&format!("{TICKETS}?available=true")).await.expect(200);
        let all = app.client().get(TICKETS).await.expect(200);
        let item = all.json()["items"][0].clone();
        assert_eq!(
            (&item["status"], &item["available"]),
            (&reply.json()["status"], &reply.json()["available"]),
            "in lists as well"
        );
        let listed = list.json()["items"].as_array().unwrap().len();
        (
            reply.text_at("/status"),
            reply.text_at("/available"),
            listed,
            etag(&reply),
        )
    };
    let state = |status: &str, available: &str, listed| (status.to_owned(), available.to_owned(), listed);
    let mut tags = vec![etag(&created)];
    for (status, available, listed) in [
        ("sale-not-begun", "0", 0),
        ("on-sale", "5", 1),
        ("sale-ended", "0", 0),
        ("begun", "0", 0),
    ] {
        let (shown_status, shown_available, shown_listed, tag) = shown().await;
        assert_eq!(
            (shown_status, shown_available, shown_listed),
            state(status, available, listed)
        );
        tags.push(tag);
        app.env.clock.advance(HOUR);
    }
    assert_eq!(tags[0], tags[1]);
    tags.dedup();
    assert_eq!(tags.len(), 4, "each phase has a tag of its own: {tags:?}");
    app.stop().await;
}

#[tokio::test]
async fn a_change_keeps_the_rules_of_the_sale_that_it_does_not_name() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let offer = with(&json!({
        "timeZone": "europe/berlin",
        "salesBegin": "2998-01-01T00:00:00Z",
        "salesEnd": "2998-12-01T00:00:00Z",
        "startsAt": "2999-01-01T19:30:00Z",
        "requiresSecondFactor": true,
    }));
    let (path, created) = sell(&seller, offer.clone()).await;
    let set = json!([
        "Europe/Berlin",
        "2998-01-01T00:00:00.000Z",
        "2998-12-01T00:00:00.000Z",
        true
    ]);
    assert_eq!(sale_of(&created.json()), set);
    let event_of = async |version: u64| {
        let event = app
            .env
            .wait_for_event(|event| match event {
                Event::TicketCreated(ticket) | Event::TicketUpdated(ticket) => {
                    ticket.id == id(&created) && ticket.version == version
                }
                _ => false,
            })
            .await;
        let (Event::TicketCreated(ticket) | Event::TicketUpdated(ticket)) = event else {
            unreachable!()
        };
        sale_of(&serde_json::to_value(ticket).unwrap())
    };
    assert_eq!(event_of(1).await, set);

    // A client that does not know these fields changes nothing of them.
    let unaware = seller.put(&path, concert(6)).await.expect(200);
    assert_eq!(sale_of(&unaware.json()), set);
    assert_eq!(event_of(2).await, set);
    let removed = with(&json!({
        "timeZone": null,
        "salesBegin": null,
        "salesEnd": null,
        "requiresSecondFactor": false,
    }));
    let removed = seller.put(&path, removed).await.expect(200);
    assert_eq!(sale_of(&removed.json()), json!([null, null, null, false]));
    assert_eq!(
        event_of(3).await,
        json!([null, null, null, null]),
        "absent, as before these fields"
    );
    let null = with(&json!({"requiresSecondFactor": null}));
    assert_eq!(
        seller.put(&path, null).await.expect(422).problem().1,
        "requiresSecondFactor"
    );
    app.stop().await;
}

#[tokio::test]
async fn times_of_a_sale_that_do_not_fit_together_are_refused_at_their_field() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, _) = sell(&seller, concert(5)).await;
    let day = |day: u32| json!(format!("2999-01-{day:02}T00:00:00Z"));
    for (fields, invalid) in [
        (json!({"salesBegin": day(2), "salesEnd": day(2)}), vec!["salesBegin"]),
        (json!({"salesBegin": day(3), "salesEnd": day(2)}), vec!["salesBegin"]),
        (json!({"salesBegin": day(2), "startsAt": day(2)}), vec!["salesBegin"]),
        (json!({"salesEnd": day(3), "startsAt": day(2)}), vec!["salesEnd"]),
        (json!({"salesEnd": "2001-01-01T00:00:00Z"}), vec!["salesEnd"]),
        (
            json!({"salesBegin": day(4), "salesEnd": day(3), "startsAt": day(2)}),
            vec!["salesBegin", "salesEnd"],
        ),
        (json!({"salesBegin": "tomorrow"}), vec!["salesBegin"]),
        (json!({"timeZone": "Europe/Atlantis"}), vec!["timeZone"]),
        (json!({"timeZone": ""}), vec!["timeZone"]),
        (json!({"timeZone": "+01:00"}), vec!["timeZone"]),
        (json!({"timeZone": "x".repeat(65)}), vec!["timeZone"]),
        (json!({"timeZone": 1}), vec!["timeZone"]),
        (json!({"requiresSecondFactor": "yes"}), vec!["requiresSecondFactor"]),
    ] {
        for reply in [
            seller.post(TICKETS, with(&fields)).await,
            seller.put(&path, with(&fields)).await,
        ] {
            let reply = reply.expect(422);
            let mut named = reply.error_fields();
            named.dedup();
            assert_eq!(named, invalid, "{fields}: {}", reply.text);
        }
    }
    let (_, fits) = sell(
        &seller,
        with(&json!({"salesBegin": "2001-01-01T00:00:00Z", "salesEnd": day(2), "startsAt": day(2)})),
    )
    .await;
    assert_eq!(fits.text_at("/status"), "on-sale", "a begin in the past is at once");
    let path = format!("{TICKETS}/{}", id(&fits));
    let earlier: Reply = seller.put(&path, with(&json!({"startsAt": day(1)}))).await.expect(422);
    assert_eq!(
        earlier.problem().1,
        "salesEnd",
        "the end that it keeps is after the start"
    );
    app.stop().await;
}

#[tokio::test]
async fn requests_of_earlier_releases_stay_equal_to_those_with_defaults() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let seller = seller.with("idempotency-key", "one");
    let first = seller.post(TICKETS, concert(5)).await.expect(201);
    let explicit = with(&json!({
        "timeZone": null,
        "salesBegin": null,
        "salesEnd": null,
        "requiresSecondFactor": false,
    }));
    assert_eq!(seller.post(TICKETS, explicit).await.expect(201).text, first.text);
    let other = with(&json!({"timeZone": "UTC"}));
    assert_eq!(
        seller.post(TICKETS, other).await.expect(422).problem().0,
        "idempotency-key-reused"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_seller_without_a_confirmed_address_sells_only_where_that_is_allowed() {
    for (required, status) in [(None, 403), (Some(false), 201)] {
        let env = testkit::TestEnv::new().await;
        let settings = Settings {
            require_confirmed_address: required,
            ..Settings::default()
        };
        let service = env.start::<Ticket>(settings).await;
        let seller = |email_verified: Option<bool>| {
            let token = env.token_with(UserId::new(env.now()), |claims| claims.email_verified = email_verified);
            service.client().bearer(&token)
        };
        let reply = seller(Some(false)).post(TICKETS, concert(1)).await.expect(status);
        if status == 403 {
            assert_eq!(reply.problem().0, "address-not-confirmed");
        }
        // A token of release 0.1 does not have the claim.
        for confirmed in [Some(true), None] {
            let _ = seller(confirmed).post(TICKETS, concert(1)).await.expect(201);
        }
        service.stop().await;
    }
}
