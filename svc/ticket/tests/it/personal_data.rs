//! The export of the personal data that this service stores.

use events::{Account, Event, examples};
use serde_json::json;
use ticket::Ticket;

use crate::{concert, sell, test_app::TestApp};

const PATH: &str = "/api/v1/tickets/personal-data";

#[tokio::test]
async fn sellers_read_their_listings_and_holders_their_tickets_without_codes() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (first, ticket) = sell(&seller, concert(5)).await;
    let (withdrawn, _) = sell(&seller, concert(5)).await;
    let (newest, _) = sell(&seller, concert(5)).await;
    let _ = seller.delete(&withdrawn).await.expect(204);
    let door = json!({"name": "North entrance", "expiresAt": app.now() + std::time::Duration::from_hours(1)});
    let _ = seller.post(&format!("{first}/doors"), door).await.expect(201);
    let (order, admissions) = app.complete_order(&ticket, 3).await;
    let account = Account {
        id: order.buyer_id,
        ..examples::account(app.now())
    };
    app.env.publish("auth", Event::AccountCreated(account.clone())).await;
    let buyer = app.client_of(order.buyer_id);

    let given = format!("/api/v1/admissions/{}/transfer", admissions[1]["id"].as_str().unwrap());
    for _ in 0..2 {
        let _ = buyer
            .post(&given, json!({"email": "grace@example.com"}))
            .await
            .expect(201);
        let _ = buyer.delete(&given).await.expect(204);
    }
    let _ = buyer
        .post(&given, json!({"email": "grace@example.com"}))
        .await
        .expect(201);

    for limit in [1, 2, 100] {
        let listings = seller.exported(PATH, "listings", limit).await;
        let ids: Vec<_> = listings
            .iter()
            .map(|own| own["ticket"]["id"].as_str().unwrap())
            .collect();
        let expected = [&newest, &first, &withdrawn].map(|path| path.rsplit('/').next().unwrap());
        assert_eq!(ids, expected, "{limit}");
        assert_eq!(listings[1]["doors"], json!(["North entrance"]));
        assert!(seller.exported(PATH, "admissions", limit).await.is_empty());

        let held = buyer.exported(PATH, "admissions", limit).await;
        assert_eq!(held.len(), 3, "{limit}");
        for (exported, shown) in held.iter().zip(&admissions) {
            assert_eq!((&exported["id"], &exported["code"]), (&shown["id"], &json!(null)));
        }
        assert_eq!(held[1]["transfer"]["email"], "grace@example.com");
        let transfers = buyer.exported(PATH, "transfers", limit).await;
        let statuses: Vec<_> = transfers
            .iter()
            .map(|transfer| transfer["status"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, ["offered", "cancelled", "cancelled"], "{limit}");
        assert!(seller.exported(PATH, "transfers", limit).await.is_empty());
        assert!(buyer.exported(PATH, "listings", limit).await.is_empty());
    }
    testkit::eventually("the account is known", || async {
        let data = buyer.get(PATH).await.expect(200).json();
        (data["email"] == json!(account.email) && data["name"] == json!(account.name)).then_some(())
    })
    .await;
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
}

#[tokio::test]
async fn nobody_reads_the_personal_data_of_others() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let _ = sell(&seller, concert(5)).await;
    let _ = app.client().get(PATH).await.expect(401);
    let cursor = seller.get(PATH).await.expect(200).text_at("/nextCursor");
    let (_, stranger) = app.user();
    let refused = stranger.get(&format!("{PATH}?cursor={cursor}")).await.expect(400);
    assert_eq!(refused.problem().1, "cursor");
    for list in ["listings", "admissions", "transfers", "activity"] {
        assert!(stranger.exported(PATH, list, 100).await.is_empty(), "{list}");
    }
    app.stop().await;
}
