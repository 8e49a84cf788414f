//! The export of the personal data that this service stores.

use serde_json::json;

use crate::test_app::TestApp;

const PATH: &str = "/api/v1/payments/personal-data";

#[tokio::test(flavor = "multi_thread")]
async fn buyers_read_their_payments_and_sellers_their_ledger_without_what_continues_a_payment() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let (order, paid) = app.complete_sale(&buyer, "tok_visa").await;
    let open = app.create_order(&buyer).await;
    let pending = app.start_in_browser(&buyer, &open).await;
    let client = app.client(&buyer);
    for limit in [1, 100] {
        let payments = client.exported(PATH, "payments", limit).await;
        let ids: Vec<_> = payments
            .iter()
            .map(|own| own["payment"]["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, [pending.payment.to_string(), paid.to_string()], "{limit}");
        assert!(
            payments
                .iter()
                .all(|own| own["stripeIntent"].as_str().unwrap().starts_with("pi_"))
        );
        assert_eq!(payments[1]["stripeToken"], "tok_visa");
        for secret in ["clientSecret", "nextActionUrl", "publishableKey"] {
            assert_eq!(payments[0]["payment"].get(secret), None, "{secret}");
        }
        assert!(client.exported(PATH, "ledger", limit).await.is_empty());
        let activity = client.exported(PATH, "activity", limit).await;
        assert!(!activity.is_empty() && activity.iter().all(|entry| entry["network"] == "127.0.0.1/32"));
    }
    let seller = app.seller(&order);
    let lines = seller.get("/api/v1/payments/ledger").await.expect(200).json();
    assert_eq!(json!(seller.exported(PATH, "ledger", 1).await), lines["items"]);
    let balance = seller.get("/api/v1/payments/balance").await.expect(200).json();
    assert_eq!(seller.get(PATH).await.expect(200).json()["balance"], balance);
    assert!(seller.exported(PATH, "payments", 100).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_the_personal_data_of_others() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let _ = app.complete_sale(&buyer, "tok_visa").await;
    let _ = app.anonymous().get(PATH).await.expect(401);
    let cursor = app.client(&buyer).get(PATH).await.expect(200).text_at("/nextCursor");
    let stranger = app.client(&app.buyer());
    let refused = stranger.get(&format!("{PATH}?cursor={cursor}")).await.expect(400);
    assert_eq!(refused.problem().1, "cursor");
    for list in ["payments", "ledger", "activity"] {
        assert!(stranger.exported(PATH, list, 100).await.is_empty(), "{list}");
    }
    assert_eq!(
        stranger.get(PATH).await.expect(200).json()["balance"]["currencies"],
        json!([])
    );
}
