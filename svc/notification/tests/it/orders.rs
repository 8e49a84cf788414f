use std::time::Duration;

use events::{
    AdmissionState, AfterSale, CancelReason, Event, Order, OrderStatus, Refund, RefundStatus, Ticket, examples,
};
use values::PaymentId;

use crate::test_app::{TestApp, recipients, subjects};

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_mailed_once_when_everything_has_arrived_in_whatever_order() {
    let app = TestApp::new().await;
    let (ada, listing) = (app.account("ada@example.com"), app.listing());
    let order = app.paid_order(&ada, &listing);
    let mut admissions = app.admissions(&order).into_iter().map(Event::AdmissionIssued);
    app.ticket(admissions.next().unwrap()).await;
    app.order(Event::OrderCompleted(order.clone())).await;
    assert_eq!(
        app.all_mails().await,
        [],
        "the buyer, the listing and a ticket are missing"
    );
    app.auth(Event::AccountCreated(ada)).await;
    app.ticket(Event::TicketCreated(listing)).await;
    assert_eq!(app.all_mails().await, [], "a ticket is missing");
    app.ticket(admissions.next().unwrap()).await;
    let mails = app.all_mails().await;
    assert_eq!(subjects(&mails), ["Your 2 tickets for The Lighthouse Keepers, live"]);
    assert_eq!(recipients(&mails), ["ada@example.com"]);
    assert!(mails[0].data.contains("filename=\"tickets.pdf\""), "{}", mails[0].data);

    for event in app.env.published_events() {
        match &event {
            Event::OrderCompleted(_) => app.order(event).await,
            Event::AdmissionIssued(_) | Event::TicketCreated(_) => app.ticket(event).await,
            _ => {}
        }
    }
    assert_eq!(app.all_mails().await.len(), 1, "every event is repeated");
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunded_tickets_are_not_mailed() {
    let app = TestApp::new().await;
    let (ada, listing) = (app.sign_up("ada@example.com").await, app.listing());
    app.ticket(Event::TicketCreated(listing.clone())).await;
    let order = app.paid_order(&ada, &listing);
    let refunded = Order {
        version: 4,
        after_sale: Some(AfterSale {
            refunded_quantity: 2,
            returned_quantity: 2,
            refunded_amount: order.total,
            dispute: None,
        }),
        ..order.clone()
    };
    app.order(Event::OrderRefunded(refunded)).await;
    app.order(Event::OrderCompleted(order.clone())).await;
    for admission in app.admissions(&order) {
        app.ticket(Event::AdmissionIssued(admission)).await;
    }
    assert_eq!(app.all_mails().await, []);
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_expired_is_mailed_and_one_that_its_buyer_cancelled_is_not() {
    let app = TestApp::new().await;
    let (ada, listing) = (app.sign_up("ada@example.com").await, app.listing());
    app.ticket(Event::TicketCreated(listing.clone())).await;
    for reason in [CancelReason::Expired, CancelReason::User, CancelReason::PaymentFailed] {
        let order = Order {
            status: OrderStatus::Cancelled,
            cancel_reason: Some(reason),
            expires_at: app.now(),
            ..app.paid_order(&ada, &listing)
        };
        app.order(Event::OrderCancelled(order.clone())).await;
        app.order(Event::OrderCancelled(order)).await;
    }
    let mails = app.all_mails().await;
    assert_eq!(
        subjects(&mails),
        ["Your order has expired: The Lighthouse Keepers, live"]
    );
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_refund_is_mailed_to_its_buyer() {
    let app = TestApp::new().await;
    let (ada, listing) = (app.sign_up("ada@example.com").await, app.listing());
    app.ticket(Event::TicketCreated(listing.clone())).await;
    let order = app.paid_order(&ada, &listing);
    app.order(Event::OrderCompleted(order.clone())).await;
    let refund = |status| Refund {
        status,
        version: 3,
        ..examples::refund(app.now(), &order, PaymentId::new(app.now()))
    };
    app.order(Event::RefundPaid(refund(RefundStatus::Paid))).await;
    app.order(Event::RefundFailed(refund(RefundStatus::Failed))).await;
    app.order(Event::RefundDeclined(refund(RefundStatus::Declined))).await;
    let mails = app.all_mails().await;
    assert_eq!(
        subjects(&mails),
        [
            "Refund of $19.99 for The Lighthouse Keepers, live",
            "Your refund could not be paid: The Lighthouse Keepers, live",
            "Your refund was declined: The Lighthouse Keepers, live",
        ]
    );
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_refund_is_mailed_once_to_the_seller_unless_it_is_decided() {
    let app = TestApp::new().await;
    let seller = app.sign_up("seller@example.com").await;
    let listing = Ticket {
        seller_id: seller.id,
        ..app.listing()
    };
    app.ticket(Event::TicketCreated(listing.clone())).await;
    let order = app.paid_order(&app.account("ada@example.com"), &listing);
    let requested = || examples::refund(app.now(), &order, PaymentId::new(app.now()));
    let (open, decided) = (requested(), requested());
    // Out of order: the decision arrives first.
    let approved = Refund {
        version: 2,
        status: RefundStatus::Approved,
        ..decided.clone()
    };
    app.order(Event::RefundApproved(approved)).await;
    for refund in [decided, open.clone(), open] {
        app.order(Event::RefundRequested(refund)).await;
    }
    let mails = app.all_mails().await;
    assert_eq!(recipients(&mails), ["seller@example.com"]);
    assert_eq!(
        subjects(&mails),
        ["A refund is requested: The Lighthouse Keepers, live"]
    );
    let link = format!("https://tickets.example.com/sell/{}#refunds", listing.id);
    let content = mails[0].joined_lines();
    assert!(content.contains(&link), "{content}");
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_is_mailed_once_to_each_buyer_and_holder() {
    let app = TestApp::new().await;
    let listing = app.listing();
    let ada = app.sign_up("ada@example.com").await;
    let grace = app.sign_up("grace@example.com").await;
    let late = app.sign_up("late@example.com").await;
    app.ticket(Event::TicketCreated(listing.clone())).await;
    // Ada buys twice, and has given one ticket to Grace. Void tickets concern nobody.
    let orders = [app.paid_order(&ada, &listing), app.paid_order(&ada, &listing)];
    for order in &orders {
        app.order(Event::OrderCompleted(order.clone())).await;
    }
    let admission = events::Admission {
        version: 2,
        holder_id: grace.id,
        ..examples::admission(app.now(), &orders[0])
    };
    app.ticket(Event::AdmissionRestored(admission.clone())).await;
    let void = events::Admission {
        state: AdmissionState::Void,
        holder_id: values::UserId::new(app.now()),
        ..examples::admission(app.now(), &orders[0])
    };
    app.ticket(Event::AdmissionVoided(events::Admission { version: 2, ..void }))
        .await;

    let withdrawn = Ticket {
        version: 2,
        withdrawn_at: Some(app.now()),
        ..listing.clone()
    };
    app.ticket(Event::TicketUpdated(withdrawn.clone())).await;
    let again = Ticket {
        version: 3,
        ..withdrawn
    };
    app.ticket(Event::TicketUpdated(again)).await;
    // A job requests these mails after the event.
    app.sink.wait_for(2).await;
    let mut mails = app.all_mails().await;
    mails.sort_by(|a, b| a.recipients.cmp(&b.recipients));
    assert_eq!(recipients(&mails), ["ada@example.com", "grace@example.com"]);
    assert_eq!(subjects(&mails)[0], "Withdrawn: The Lighthouse Keepers, live");

    app.order(Event::OrderCompleted(app.paid_order(&late, &listing))).await;
    let mails = app.all_mails().await;
    assert_eq!(
        recipients(&mails)[2..],
        ["late@example.com"],
        "the sale arrived after the withdrawal"
    );
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_lacks_something_for_a_day_is_given_up() {
    let app = TestApp::new().await;
    let (ada, listing) = (app.account("ada@example.com"), app.listing());
    let order = app.paid_order(&ada, &listing);
    for admission in app.admissions(&order) {
        app.ticket(Event::AdmissionIssued(admission)).await;
    }
    assert_eq!(app.all_mails().await, []);
    app.advance(Duration::from_hours(24));
    let client = app.service.client();
    testkit::eventually("the mail is given up", async || {
        let metrics = client.get("/metrics").await.text;
        metrics
            .contains("ticketing_mails_undelivered{service=\"notification\"} 1")
            .then_some(())
    })
    .await;
    app.stop_and_check().await;
}
