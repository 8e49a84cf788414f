//! Admissions of their holders.

use events::{AfterSale, Event, OrderStatus, examples};
use ticket::Ticket;
use values::{Language, UserId};

use crate::{concert, sell, test_app::TestApp};

#[tokio::test]
async fn a_complete_order_gives_its_buyer_a_code_for_each_ticket_and_nobody_else_sees_them() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(5)).await;
    let (order, admissions) = app.complete_order(&ticket, 2).await;
    let buyer = app.client_of(order.buyer_id);
    for (number, admission) in (1..).zip(&admissions) {
        assert_eq!(
            (admission["number"].as_u64(), admission["of"].as_u64()),
            (Some(number), Some(2))
        );
        assert_eq!(admission["state"], "valid");
        assert_eq!(admission["code"].as_str().unwrap().len(), 34);
        let qr = admission["qr"].as_str().unwrap();
        let code = passes::SignedCode::parse(qr).unwrap();
        assert_eq!(code.admission_id.to_string(), admission["id"].as_str().unwrap());
        assert_eq!(code.ticket_id, order.ticket_id);
        assert_eq!(code.secret.short_form(), admission["code"].as_str().unwrap());
    }
    assert_ne!(admissions[0]["code"], admissions[1]["code"]);
    let all = buyer.get("/api/v1/admissions").await.expect(200);
    assert_eq!(all.json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(all.headers["cache-control"], "private, no-store");

    let id = admissions[0]["id"].as_str().unwrap();
    let path = format!("/api/v1/admissions/{id}");
    assert_eq!(buyer.get(&path).await.expect(200).json()["code"], admissions[0]["code"]);
    for (stranger, whose) in [(&seller, "the seller"), (&app.user().1, "a stranger")] {
        let listed = stranger
            .get(&format!("/api/v1/admissions?orderId={}", order.id))
            .await
            .expect(200);
        assert_eq!(listed.json()["items"].as_array().unwrap().len(), 0, "{whose}");
        for end in ["", "/qr.svg", "/qr.png", "/pass.pdf"] {
            let _ = stranger.get(&format!("{path}{end}")).await.expect(404);
        }
        let passes = format!("/api/v1/admissions/orders/{}/passes.pdf", order.id);
        let _ = stranger.get(&passes).await.expect(404);
    }
    for end in ["", "/qr.svg", "/qr.png", "/pass.pdf"] {
        let _ = app.client().get(&format!("{path}{end}")).await.expect(401);
    }
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
}

#[tokio::test]
async fn codes_are_pictures_and_printed_pages_that_no_cache_stores() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(5)).await;
    let (order, admissions) = app.complete_order(&ticket, 2).await;
    let buyer = app.client_of(order.buyer_id);
    let path = format!("/api/v1/admissions/{}", admissions[0]["id"].as_str().unwrap());
    let all = format!("/api/v1/admissions/orders/{}/passes.pdf", order.id);
    for (path, media_type) in [
        (format!("{path}/qr.svg"), "image/svg+xml"),
        (format!("{path}/qr.png"), "image/png"),
        (format!("{path}/pass.pdf"), "application/pdf"),
        (all, "application/pdf"),
    ] {
        let reply = buyer.get(&path).await.expect(200);
        assert_eq!(reply.headers["content-type"], media_type, "{path}");
        assert_eq!(reply.headers["cache-control"], "private, no-store", "{path}");
        assert!(reply.text.len() > 1000, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_printed_ticket_is_in_the_language_of_the_account_of_its_holder() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(5)).await;
    let (order, admissions) = app.complete_order(&ticket, 1).await;
    let buyer = app.client_of(order.buyer_id);
    let path = format!("/api/v1/admissions/{}", admissions[0]["id"].as_str().unwrap());
    let print = async || buyer.get(&format!("{path}/pass.pdf")).await.expect(200).text;
    let account = events::Account {
        id: order.buyer_id,
        ..examples::account(app.now())
    };
    app.env.publish("auth", Event::AccountCreated(account.clone())).await;
    testkit::eventually("the holder has a name", || async {
        let shown = buyer.get(&path).await.expect(200).json();
        (shown["holder"] == "Ada Lovelace").then_some(())
    })
    .await;
    let english = print().await;
    assert_eq!(print().await, english);
    let german = events::Account {
        version: 2,
        language: Language::German,
        ..account
    };
    app.env.publish("auth", Event::AccountUpdated(german)).await;
    testkit::eventually("the ticket is printed in German", || async {
        (print().await != english).then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn refunded_tickets_are_void_and_have_no_code() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(5)).await;
    let (mut order, admissions) = app.complete_order(&ticket, 2).await;
    order.version += 1;
    order.after_sale = Some(AfterSale {
        refunded_quantity: 1,
        returned_quantity: 1,
        refunded_amount: order.total,
        dispute: None,
    });
    app.env.publish("order", Event::OrderRefunded(order.clone())).await;
    let buyer = app.client_of(order.buyer_id);
    let path = format!("/api/v1/admissions/{}", admissions[1]["id"].as_str().unwrap());
    let void = testkit::eventually("the second ticket is void", || async {
        let shown = buyer.get(&path).await.expect(200).json();
        (shown["state"] == "void").then_some(shown)
    })
    .await;
    assert_eq!(
        (&void["voidReason"], void["code"].is_null(), void["qr"].is_null()),
        (&"refund".into(), true, true)
    );
    let refused = buyer.get(&format!("{path}/qr.svg")).await.expect(409);
    assert_eq!(refused.problem().0, "admission-not-valid");
    app.env
        .wait_for_event(|event| matches!(event, Event::AdmissionVoided(of) if of.order_id == order.id))
        .await;
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
}

#[tokio::test]
async fn the_holder_is_the_name_of_the_account_until_it_is_deleted() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(5)).await;
    let (order, admissions) = app.complete_order(&ticket, 1).await;
    let account = events::Account {
        id: order.buyer_id,
        ..examples::account(app.now())
    };
    let deleted = events::Account {
        version: 2,
        status: events::AccountStatus::Deleted,
        ..account.clone()
    };
    let path = format!("/api/v1/admissions/{}", admissions[0]["id"].as_str().unwrap());
    let buyer = app.client_of(order.buyer_id);
    for (event, name) in [
        (Event::AccountCreated(account.clone()), Some("Ada Lovelace")),
        (Event::AccountDeleted(deleted), None),
    ] {
        app.env.publish("auth", event).await;
        testkit::eventually("the name of the holder follows the account", || async {
            let shown = buyer.get(&path).await.expect(200).json();
            (shown["holder"].as_str() == name).then_some(())
        })
        .await;
    }
    app.env.publish("auth", Event::AccountCreated(account)).await;
    app.stop().await;
    let stored = std::fs::read(app.env.database::<Ticket>()).unwrap();
    assert!(
        !stored.windows(12).any(|window| window == b"Ada Lovelace"),
        "erased for good"
    );
}

#[tokio::test]
async fn a_database_without_its_key_admits_nobody() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 1).await;
    app.stop().await;
    let database = app.env.database::<Ticket>();
    let stored = std::fs::read(&database).unwrap();
    let code = passes::SignedCode::parse(admissions[0]["qr"].as_str().unwrap()).unwrap();
    for text in [code.text(), code.secret.short_form()] {
        let text = text.trim_start_matches("T1:").as_bytes();
        assert!(
            !stored.windows(24).any(|window| window == &text[..24]),
            "a code is stored"
        );
    }
    std::fs::remove_file(database.with_extension("key")).unwrap();
    let error = chassis::start::<Ticket>(
        database,
        app.env.common(),
        ticket::Settings::default(),
        values::Clock::system(),
    )
    .await
    .err()
    .unwrap()
    .to_string();
    assert!(error.contains("ticket.key is missing"), "{error}");
}

#[tokio::test]
async fn an_order_that_is_not_paid_has_no_admission() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(5)).await;
    let mut open = app.order(&ticket, 1);
    app.publish_order(&mut open, OrderStatus::Created).await;
    let (_, admissions) = app.complete_order(&ticket, 1).await;
    assert_eq!(admissions.len(), 1);
    let listed = app.client_of(open.buyer_id).get("/api/v1/admissions").await.expect(200);
    let of_open = listed.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|of| of["orderId"] == open.id.to_string())
        .count();
    assert_eq!(of_open, 0);
    let _: UserId = open.buyer_id;
    app.stop().await;
}
