use std::time::Duration;

use values::OrderId;

use crate::test_app::{TestApp, path};

/// An id of 2024, for which a request does not wait.
const OLD_ORDER: &str = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e";

#[tokio::test(flavor = "multi_thread")]
async fn only_the_buyer_can_read_a_deadline() {
    let app = TestApp::new().await;
    let (_, other) = app.env.user(&app.service);
    let order = app.order(Duration::from_mins(15));
    app.publish_order(&order).await;

    let expiration = app.get_expiration(order.id).await.expect(200);
    assert_eq!(expiration.text_at("/orderId"), order.id.to_string());
    assert_eq!(expiration.text_at("/deadline"), order.expires_at.to_string());
    insta::assert_json_snapshot!(expiration.stable_json(), @r#"
    {
      "orderId": "[id]",
      "deadline": "[time]",
      "state": "pending"
    }
    "#);

    let anonymous = app.service.client();
    for path in [path(order.id), "/api/v1/expirations/42".to_owned()] {
        assert_eq!(anonymous.get(&path).await.expect(401).problem().0, "unauthorized");
    }
    assert_eq!(other.get(&path(order.id)).await.expect(404).problem().0, "not-found");
    let malformed = app.client.get("/api/v1/expirations/42").await.expect(400).problem();
    assert_eq!(malformed, ("malformed".to_owned(), "orderId".to_owned()));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_a_new_order_and_not_for_an_old_one() {
    let app = TestApp::new().await;
    let order = app.order(Duration::from_mins(15));
    let (reply, ()) = tokio::join!(app.get_expiration(order.id), app.publish_order(&order));
    assert_eq!(reply.expect(200).text_at("/orderId"), order.id.to_string());

    let (old, new): (OrderId, _) = (OLD_ORDER.parse().unwrap(), OrderId::new(app.env.now()));
    let mut waiting = Box::pin(app.get_expiration(new));
    tokio::select! {
        biased;
        reply = app.get_expiration(old) => assert_eq!(reply.expect(404).problem().0, "not-found"),
        reply = &mut waiting => panic!("the request does not wait: {}", reply.text),
    }
    assert_eq!(waiting.as_mut().await.expect(404).problem().0, "not-found");
    drop(waiting);
    app.stop().await;
}
