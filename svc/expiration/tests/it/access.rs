use std::time::Duration;

use testkit::TestEnv;
use values::OrderId;

use crate::town::{on_the_ladder, order, place};

/// An order of 2024 that nobody has heard of.
const OLD: &str = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e";

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_told_to_the_buyer_and_to_nobody_else() {
    let kit = TestEnv::new().await;
    let service = on_the_ladder(&kit).await;
    let (buyer, client) = kit.user(&service);
    let (_, other) = kit.user(&service);
    let order = order(&kit, buyer, Duration::from_mins(15));
    place(&kit, &order).await;
    let path = format!("/api/v1/expirations/{}", order.id);

    let told = client.get(&path).await.expect(200).json();
    let expected = serde_json::json!({
        "orderId": order.id.to_string(), "deadline": order.expires_at.to_string(), "state": "pending",
    });
    assert_eq!(told, expected);

    assert_eq!(
        service.client().get(&path).await.expect(401).problem().0,
        "unauthorized"
    );
    assert_eq!(
        service
            .client()
            .get("/api/v1/expirations/42")
            .await
            .expect(401)
            .problem()
            .0,
        "unauthorized"
    );
    assert_eq!(other.get(&path).await.expect(404).problem().0, "not-found");
    let malformed = client.get("/api/v1/expirations/42").await.expect(400).problem();
    assert_eq!(malformed, ("malformed".to_owned(), "orderId".to_owned()));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_placed_just_now_is_waited_for_and_an_old_one_is_not() {
    let kit = TestEnv::new().await;
    let service = on_the_ladder(&kit).await;
    let (buyer, client) = kit.user(&service);
    let order = order(&kit, buyer, Duration::from_mins(15));
    let path = format!("/api/v1/expirations/{}", order.id);
    let (told, ()) = tokio::join!(client.get(&path), place(&kit, &order));
    assert_eq!(told.expect(200).text_at("/orderId"), order.id.to_string());

    let (old, new): (OrderId, _) = (OLD.parse().unwrap(), OrderId::new(kit.now()));
    let path = |id: OrderId| format!("/api/v1/expirations/{id}");
    let (old, new) = (path(old), path(new));
    let mut waiting = std::pin::pin!(client.get(&new));
    tokio::select! {
        biased;
        told = client.get(&old) => assert_eq!(told.expect(404).problem().0, "not-found"),
        told = &mut waiting => panic!("it may still come: {}", told.text),
    }
    assert_eq!(waiting.await.expect(404).problem().0, "not-found");
    service.stop().await;
}
