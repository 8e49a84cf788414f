//! Tickets that are given to somebody else.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use events::{AfterSale, Dispute, DisputeStatus, Event, Transfer, TransferStatus, examples};
use sealing::EncryptionKeys;
use serde_json::{Value, json};
use testkit::{Client, Reply};
use ticket::Ticket;
use values::UserId;

use crate::{concert, sell, test_app::TestApp};

const GRACE: &str = "grace@example.com";

/// A ticket on offer.
struct Offered {
    /// The path of the admission.
    admission: String,
    /// The path of the offer, by its token.
    path: String,
    event: Transfer,
}

fn path(admission: &Value) -> String {
    format!("/api/v1/admissions/{}", admission["id"].as_str().unwrap())
}

fn code(admission: &Value) -> Value {
    json!({"code": admission["qr"]})
}

/// Returns the token that the mail of an offer has.
fn token(app: &TestApp, transfer: &Transfer) -> String {
    let key = std::fs::read_to_string(app.env.database::<Ticket>().with_extension("key")).unwrap();
    let keys: EncryptionKeys = key.trim().parse().unwrap();
    let sealed = BASE64_URL_SAFE_NO_PAD
        .decode(transfer.sealed_token.as_ref().unwrap())
        .unwrap();
    let opened = keys
        .open(Transfer::token_purpose(transfer.id).as_bytes(), &sealed)
        .unwrap();
    String::from_utf8(opened.to_vec()).unwrap()
}

/// Offers an admission, and waits for the event that requests the mail.
async fn offer(app: &TestApp, giver: &Client, admission: &Value) -> Offered {
    let admission = path(admission);
    // Each earlier offer waited for its event.
    let known: Vec<_> = offers(app).into_iter().map(|transfer| transfer.id).collect();
    let offered = giver
        .post(&format!("{admission}/transfer"), json!({"email": GRACE}))
        .await
        .expect(201)
        .json();
    assert_eq!(offered["email"], GRACE);
    let id = offered["admissionId"].as_str().unwrap().to_owned();
    let is_it = |transfer: &Transfer| transfer.admission_id.to_string() == id && !known.contains(&transfer.id);
    let event = app
        .env
        .wait_for_event(|event| matches!(event, Event::TransferOffered(transfer) if is_it(transfer)))
        .await;
    let Event::TransferOffered(event) = event else {
        unreachable!()
    };
    assert_eq!(event.address.as_deref(), Some(GRACE));
    Offered {
        admission,
        path: format!("/api/v1/transfers/{}", token(app, &event)),
        event,
    }
}

fn offers(app: &TestApp) -> Vec<Transfer> {
    let events = app.env.published_events().into_iter();
    events
        .filter_map(|event| match event {
            Event::TransferOffered(transfer) => Some(transfer),
            _ => None,
        })
        .collect()
}

async fn wait_for_end(app: &TestApp, of: &Offered, status: TransferStatus) {
    let event = app
        .env
        .wait_for_event(|event| matches!(event, Event::TransferEnded(transfer) if transfer.id == of.event.id))
        .await;
    let Event::TransferEnded(transfer) = event else {
        unreachable!()
    };
    assert_eq!(
        (
            transfer.status,
            transfer.version,
            transfer.address,
            transfer.sealed_token
        ),
        (status, 2, None, None)
    );
}

async fn accept(client: &Client, offered: &Offered) -> Reply {
    client.post(&format!("{}/accept", offered.path), Value::Null).await
}

async fn decline(client: &Client, offered: &Offered) -> Reply {
    client.post(&format!("{}/decline", offered.path), Value::Null).await
}

async fn take_back(client: &Client, offered: &Offered) -> Reply {
    client.delete(&format!("{}/transfer", offered.admission)).await
}

#[track_caller]
fn assert_ended(reply: Reply, code: &str) {
    let reply = reply.expect(409);
    assert_eq!(
        (reply.problem().0.as_str(), reply.text_at("/code").as_str()),
        ("transfer-ended", code)
    );
}

/// A sale of two tickets of a listing.
struct Sale {
    app: TestApp,
    seller: Client,
    listing: String,
    order: events::Order,
    admissions: Vec<Value>,
    buyer: Client,
}

impl Sale {
    async fn new() -> Self {
        Self::of(TestApp::new().await, concert(5)).await
    }

    async fn of(app: TestApp, fields: Value) -> Self {
        let (_, seller) = app.user();
        let (listing, ticket) = sell(&seller, fields).await;
        let (order, admissions) = app.complete_order(&ticket, 2).await;
        let buyer = app.client_of(order.buyer_id);
        Self {
            app,
            seller,
            listing,
            order,
            admissions,
            buyer,
        }
    }

    async fn offer(&self, index: usize) -> Offered {
        offer(&self.app, &self.buyer, &self.admissions[index]).await
    }

    async fn check_in(&self, code: Value) -> Reply {
        self.seller.post(&format!("{}/check-ins", self.listing), code).await
    }

    async fn publish_after(&mut self, refunded: u32, dispute: Option<DisputeStatus>) {
        self.order.version += 1;
        self.order.after_sale = Some(AfterSale {
            refunded_quantity: refunded,
            returned_quantity: 0,
            refunded_amount: self.order.total,
            dispute: dispute.map(|status| Dispute {
                status,
                amount: self.order.total,
            }),
        });
        self.app
            .env
            .publish("order", Event::OrderRefunded(self.order.clone()))
            .await;
    }

    async fn stop_and_check(mut self) {
        self.app.stop().await;
        assert_eq!(self.app.env.check_database::<Ticket>(), [""; 0]);
    }
}

#[tokio::test]
async fn an_accepted_ticket_has_a_new_holder_and_a_new_code_and_the_former_code_is_void() {
    let sale = Sale::new().await;
    let account = events::Account {
        id: sale.order.buyer_id,
        language: values::Language::German,
        ..examples::account(sale.app.now())
    };
    sale.app.env.publish("auth", Event::AccountCreated(account)).await;
    let own = path(&sale.admissions[0]);
    testkit::eventually("the name of the giver is known", || async {
        (sale.buyer.get(&own).await.json()["holder"] == "Ada Lovelace").then_some(())
    })
    .await;
    let offered = sale.offer(0).await;
    assert_eq!(offered.event.language, values::Language::German);
    let shown = sale.buyer.get(&own).await.expect(200).json();
    assert_eq!(shown["transfer"]["email"], GRACE);
    assert_eq!(
        shown["qr"], sale.admissions[0]["qr"],
        "the giver's code is valid until then"
    );

    let read = sale.app.client().get(&offered.path).await.expect(200);
    assert_eq!(read.headers["cache-control"], "private, no-store");
    let read_json = read.json();
    assert_eq!(
        (&read_json["status"], &read_json["title"], &read_json["from"]),
        (&json!("offered"), &json!("Concert"), &json!("Ada Lovelace"))
    );
    for secret in [&sale.admissions[0]["qr"], &sale.admissions[0]["code"]] {
        assert!(!read.text.contains(secret.as_str().unwrap()), "{}", read.text);
    }

    let (grace_id, grace) = sale.app.user();
    let accepted = accept(&grace, &offered).await.expect(200);
    assert_eq!(accepted.headers["cache-control"], "private, no-store");
    let mine = accepted.json();
    assert_eq!((&mine["isYours"], &mine["state"]), (&json!(true), &json!("valid")));
    assert_ne!(mine["qr"], sale.admissions[0]["qr"]);
    assert_eq!(
        accept(&grace, &offered).await.expect(200).json(),
        mine,
        "a lost response is repeated"
    );
    assert_ended(accept(&sale.app.user().1, &offered).await, "accepted");
    assert_eq!(sale.app.client().get(&offered.path).await.json()["from"], Value::Null);
    wait_for_end(&sale.app, &offered, TransferStatus::Accepted).await;
    let transferred = sale
        .app
        .env
        .wait_for_event(|event| matches!(event, Event::AdmissionTransferred(_)))
        .await;
    assert_eq!(transferred.as_admission().unwrap().holder_id, grace_id);

    // The buyer still owns the order, and sees whose the ticket is, but no code.
    let of_order = format!("/api/v1/admissions?orderId={}", sale.order.id);
    let listed = sale.buyer.get(&of_order).await.expect(200).json();
    let first = &listed["items"][0];
    assert_eq!(
        (&first["isYours"], &first["qr"], &first["code"], &first["holderId"]),
        (&json!(false), &Value::Null, &Value::Null, &json!(grace_id.to_string()))
    );
    let count = |reply: Reply| reply.json()["items"].as_array().unwrap().len();
    assert_eq!(count(sale.buyer.get("/api/v1/admissions").await), 1);
    assert_eq!(count(grace.get("/api/v1/admissions").await), 1);
    for end in ["/qr.svg", "/pass.pdf"] {
        let _ = sale.buyer.get(&format!("{own}{end}")).await.expect(404);
        let _ = grace.get(&format!("{own}{end}")).await.expect(200);
    }

    assert_eq!(
        sale.check_in(code(&sale.admissions[0])).await.expect(409).problem().0,
        "admission-replaced"
    );

    // The recipient gives it on, and what the first recipient had is void as well.
    let again = offer(&sale.app, &grace, &mine).await;
    let edsger = sale.app.user().1;
    let third = accept(&edsger, &again).await.expect(200).json();
    assert_eq!(
        sale.check_in(code(&mine)).await.expect(409).problem().0,
        "admission-replaced"
    );
    let _ = sale.check_in(code(&third)).await.expect(200);
    assert_ended(accept(&grace, &offered).await, "accepted");

    let log = sale.app.env.audit_log::<Ticket>();
    for (action, count) in [("transfer-offer", 2), ("transfer-accept", 2)] {
        assert_eq!(
            log.iter().filter(|record| record.action == action).count(),
            count,
            "{action}"
        );
    }
    sale.stop_and_check().await;
}

#[tokio::test]
async fn nothing_of_an_offer_but_its_hash_outlives_it_and_its_token_is_stored_nowhere() {
    let sale = Sale::new().await;
    let offered = sale.offer(0).await;
    let token = offered.path.rsplit('/').next().unwrap().to_owned();
    // A denial is recorded without the token of its path.
    let _ = accept(&sale.buyer, &offered).await.expect(403);
    let _ = take_back(&sale.buyer, &offered).await.expect(204);
    let mut app = sale.app;
    app.stop().await;
    let stored = std::fs::read(app.env.database::<Ticket>()).unwrap();
    let has = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!has(&token), "the token is stored");
    let denied: Vec<_> = app.env.audit_log::<Ticket>();
    let denied = denied.into_iter().find(|record| record.action == "denied").unwrap();
    assert_eq!(denied.subject.as_deref(), Some("POST /api/v1/transfers/{token}/accept"));
    let conn = rusqlite::Connection::open(app.env.database::<Ticket>()).unwrap();
    let kept: i64 = conn
        .query_row(
            "SELECT count(*) FROM transfer WHERE address IS NOT NULL OR sealed_token IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn only_the_holder_offers_and_takes_back_and_only_others_answer() {
    let sale = Sale::new().await;
    let transfer = format!("{}/transfer", path(&sale.admissions[0]));
    let stranger = sale.app.user().1;
    for (client, status) in [(&sale.seller, 404), (&stranger, 404), (&sale.app.client(), 401)] {
        let _ = client.post(&transfer, json!({"email": GRACE})).await.expect(status);
        let _ = client.delete(&transfer).await.expect(status);
    }
    let _ = sale.buyer.delete(&transfer).await.expect(404);
    let offered = sale.offer(0).await;
    for (client, status) in [(&sale.seller, 404), (&stranger, 404), (&sale.app.client(), 401)] {
        let _ = take_back(client, &offered).await.expect(status);
    }
    let _ = accept(&sale.app.client(), &offered).await.expect(401);
    let _ = decline(&sale.app.client(), &offered).await.expect(401);
    for reply in [
        accept(&sale.buyer, &offered).await,
        decline(&sale.buyer, &offered).await,
    ] {
        assert_eq!(reply.expect(403).problem().0, "own-transfer");
    }
    let unknown = "A".repeat(32);
    for (token, status) in [
        (unknown.as_str(), 404),
        ("short", 400),
        (&format!("{unknown}A"), 400),
        ("%C3%A4", 400),
    ] {
        let path = format!("/api/v1/transfers/{token}");
        let _ = stranger.get(&path).await.expect(status);
        for end in ["accept", "decline"] {
            let _ = stranger
                .post(&format!("{path}/{end}"), Value::Null)
                .await
                .expect(status);
        }
    }
    let _ = decline(&stranger, &offered).await.expect(204);
    let _ = decline(&stranger, &offered).await.expect(204);
    assert_ended(accept(&stranger, &offered).await, "declined");
    wait_for_end(&sale.app, &offered, TransferStatus::Declined).await;
    let _ = sale.check_in(code(&sale.admissions[0])).await.expect(200);
    sale.stop_and_check().await;
}

#[tokio::test]
async fn an_offer_that_is_taken_back_is_accepted_by_nobody_and_another_one_can_be_made() {
    let sale = Sale::new().await;
    let first = sale.offer(0).await;
    let transfer = format!("{}/transfer", first.admission);
    let twice = sale.buyer.post(&transfer, json!({"email": "edsger@example.com"})).await;
    assert_eq!(twice.expect(409).problem().0, "already-offered");
    for _ in 0..2 {
        let _ = take_back(&sale.buyer, &first).await.expect(204);
    }
    wait_for_end(&sale.app, &first, TransferStatus::Cancelled).await;
    let grace = sale.app.user().1;
    assert_ended(accept(&grace, &first).await, "cancelled");
    assert_eq!(sale.app.client().get(&first.path).await.json()["status"], "cancelled");
    assert_eq!(sale.buyer.get(&first.admission).await.json()["transfer"], Value::Null);

    let with_key = sale.buyer.clone().with("idempotency-key", "gift");
    let offered = with_key.post(&transfer, json!({"email": GRACE})).await.expect(201);
    let again = with_key.post(&transfer, json!({"email": GRACE})).await.expect(201);
    assert_eq!(offered.text, again.text);
    let other = with_key.post(&transfer, json!({"email": "edsger@example.com"})).await;
    assert_eq!(other.expect(422).problem().0, "idempotency-key-reused");
    sale.stop_and_check().await;
}

#[tokio::test]
async fn an_offer_ends_after_a_week_or_when_the_event_begins_whichever_is_first() {
    const DAY: Duration = Duration::from_hours(24);
    let app = TestApp::with_manual_clock().await;
    let mut fields = concert(5);
    fields["startsAt"] = json!(app.now() + 30 * DAY);
    let sale = Sale::of(app, fields.clone()).await;
    let (grace, clock) = (sale.app.user().1, sale.app.env.clock.clone());
    let first = sale.offer(0).await;
    clock.advance(6 * DAY);
    clock.advance(Duration::from_millis(86_399_999));
    // Tokens of sessions have expired meanwhile.
    let (buyer, grace_id) = (sale.app.client_of(sale.order.buyer_id), sale.app.user());
    drop(grace);
    let grace = grace_id.1;
    assert_eq!(sale.app.client().get(&first.path).await.json()["status"], "offered");
    clock.advance(Duration::from_millis(1));
    assert_eq!(sale.app.client().get(&first.path).await.json()["status"], "expired");
    assert_ended(accept(&grace, &first).await, "expired");
    assert_ended(decline(&grace, &first).await, "expired");
    let shown = buyer.get(&first.admission).await.expect(200).json();
    assert_eq!(
        (&shown["transfer"], &shown["qr"]),
        (&Value::Null, &sale.admissions[0]["qr"])
    );
    wait_for_end(&sale.app, &first, TransferStatus::Expired).await;

    // An event that begins sooner than the offer says ends it, too.
    let second = offer(&sale.app, &buyer, &sale.admissions[0]).await;
    let seller: UserId = sale.order.seller_id;
    let seller = sale.app.client_of(seller);
    fields["startsAt"] = json!(sale.app.now() + DAY);
    let _ = seller.put(&sale.listing, fields.clone()).await.expect(200);
    let third = offer(&sale.app, &buyer, &sale.admissions[1]).await;
    assert_eq!(third.event.expires_at, sale.app.now() + DAY);
    clock.advance(DAY);
    let grace = sale.app.user().1;
    for offered in [&second, &third] {
        assert_ended(accept(&grace, offered).await, "expired");
        wait_for_end(&sale.app, offered, TransferStatus::Expired).await;
    }
    let buyer = sale.app.client_of(sale.order.buyer_id);
    let late = buyer
        .post(&format!("{}/transfer", second.admission), json!({"email": GRACE}))
        .await;
    assert_eq!(late.expect(409).problem().0, "event-begun");
    sale.stop_and_check().await;
}

#[tokio::test]
async fn a_check_in_a_refund_a_lost_dispute_and_a_withdrawal_end_an_offer() {
    let mut sale = Sale::new().await;
    let grace = sale.app.user().1;
    let used = sale.offer(1).await;
    let _ = sale.check_in(code(&sale.admissions[1])).await.expect(200);
    assert_ended(accept(&grace, &used).await, "cancelled");
    wait_for_end(&sale.app, &used, TransferStatus::Cancelled).await;
    let again = sale
        .buyer
        .post(&format!("{}/transfer", used.admission), json!({"email": GRACE}))
        .await;
    assert_eq!(again.expect(409).problem().0, "admission-not-valid");

    // The only ticket that is not used is refunded first, although it is offered.
    let refunded = sale.offer(0).await;
    sale.publish_after(1, None).await;
    wait_for_end(&sale.app, &refunded, TransferStatus::Cancelled).await;
    assert_ended(accept(&grace, &refunded).await, "cancelled");
    sale.publish_after(0, None).await;
    testkit::eventually("the ticket is valid again", || async {
        (sale.buyer.get(&refunded.admission).await.json()["state"] == "valid").then_some(())
    })
    .await;
    assert_ended(accept(&grace, &refunded).await, "cancelled");

    let disputed = sale.offer(0).await;
    sale.publish_after(0, Some(DisputeStatus::Lost)).await;
    wait_for_end(&sale.app, &disputed, TransferStatus::Cancelled).await;

    let (listing, ticket) = sell(&sale.seller, concert(5)).await;
    let (order, admissions) = sale.app.complete_order(&ticket, 1).await;
    let withdrawn = offer(&sale.app, &sale.app.client_of(order.buyer_id), &admissions[0]).await;
    let _ = sale.seller.delete(&listing).await.expect(204);
    assert_ended(accept(&grace, &withdrawn).await, "cancelled");
    wait_for_end(&sale.app, &withdrawn, TransferStatus::Cancelled).await;
    sale.stop_and_check().await;
}

#[tokio::test]
async fn a_refund_voids_the_tickets_that_are_not_offered_first() {
    let mut sale = Sale::new().await;
    let offered = sale.offer(1).await;
    sale.publish_after(1, None).await;
    let other = path(&sale.admissions[0]);
    testkit::eventually("the ticket that is not offered is void", || async {
        (sale.buyer.get(&other).await.json()["state"] == "void").then_some(())
    })
    .await;
    let _ = accept(&sale.app.user().1, &offered).await.expect(200);
    sale.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_accept_at_once_one_gets_the_ticket() {
    let sale = Sale::new().await;
    let offered = sale.offer(0).await;
    let users: Vec<_> = (0..8).map(|_| sale.app.user().1).collect();
    let replies = futures_util::future::join_all(users.iter().map(|user| accept(user, &offered))).await;
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        7,
        "{statuses:?}"
    );
    sale.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_acceptance_and_a_taking_back_a_check_in_or_a_refund_at_once_one_wins() {
    let mut sale = Sale::new().await;
    let (grace, mut wins) = (sale.app.user().1, [0; 2]);
    for round in 0..6 {
        let offered = sale.offer(0).await;
        let (accepted, taken) = if round % 2 == 0 {
            tokio::join!(accept(&grace, &offered), take_back(&sale.buyer, &offered))
        } else {
            let (taken, accepted) = tokio::join!(take_back(&sale.buyer, &offered), accept(&grace, &offered));
            (accepted, taken)
        };
        let outcome = (accepted.status.as_u16(), taken.status.as_u16());
        assert!([(200, 409), (409, 204)].contains(&outcome), "{outcome:?}");
        wins[usize::from(outcome.0 == 200)] += 1;
        if outcome.0 == 200 {
            // The ticket goes back to the buyer.
            let back = offer(&sale.app, &grace, &accepted.json()).await;
            let _ = accept(&sale.buyer, &back).await.expect(200);
        }
    }
    eprintln!("taken back {} times, accepted {} times", wins[0], wins[1]);

    let current = sale.buyer.get(&path(&sale.admissions[0])).await.expect(200).json();
    let offered = offer(&sale.app, &sale.buyer, &current).await;
    let (accepted, admitted) = tokio::join!(accept(&grace, &offered), sale.check_in(code(&current)));
    let outcome = (accepted.status.as_u16(), admitted.status.as_u16());
    assert!([(200, 409), (409, 200)].contains(&outcome), "{outcome:?}");

    let offered = sale.offer(1).await;
    let (accepted, ()) = tokio::join!(accept(&grace, &offered), sale.publish_after(2, None));
    testkit::eventually("the refund has made the ticket void", || async {
        (sale.buyer.get(&offered.admission).await.json()["state"] == "void").then_some(())
    })
    .await;
    let _ = accepted.status;
    assert_eq!(sale.app.client().get(&offered.path).await.json()["from"], Value::Null);
    sale.stop_and_check().await;
}

#[tokio::test]
async fn offers_are_bounded_and_go_to_somebody_elses_valid_address() {
    let app = TestApp::new().await;
    let (_, seller) = app.user();
    let (_, ticket) = sell(&seller, concert(40)).await;
    let (order, admissions) = app.complete_order(&ticket, 31).await;
    let buyer = app.client_of(order.buyer_id);
    let account = events::Account {
        id: order.buyer_id,
        ..examples::account(app.now())
    };
    app.env.publish("auth", Event::AccountCreated(account)).await;
    let first = path(&admissions[0]);
    testkit::eventually("the account is known", || async {
        (buyer.get(&first).await.json()["holder"] == "Ada Lovelace").then_some(())
    })
    .await;
    let transfer = format!("{first}/transfer");
    for own in ["ada@example.com", "ADA@EXAMPLE.COM"] {
        let refused = buyer.post(&transfer, json!({"email": own})).await.expect(422);
        assert_eq!(refused.error_fields(), ["email"]);
    }
    for malformed in [
        json!(""),
        json!("grace"),
        json!("g\r\nBcc: x@example.com"),
        json!(7),
        Value::Null,
        json!("x".repeat(300)),
    ] {
        let _ = buyer.post(&transfer, json!({"email": malformed})).await.expect(422);
    }
    for admission in &admissions[..30] {
        let _ = buyer
            .post(&format!("{}/transfer", path(admission)), json!({"email": GRACE}))
            .await
            .expect(201);
    }
    // Those that were taken back count, too: their mails may be on the way.
    let _ = buyer.delete(&transfer).await.expect(204);
    for admission in [&admissions[30], &admissions[0]] {
        let refused = buyer
            .post(&format!("{}/transfer", path(admission)), json!({"email": GRACE}))
            .await
            .expect(429);
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((86_000..=86_400).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn who_accepts_a_ticket_meets_the_sellers_terms_and_who_offers_one_has_a_confirmed_address() {
    let mut fields = concert(5);
    fields["requiresSecondFactor"] = json!(true);
    let sale = Sale::of(TestApp::new().await, fields).await;
    let unconfirmed = sale
        .app
        .env
        .token_with(sale.order.buyer_id, |claims| claims.email_verified = Some(false));
    let refused = sale
        .app
        .client()
        .bearer(&unconfirmed)
        .post(
            &format!("{}/transfer", path(&sale.admissions[0])),
            json!({"email": GRACE}),
        )
        .await;
    assert_eq!(refused.expect(403).problem().0, "address-not-confirmed");
    let offered = sale.offer(0).await;
    let (grace_id, grace) = sale.app.user();
    assert_eq!(
        accept(&grace, &offered).await.expect(403).problem().0,
        "second-factor-required"
    );
    let with_code = sale.app.env.token_with(grace_id, |claims| {
        claims.amr = ["pwd", "otp", "mfa"].map(ToOwned::to_owned).to_vec();
    });
    let _ = accept(&sale.app.client().bearer(&with_code), &offered)
        .await
        .expect(200);
    sale.stop_and_check().await;
}

#[tokio::test]
async fn an_uploaded_scan_ends_an_offer_and_one_with_a_former_code_is_reported() {
    let sale = Sale::new().await;
    let grace = sale.app.user().1;
    let uploads = format!("{}/check-ins/uploads", sale.listing);
    let upload = |index: usize| {
        let scan = json!({
            "id": values::ScanId::new(sale.app.now()).to_string(), "code": sale.admissions[index]["qr"],
            "scannedAt": sale.app.now(),
        });
        let (seller, uploads) = (&sale.seller, &uploads);
        async move {
            let reply = seller.post(uploads, json!({"scans": [scan]})).await.expect(200);
            (
                reply.text_at("/items/0/result"),
                reply.json()["items"][0]["reason"].clone(),
            )
        }
    };
    let used = sale.offer(1).await;
    assert_eq!(upload(1).await, ("admitted".to_owned(), Value::Null));
    assert_ended(accept(&grace, &used).await, "cancelled");
    wait_for_end(&sale.app, &used, TransferStatus::Cancelled).await;

    let given = sale.offer(0).await;
    let _ = accept(&grace, &given).await.expect(200);
    let offline = format!("{}/check-ins/offline", sale.listing);
    let changed = sale.seller.get(&offline).await.expect(200).json();
    let former = passes::SignedCode::parse(sale.admissions[0]["qr"].as_str().unwrap()).unwrap();
    let former = BASE64_URL_SAFE_NO_PAD.encode(former.secret.hash());
    let items = changed["items"].as_array().unwrap();
    let item = items
        .iter()
        .find(|item| item["admissionId"] == sale.admissions[0]["id"]);
    let item = item.unwrap();
    assert_eq!(item["state"], "valid");
    assert_ne!(item["codeHash"], former.as_str(), "a door knows the former code by it");
    assert_eq!(upload(0).await, ("void".to_owned(), json!("admission-replaced")));
    let listed = sale.seller.get(&format!("{}/check-ins", sale.listing)).await.json();
    assert_eq!((&listed["admitted"], &listed["voidScans"]), (&json!(1), &json!(1)));
    sale.stop_and_check().await;
}
