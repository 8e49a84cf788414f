//! Refunds over HTTP, with a real broker and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use chassis::Service;
use db::admin;
use events::{
    Dispute, DisputeStatus, Event, Payment, PaymentStatus, Refund, RefundOutcome, RefundTerms, Reversal, Ticket,
};
use order::{Orders, Settings};
use serde_json::{Value, json};
use testkit::{Client, Reply, RunningService, TestEnv, eventually};
use values::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};

struct Shop {
    kit: TestEnv,
    orders: RunningService,
    seller: Client,
    ticket: Ticket,
}

/// An order that is paid.
struct Sale {
    buyer: Client,
    path: String,
    payment: Payment,
}

impl Shop {
    /// A listing of ten.
    async fn open() -> Self {
        let kit = TestEnv::new().await;
        let orders = kit.start::<Orders>(Settings::default()).await;
        let (seller_id, seller) = kit.user(&orders);
        let now = kit.now();
        let ticket = Ticket {
            id: TicketId::new(now),
            version: 1,
            seller_id,
            title: "The Lighthouse Keepers, live".to_owned(),
            price: usd(1999),
            quantity: 10,
            starts_at: None,
            order_window_seconds: None,
            withdrawn_at: None,
            refund_terms: RefundTerms::default(),
            record: None,
        };
        kit.publish("ticket", Event::TicketCreated(ticket.clone())).await;
        Self {
            kit,
            orders,
            seller,
            ticket,
        }
    }

    async fn place(&self, quantity: u32) -> (Client, String, OrderId, UserId) {
        let (user, buyer) = self.kit.user(&self.orders);
        let wish = json!({"ticketId": self.ticket.id, "quantity": quantity});
        let id = buyer.post("/api/v1/orders", wish).await.expect(201).text_at("/id");
        (buyer, format!("/api/v1/orders/{id}"), id.parse().unwrap(), user)
    }

    async fn sell(&self, quantity: u32) -> Sale {
        let (buyer, path, order_id, buyer_id) = self.place(quantity).await;
        let payment = Payment {
            id: PaymentId::new(self.kit.now()),
            version: 4,
            status: PaymentStatus::Captured,
            order_id,
            buyer_id,
            amount: usd(1999 * i64::from(quantity)),
        };
        self.kit
            .publish("payment", Event::PaymentCreated(payment.clone()))
            .await;
        self.kit
            .wait_for_event(|event| matches!(event, Event::OrderCompleted(order) if order.id == order_id))
            .await;
        Sale { buyer, path, payment }
    }

    /// The refund that was approved, as the payment service hears of it.
    async fn approved(&self, id: &str) -> Refund {
        let approved = self
            .kit
            .wait_for_event(|event| matches!(event, Event::RefundApproved(refund) if refund.id.to_string() == id))
            .await;
        let Event::RefundApproved(refund) = approved else {
            unreachable!()
        };
        refund
    }

    /// The payment service has paid it back, or could not.
    async fn answer(&self, sale: &Sale, refund: &Refund, version: u64, failure: Option<&str>) {
        let reversal = Reversal {
            payment: Payment {
                version,
                ..sale.payment.clone()
            },
            refunded_total: refund.amount,
            refund: Some(RefundOutcome {
                id: refund.id,
                amount: refund.amount,
                failure: failure.map(str::to_owned),
            }),
            dispute: None,
        };
        let event = match failure {
            None => Event::PaymentRefunded(reversal),
            Some(_) => Event::PaymentRefundFailed(reversal),
        };
        self.kit.publish("payment", event).await;
    }

    async fn dispute(&self, sale: &Sale, version: u64, status: DisputeStatus) {
        let reversal = Reversal {
            payment: Payment {
                version,
                ..sale.payment.clone()
            },
            refunded_total: usd(0),
            refund: None,
            dispute: Some(Dispute {
                status,
                amount: sale.payment.amount,
            }),
        };
        self.kit.publish("payment", Event::PaymentDisputed(reversal)).await;
    }

    async fn close(self) {
        self.orders.stop().await;
        let found = admin::check(&self.kit.database::<Orders>(), &Orders::SCHEMA, Orders::INVARIANTS).unwrap();
        assert_eq!(found, []);
    }
}

impl Sale {
    async fn ask(&self, by: &Client, body: Value) -> Reply {
        by.post(&format!("{}/refunds", self.path), body).await
    }

    async fn decide(&self, by: &Client, refund: &str, word: &str) -> Reply {
        by.post(&format!("{}/refunds/{refund}/{word}", self.path), json!({}))
            .await
    }

    async fn becomes(&self, status: &str) -> Value {
        eventually(status, || async {
            let shown = self.buyer.get(&self.path).await.expect(200).json();
            (shown["status"] == status).then_some(shown)
        })
        .await
    }
}

fn usd(amount: i64) -> Money {
    Money {
        amount,
        currency: "usd".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_buyer_asks_the_seller_decides_and_the_tickets_are_sold_again() {
    let shop = Shop::open().await;
    let sale = shop.sell(3).await;
    let asked = sale
        .ask(&sale.buyer, json!({"quantity": 1, "reason": "My friend is ill."}))
        .await
        .expect(201);
    assert_eq!(asked.text_at("/status"), "requested");
    assert_eq!(asked.json()["amount"], json!({"amount": 1999, "currency": "usd"}));
    let id = asked.text_at("/id");
    let told = shop.orders.client().get("/metrics").await.expect(200).text;
    let line = r#"ticketing_refunds_open{service="order",status="requested"} 1"#;
    assert!(told.lines().any(|told| told == line), "{told}");

    let waiting = shop
        .seller
        .get("/api/v1/orders/refunds?state=requested")
        .await
        .expect(200);
    assert_eq!(waiting.json()["items"], json!([asked.json()]));
    let approved = sale.decide(&shop.seller, &id, "approve").await.expect(200);
    assert_eq!(approved.text_at("/status"), "approved");
    let again = sale.decide(&shop.seller, &id, "approve").await.expect(200);
    assert_eq!(again.text, approved.text);
    let refused = sale.decide(&shop.seller, &id, "decline").await.expect(409);
    assert_eq!(refused.problem().0, "refund-decided");
    let waiting = shop
        .seller
        .get("/api/v1/orders/refunds?state=requested")
        .await
        .expect(200);
    assert_eq!(waiting.json()["items"], json!([]));

    let refund = shop.approved(&id).await;
    assert_eq!((refund.quantity, refund.amount), (1, usd(1999)));
    assert_eq!(refund.payment_id, sale.payment.id);
    shop.answer(&sale, &refund, 5, None).await;
    let shown = sale.becomes("partially_refunded").await;
    assert_eq!(shown["refundedQuantity"], 1);
    assert_eq!(shown["refundedAmount"], json!({"amount": 1999, "currency": "usd"}));
    let refunds = sale.buyer.get(&format!("{}/refunds", sale.path)).await.expect(200);
    assert_eq!(refunds.text_at("/items/0/status"), "paid");

    let rest = sale.ask(&shop.seller, json!({})).await.expect(201);
    assert_eq!(
        (rest.text_at("/status"), rest.text_at("/quantity")),
        ("approved".to_owned(), "2".to_owned())
    );
    let rest = shop.approved(&rest.text_at("/id")).await;
    shop.answer(&sale, &rest, 6, None).await;
    let _ = sale.becomes("refunded").await;
    let refused = sale.ask(&sale.buyer, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "nothing-to-refund");
    for (status, count) in [("refunded", 1), ("partially_refunded", 0), ("complete", 0)] {
        let list = sale
            .buyer
            .get(&format!("/api/v1/orders?status={status}"))
            .await
            .expect(200);
        assert_eq!(list.json()["items"].as_array().unwrap().len(), count, "{status}");
    }
    // All ten are there again.
    let _ = shop.sell(10).await;
    shop.close().await;
}

#[tokio::test]
async fn a_refund_that_was_promised_is_approved_at_once() {
    let mut shop = Shop::open().await;
    shop.ticket.version = 2;
    shop.ticket.refund_terms.refundable_until = Some(Timestamp::from_millis(shop.kit.now().millis() + 3_600_000));
    shop.kit
        .publish("ticket", Event::TicketUpdated(shop.ticket.clone()))
        .await;
    // Messages of one queue are applied in order.
    let sale = shop.sell(1).await;
    let asked = sale.ask(&sale.buyer, json!({})).await.expect(201);
    assert_eq!(asked.text_at("/status"), "approved");
    shop.close().await;
}

#[tokio::test]
async fn refunds_are_for_the_buyer_and_the_seller_alone() {
    let shop = Shop::open().await;
    let sale = shop.sell(2).await;
    let id = sale
        .ask(&sale.buyer, json!({"quantity": 1}))
        .await
        .expect(201)
        .text_at("/id");
    let list = format!("{}/refunds", sale.path);
    let withdrawal = format!("/api/v1/orders/withdrawals/{}", shop.ticket.id);
    let (nobody, (_, other)) = (shop.orders.client(), shop.kit.user(&shop.orders));

    let _ = sale.ask(&nobody, json!({})).await.expect(401);
    let _ = nobody.get(&list).await.expect(401);
    let _ = nobody.get("/api/v1/orders/refunds").await.expect(401);
    let _ = nobody.get(&withdrawal).await.expect(401);
    let _ = nobody.post(&withdrawal, json!({})).await.expect(401);
    let _ = other.post(&withdrawal, json!({})).await.expect(404);
    let refused = shop.seller.post(&withdrawal, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "ticket-not-withdrawn");
    for word in ["approve", "decline"] {
        let _ = sale.decide(&nobody, &id, word).await.expect(401);
        let _ = sale.decide(&other, &id, word).await.expect(404);
        assert_eq!(
            sale.decide(&sale.buyer, &id, word).await.expect(403).problem().0,
            "forbidden"
        );
    }
    let _ = sale.ask(&other, json!({})).await.expect(404);
    let _ = other.get(&list).await.expect(404);
    let _ = other.get(&withdrawal).await.expect(404);
    for someone in [&other, &sale.buyer] {
        let seen = someone.get("/api/v1/orders/refunds").await.expect(200);
        assert_eq!(
            seen.json()["items"],
            json!([]),
            "who did not sell has nothing to decide"
        );
    }
    assert_eq!(shop.seller.get(&list).await.expect(200).text_at("/items/0/id"), id);
    // A refund belongs to its order.
    let second = shop.sell(1).await;
    let _ = second.decide(&shop.seller, &id, "approve").await.expect(404);
    let declined = sale.decide(&shop.seller, &id, "decline").await.expect(200);
    assert_eq!(declined.text_at("/status"), "declined");
    shop.close().await;
}

#[tokio::test]
async fn bad_input_is_named() {
    let shop = Shop::open().await;
    let sale = shop.sell(2).await;
    for (body, field) in [
        (json!({"quantity": 0}), "quantity"),
        (json!({"quantity": 3}), "quantity"),
        (json!({"quantity": -1}), "quantity"),
        (json!({"reason": "x".repeat(501)}), "reason"),
        (json!({"reason": "nul\u{0}"}), "reason"),
        (json!({"amount": 1}), "amount"),
    ] {
        let refused = sale.ask(&sale.buyer, body.clone()).await.expect(422);
        assert_eq!(refused.problem().1, field, "{body}");
    }
    for (path, field) in [
        ("/api/v1/orders/42/refunds", "id"),
        ("/api/v1/orders/refunds?state=lost", "state"),
        ("/api/v1/orders/refunds?limit=0", "limit"),
        ("/api/v1/orders/refunds?cursor=42", "cursor"),
        ("/api/v1/orders/withdrawals/42", "ticketId"),
    ] {
        assert_eq!(shop.seller.get(path).await.expect(400).problem().1, field, "{path}");
    }
    let (buyer, path, ..) = shop.place(1).await;
    let refused = buyer.post(&format!("{path}/refunds"), json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "order-not-paid");
    shop.close().await;
}

#[tokio::test]
async fn a_request_sent_again_asks_once() {
    let shop = Shop::open().await;
    let sale = shop.sell(2).await;
    let buyer = sale.buyer.clone().with("idempotency-key", "k-1");
    let first = sale.ask(&buyer, json!({"quantity": 1})).await.expect(201);
    let again = sale.ask(&buyer, json!({"quantity": 1})).await.expect(201);
    assert_eq!(first.text, again.text);
    let _ = sale.ask(&buyer, json!({"quantity": 2})).await.expect(422);
    let refunds = sale.buyer.get(&format!("{}/refunds", sale.path)).await.expect(200);
    assert_eq!(refunds.json()["items"].as_array().unwrap().len(), 1);
    shop.close().await;
}

#[tokio::test]
async fn a_sellers_refunds_are_paged_from_the_newest() {
    let shop = Shop::open().await;
    let sale = shop.sell(5).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(
            sale.ask(&sale.buyer, json!({"quantity": 1}))
                .await
                .expect(201)
                .text_at("/id"),
        );
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/v1/orders/refunds?limit=2".to_owned();
    loop {
        let page = shop.seller.get(&path).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|refund| refund["id"].as_str().unwrap().to_owned()));
        let Value::String(cursor) = &page["nextCursor"] else {
            break;
        };
        path = format!("/api/v1/orders/refunds?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    shop.close().await;
}

#[tokio::test]
async fn a_disputed_order_is_shown_and_frozen() {
    let shop = Shop::open().await;
    let sale = shop.sell(1).await;
    shop.dispute(&sale, 5, DisputeStatus::Open).await;
    let disputed = |yes: bool| {
        let sale = &sale;
        eventually("the dispute is shown", move || async move {
            let shown = sale.buyer.get(&sale.path).await.expect(200).json();
            (shown["disputed"] == yes).then_some(shown)
        })
    };
    let shown = disputed(true).await;
    assert_eq!(shown["status"], "complete");
    let refused = sale.ask(&sale.buyer, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "order-disputed");
    shop.dispute(&sale, 6, DisputeStatus::Lost).await;
    let shown = disputed(false).await;
    assert_eq!(shown["refundedAmount"], json!({"amount": 1999, "currency": "usd"}));
    shop.kit
        .wait_for_event(|event| matches!(event, Event::OrderDisputed(_)))
        .await;
    shop.close().await;
}

#[tokio::test]
async fn a_withdrawal_refunds_every_sale_and_goes_on_after_a_restart() {
    let mut shop = Shop::open().await;
    let sales = [shop.sell(2).await, shop.sell(1).await, shop.sell(3).await];
    shop.ticket.version = 2;
    shop.ticket.withdrawn_at = Some(shop.kit.now());
    let path = format!("/api/v1/orders/withdrawals/{}", shop.ticket.id);
    let before = shop.seller.get(&path).await.expect(200).json();
    assert_eq!((&before["withdrawnAt"], &before["pending"]), (&json!(null), &json!(3)));
    shop.kit
        .publish("ticket", Event::TicketUpdated(shop.ticket.clone()))
        .await;
    shop.orders.stop().await;
    shop.orders = shop.kit.start::<Orders>(Settings::default()).await;
    shop.seller = shop.orders.client().bearer(&shop.kit.token(shop.ticket.seller_id));

    for (sale, failure) in sales.iter().zip([None, None, Some("The account is closed.")]) {
        let order_id = sale.payment.order_id;
        let approved = shop
            .kit
            .wait_for_event(|event| matches!(event, Event::RefundApproved(refund) if refund.order_id == order_id))
            .await;
        let Event::RefundApproved(refund) = approved else {
            unreachable!()
        };
        assert_eq!(refund.amount, sale.payment.amount);
        shop.answer(sale, &refund, 5, failure).await;
    }
    let progress = eventually("all is settled", || async {
        let shown = shop.seller.get(&path).await.expect(200).json();
        (shown["pending"] == 0).then_some(shown)
    })
    .await;
    assert_eq!(
        (&progress["orders"], &progress["refunded"], &progress["failed"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let asked = shop.kit.published_events().into_iter();
    let asked = asked.filter(|event| matches!(event, Event::RefundApproved(_))).count();
    assert_eq!(asked, 3, "once for each");

    // The seller has the last one asked for again.
    let retried = shop.seller.post(&path, json!({})).await.expect(200).json();
    assert_eq!((&retried["orders"], &retried["refunded"]), (&json!(3), &json!(2)));
    let last = &sales[2];
    let approved = eventually("it is asked for again", || async {
        let asked = shop.kit.published_events().into_iter();
        asked
            .filter_map(|event| match event {
                Event::RefundApproved(refund) if refund.order_id == last.payment.order_id => Some(refund),
                _ => None,
            })
            .nth(1)
    })
    .await;
    shop.answer(last, &approved, 6, None).await;
    eventually("everybody has their money back", || async {
        let shown = shop.seller.get(&path).await.expect(200).json();
        (shown["refunded"] == 3 && shown["failed"] == 0).then_some(())
    })
    .await;
    shop.close().await;
}
