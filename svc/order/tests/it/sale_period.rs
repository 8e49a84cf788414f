//! When and to whom a listing is sold.

use std::time::Duration;

use events::{Ticket, examples};
use order::{Orders, Settings};
use serde_json::json;
use testkit::{Client, eventually};
use values::UserId;

use crate::test_app::{TestApp, place_one};

const HOUR: Duration = Duration::from_hours(1);

impl TestApp {
    /// Returns a client of a new user who has signed in by these methods.
    fn user_signed_in_by(&self, methods: &[&str]) -> Client {
        let token = self.env.token_with(UserId::new(self.env.now()), |claims| {
            claims.amr = methods.iter().map(|method| (*method).to_owned()).collect();
        });
        self.anonymous().bearer(&token)
    }
}

#[tokio::test]
async fn tickets_are_sold_between_the_begin_and_the_end_of_the_sale_only() {
    let app = TestApp::with_manual_clock().await;
    let now = app.env.now();
    let ticket = Ticket {
        sales_begin: Some(now + HOUR),
        sales_end: Some(now + 2 * HOUR),
        ..examples::ticket(now)
    };
    app.publish_listing(&ticket).await;
    let early = place_one(&app.user(), ticket.id).await.expect(409);
    assert_eq!(early.problem().0, "sale-not-begun");
    assert!(
        early.text_at("/detail").contains(&(now + HOUR).to_string()),
        "the buyer reads when it begins: {}",
        early.text
    );
    app.env.clock.advance(HOUR);
    let buyer = app.user();
    let placed = place_one(&buyer, ticket.id).await.expect(201);
    app.env.clock.advance(Duration::from_millis(3_599_999));
    let _ = place_one(&app.user(), ticket.id).await.expect(201);
    app.env.clock.advance(Duration::from_millis(1));
    let late = place_one(&app.user(), ticket.id).await.expect(409);
    assert_eq!(late.problem().0, "sale-ended");
    assert!(
        placed.text_at("/expiresAt").as_str() > now.to_string().as_str(),
        "an order that was placed in time keeps its window"
    );

    // The seller extends the sale, and then removes its end.
    let mut longer = ticket.clone();
    (longer.version, longer.sales_end) = (2, Some(now + 3 * HOUR));
    app.publish_listing(&longer).await;
    eventually("the sale is longer", || async {
        (place_one(&app.user(), ticket.id).await.status == 201).then_some(())
    })
    .await;
    app.env.clock.advance(HOUR);
    let _ = place_one(&app.user(), ticket.id).await.expect(409);
    (longer.version, longer.sales_begin, longer.sales_end) = (3, None, None);
    app.publish_listing(&longer).await;
    eventually("the sale has no end", || async {
        (place_one(&app.user(), ticket.id).await.status == 201).then_some(())
    })
    .await;
    app.close_and_check().await;
}

#[tokio::test]
async fn a_listing_may_be_sold_to_buyers_with_a_second_factor_only() {
    let app = TestApp::new().await;
    let ticket = Ticket {
        requires_second_factor: true,
        ..examples::ticket(app.env.now())
    };
    app.publish_listing(&ticket).await;
    for methods in [&[][..], &["pwd"], &["pwd", "otp"]] {
        let refused = place_one(&app.user_signed_in_by(methods), ticket.id).await.expect(403);
        assert_eq!(refused.problem().0, "second-factor-required", "{methods:?}");
    }
    let buyer = app.user_signed_in_by(&["pwd", "otp", "mfa"]);
    let _ = place_one(&buyer, ticket.id).await.expect(201);
    let usual = app.create_listing(5).await;
    let _ = place_one(&app.user_signed_in_by(&["pwd"]), usual.id).await.expect(201);
    app.close_and_check().await;
}

#[tokio::test]
async fn rules_of_the_sale_are_added_to_a_version_that_an_earlier_release_stored() {
    let app = TestApp::new().await;
    let now = app.env.now();
    let known = Ticket {
        sales_begin: Some(now + HOUR),
        sales_end: Some(now + 2 * HOUR),
        requires_second_factor: true,
        ..examples::ticket(now)
    };
    let unknown = Ticket {
        sales_begin: None,
        sales_end: None,
        requires_second_factor: false,
        ..known.clone()
    };
    app.publish_listing(&unknown).await;
    let _ = place_one(&app.user(), known.id).await.expect(201);
    app.publish_listing(&known).await;
    eventually("the rules are known", || async {
        let refused = place_one(&app.user_signed_in_by(&["mfa"]), known.id).await;
        (refused.status == 409).then(|| assert_eq!(refused.problem().0, "sale-not-begun"))
    })
    .await;
    // An earlier release publishes the same version again.
    app.publish_listing(&unknown).await;
    let marker = app.create_listing(1).await;
    let _ = place_one(&app.user(), marker.id).await.expect(201);
    let _ = place_one(&app.user(), known.id).await.expect(409);
    app.close_and_check().await;
}

#[tokio::test]
async fn a_buyer_without_a_confirmed_address_orders_only_where_that_is_allowed() {
    for (required, status) in [(None, 403), (Some(false), 201)] {
        let env = testkit::TestEnv::new().await;
        let settings = Settings {
            require_confirmed_address: required,
            ..Settings::default()
        };
        let service = env.start::<Orders>(settings).await;
        let ticket = examples::ticket(env.now());
        env.publish("ticket", events::Event::TicketCreated(ticket.clone()))
            .await;
        let buyer = |email_verified: Option<bool>| {
            let token = env.token_with(UserId::new(env.now()), |claims| claims.email_verified = email_verified);
            service.client().bearer(&token)
        };
        let body = json!({"ticketId": ticket.id});
        let reply = buyer(Some(false))
            .post("/api/v1/orders", body.clone())
            .await
            .expect(status);
        if status == 403 {
            assert_eq!(reply.problem().0, "address-not-confirmed");
        }
        // A token of release 0.1 does not have the claim.
        for confirmed in [Some(true), None] {
            let _ = buyer(confirmed).post("/api/v1/orders", body.clone()).await.expect(201);
        }
        service.stop().await;
    }
}
