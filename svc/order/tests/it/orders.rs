//! The service over HTTP, with a real broker and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use events::{Event, OrderStatus, Payment, PaymentStatus, Ticket};
use order::{Orders, Settings};
use serde_json::{Value, json};
use testkit::{Client, Method, Reply, RunningService, TestEnv, eventually};
use values::{Money, PaymentId, TicketId, UserId};

struct Shop {
    kit: TestEnv,
    orders: RunningService,
}

impl Shop {
    async fn open() -> Self {
        let kit = TestEnv::new().await;
        let orders = kit.start::<Orders>(Settings::default()).await;
        Self { kit, orders }
    }

    async fn sell(&self, quantity: u32) -> Ticket {
        let now = self.kit.now();
        let ticket = Ticket {
            id: TicketId::new(now),
            version: 1,
            seller_id: UserId::new(now),
            title: "The Lighthouse Keepers, live".to_owned(),
            price: Money {
                amount: 1999,
                currency: "usd".parse().unwrap(),
            },
            quantity,
            starts_at: None,
            order_window_seconds: None,
            withdrawn_at: None,
            refund_terms: events::RefundTerms::default(),
            record: None,
        };
        self.kit.publish("ticket", Event::TicketCreated(ticket.clone())).await;
        ticket
    }

    fn buyer(&self) -> Client {
        self.kit.user(&self.orders).1
    }
}

async fn order(buyer: &Client, ticket: &Ticket) -> Reply {
    buyer.post("/api/v1/orders", json!({"ticketId": ticket.id})).await
}

#[tokio::test]
async fn an_order_holds_tickets_until_it_is_paid() {
    let shop = Shop::open().await;
    let ticket = shop.sell(5).await;
    let buyer = shop.buyer();
    let placed = buyer
        .post("/api/v1/orders", json!({"ticketId": ticket.id, "quantity": 2}))
        .await
        .expect(201);
    let id = placed.text_at("/id");
    assert_eq!(placed.headers["location"], format!("/api/v1/orders/{id}"));
    assert_eq!(placed.json()["total"], json!({"amount": 3998, "currency": "usd"}));
    assert_eq!(placed.json()["ticket"]["title"], ticket.title);
    let path = format!("/api/v1/orders/{id}");
    assert_eq!(buyer.get(&path).await.expect(200).json(), placed.json());

    let created = shop
        .kit
        .wait_for_event(|event| matches!(event, Event::OrderCreated(_)))
        .await;
    let Event::OrderCreated(created) = created else {
        unreachable!()
    };
    assert_eq!(
        (created.version, created.status, created.quantity),
        (1, OrderStatus::Created, 2)
    );
    let payment = Payment {
        id: PaymentId::new(shop.kit.now()),
        version: 2,
        status: PaymentStatus::Authorized,
        order_id: created.id,
        buyer_id: created.buyer_id,
        amount: created.total,
    };
    shop.kit
        .publish("payment", Event::PaymentAuthorized(payment.clone()))
        .await;
    shop.kit
        .wait_for_event(|event| matches!(event, Event::OrderConfirmed(order) if order.payment_id == Some(payment.id)))
        .await;
    assert_eq!(buyer.delete(&path).await.expect(409).problem().0, "order-being-paid");
    shop.kit
        .publish(
            "payment",
            Event::PaymentCreated(Payment {
                status: PaymentStatus::Captured,
                ..payment
            }),
        )
        .await;
    shop.kit
        .wait_for_event(|event| matches!(event, Event::OrderCompleted(_)))
        .await;
    assert_eq!(buyer.get(&path).await.text_at("/status"), "complete");
    assert_eq!(buyer.delete(&path).await.expect(409).problem().0, "order-complete");
}

#[tokio::test]
async fn a_cancelled_order_gives_its_tickets_back() {
    let shop = Shop::open().await;
    let ticket = shop.sell(1).await;
    let (first, second) = (shop.buyer(), shop.buyer());
    let id = order(&first, &ticket).await.expect(201).text_at("/id");
    let refused = order(&second, &ticket).await.expect(409);
    assert_eq!(refused.problem().0, "sold-out");
    for _ in 0..2 {
        let _ = first.delete(&format!("/api/v1/orders/{id}")).await.expect(204);
    }
    let _ = order(&second, &ticket).await.expect(201);
    let heard = shop
        .kit
        .wait_for_event(|event| matches!(event, Event::OrderCancelled(_)))
        .await;
    assert!(matches!(heard, Event::OrderCancelled(order) if order.id.to_string() == id && order.version == 2));
}

#[tokio::test]
async fn a_request_sent_again_gets_the_same_answer_byte_for_byte_also_after_a_restart() {
    let shop = Shop::open().await;
    let ticket = shop.sell(2).await;
    let (user, _) = shop.kit.user(&shop.orders);
    let token = shop.kit.token(user);
    let buyer = |at: &RunningService| at.client().bearer(&token).with("idempotency-key", "k-1");
    let at_once = futures_util::future::join_all((0..8).map(|_| {
        let buyer = buyer(&shop.orders);
        let ticket = ticket.clone();
        async move { order(&buyer, &ticket).await.expect(201) }
    }))
    .await;
    assert!(
        at_once.iter().all(|reply| reply.text == at_once[0].text),
        "eight at once run once"
    );
    let other = buyer(&shop.orders)
        .post("/api/v1/orders", json!({"ticketId": ticket.id, "quantity": 2}))
        .await
        .expect(422);
    assert_eq!(
        other.problem(),
        ("idempotency-key-reused".to_owned(), "Idempotency-Key".to_owned())
    );
    let Shop { kit, orders } = shop;
    orders.stop().await;
    let orders = kit.start::<Orders>(Settings::default()).await;
    let again = order(&buyer(&orders), &ticket).await.expect(201);
    assert_eq!(again.text, at_once[0].text);
    assert_eq!(again.headers["location"], at_once[0].headers["location"]);
    let list = orders
        .client()
        .bearer(&token)
        .get("/api/v1/orders")
        .await
        .expect(200)
        .json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    // A refusal is an answer, too.
    let late = orders
        .client()
        .bearer(&kit.token(UserId::new(kit.now())))
        .with("idempotency-key", "k-2");
    let too_many = json!({"ticketId": ticket.id, "quantity": 2});
    let refused = late.post("/api/v1/orders", too_many.clone()).await.expect(409);
    let _ = orders
        .client()
        .bearer(&token)
        .delete(&format!("/api/v1/orders/{}", again.text_at("/id")))
        .await
        .expect(204);
    assert_eq!(
        late.post("/api/v1/orders", too_many).await.expect(409).text,
        refused.text
    );
}

#[tokio::test]
async fn every_operation_is_for_its_buyer_alone() {
    let shop = Shop::open().await;
    let ticket = shop.sell(5).await;
    let id = order(&shop.buyer(), &ticket).await.expect(201).text_at("/id");
    let path = format!("/api/v1/orders/{id}");
    let (nobody, other) = (shop.orders.client(), shop.buyer());
    let _ = order(&nobody, &ticket).await.expect(401);
    let _ = nobody.get("/api/v1/orders").await.expect(401);
    let _ = nobody.get(&path).await.expect(401);
    let _ = nobody.delete(&path).await.expect(401);
    assert_eq!(other.get("/api/v1/orders").await.expect(200).json()["items"], json!([]));
    let hidden = other.get(&path).await.expect(404);
    let missing = other
        .get("/api/v1/orders/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e")
        .await
        .expect(404);
    assert_eq!(hidden.problem(), missing.problem());
    let _ = other.delete(&path).await.expect(404);
    let seller = shop.orders.client().bearer(&shop.kit.token(ticket.seller_id));
    assert_eq!(order(&seller, &ticket).await.expect(403).problem().0, "own-ticket");
}

#[tokio::test]
async fn bad_input_is_named() {
    let shop = Shop::open().await;
    let ticket = shop.sell(5).await;
    let buyer = shop.buyer();
    for (body, field) in [
        (json!({}), "ticketId"),
        (json!({"ticketId": "42"}), "ticketId"),
        (json!({"ticketId": ticket.id, "quantity": 0}), "quantity"),
        (json!({"ticketId": ticket.id, "quantity": 11}), "quantity"),
        (json!({"ticketId": ticket.id, "quantity": -1}), "quantity"),
        (json!({"ticketId": ticket.id, "quantity": 1.5}), "quantity"),
        (json!({"ticketId": ticket.id, "count": 1}), "count"),
    ] {
        let refused = buyer.post("/api/v1/orders", body.clone()).await.expect(422);
        assert_eq!(refused.problem().1, field, "{body}");
    }
    for (path, field) in [
        ("/api/v1/orders/42", "id"),
        ("/api/v1/orders?status=lost", "status"),
        ("/api/v1/orders?limit=0", "limit"),
        ("/api/v1/orders?cursor=42", "cursor"),
    ] {
        assert_eq!(buyer.get(path).await.expect(400).problem().1, field, "{path}");
    }
    let _ = buyer
        .with("idempotency-key", "two words")
        .post("/api/v1/orders", json!({"ticketId": ticket.id}))
        .await
        .expect(400);
    let refused = shop
        .buyer()
        .send(Method::PATCH, "/api/v1/orders", None)
        .await
        .expect(405);
    assert_eq!(refused.headers["allow"], "GET, POST");
}

#[tokio::test]
async fn a_list_is_paged_from_the_newest_and_filtered_by_status() {
    let shop = Shop::open().await;
    let ticket = shop.sell(100).await;
    let buyer = shop.buyer();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(order(&buyer, &ticket).await.expect(201).text_at("/id"));
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/v1/orders?limit=2".to_owned();
    loop {
        let page = buyer.get(&path).await.expect(200).json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|order| order["id"].as_str().unwrap().to_owned()),
        );
        // What comes meanwhile shifts nothing.
        let _ = order(&buyer, &ticket).await.expect(201);
        let Value::String(cursor) = &page["nextCursor"] else {
            break;
        };
        path = format!("/api/v1/orders?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    let _ = buyer.delete(&format!("/api/v1/orders/{}", ids[0])).await.expect(204);
    let cancelled = buyer.get("/api/v1/orders?status=cancelled").await.expect(200).json();
    assert_eq!(cancelled["items"][0]["id"], ids[0].as_str());
    assert_eq!(cancelled["items"].as_array().unwrap().len(), 1);
    assert_eq!(cancelled["items"][0]["cancelReason"], "user");
}

#[tokio::test]
async fn a_listing_can_be_ordered_at_once_though_its_event_is_still_on_its_way() {
    let shop = Shop::open().await;
    let ticket = Ticket {
        id: TicketId::new(shop.kit.now()),
        ..shop.sell(1).await
    };
    let buyer = shop.buyer();
    let (placed, ()) = tokio::join!(order(&buyer, &ticket), async {
        eventually("the order waits", || async { Some(()) }).await;
        shop.kit.publish("ticket", Event::TicketCreated(ticket.clone())).await;
    });
    let _ = placed.expect(201);
}

#[tokio::test]
async fn metrics_tell_what_is_held_and_never_what_a_client_wrote() {
    let shop = Shop::open().await;
    let ticket = shop.sell(5).await;
    let buyer = shop.buyer();
    let placed = buyer
        .post("/api/v1/orders", json!({"ticketId": ticket.id, "quantity": 2}))
        .await
        .expect(201);
    let id = placed.text_at("/id");
    let _ = buyer.get(&format!("/api/v1/orders/{id}")).await.expect(200);
    let _ = buyer.get("/api/v1/orders/nonsense?token=hidden").await.expect(400);
    let _ = buyer.get("/no/such/path").await.expect(404);
    let told = buyer.get("/metrics").await.expect(200);
    assert_eq!(
        told.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    for line in [
        r#"ticketing_orders{service="order",status="created",reason=""} 1"#,
        r#"ticketing_order_tickets{service="order",status="created",reason=""} 2"#,
        r#"ticketing_messages_total{service="order",queue="events",outcome="applied"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="POST",http_route="/api/v1/orders",http_response_status_code="201"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="GET",http_route="/api/v1/orders/{id}",http_response_status_code="200"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="GET",http_route="/api/v1/orders/{id}",http_response_status_code="400"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="GET",http_route="other",http_response_status_code="404"} 1"#,
        r#"ticketing_broker_connected{service="order"} 1"#,
        r#"ticketing_db_writable{service="order"} 1"#,
    ] {
        assert!(
            told.text.lines().any(|told| told == line),
            "{line} is not in\n{}",
            told.text
        );
    }
    for written in [id.as_str(), "nonsense", "hidden", "/no/such"] {
        assert!(!told.text.contains(written), "{written} is in\n{}", told.text);
    }
}
