use std::time::Duration;

use events::{Admission, Event, Transfer, TransferStatus, examples};

use crate::test_app::{TestApp, recipients, sealed_offer, subjects};

fn ended(transfer: &Transfer, status: TransferStatus) -> Event {
    Event::TransferEnded(Transfer {
        version: 2,
        status,
        address: None,
        sealed_token: None,
        ..transfer.clone()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_mailed_to_its_address_unless_the_transfer_has_ended() {
    let app = TestApp::new().await;
    let (ada, listing) = (app.sign_up("ada@example.com").await, app.listing());
    app.ticket(Event::TicketCreated(listing.clone())).await;
    let order = app.paid_order(&ada, &listing);
    let admission = app.admissions(&order).remove(0);
    let transfer = || {
        let transfer = examples::transfer(app.now(), &admission);
        Transfer {
            sealed_token: Some(sealed_offer(transfer.id, "offer-token")),
            ..transfer
        }
    };
    let (offered, cancelled) = (transfer(), transfer());
    app.ticket(Event::TransferOffered(offered.clone())).await;
    // Out of order: the end arrives first.
    app.ticket(ended(&cancelled, TransferStatus::Cancelled)).await;
    app.ticket(Event::TransferOffered(cancelled)).await;
    let mails = app.all_mails().await;
    assert_eq!(recipients(&mails), ["grace@example.com"]);
    assert_eq!(subjects(&mails), ["A ticket for you"]);
    assert!(
        mails[0]
            .data
            .contains("https://tickets.example.com/transfers/offer-token"),
        "{}",
        mails[0].data
    );

    app.ticket(ended(&offered, TransferStatus::Accepted)).await;
    app.ticket(ended(&transfer(), TransferStatus::Expired)).await;
    let mails = app.all_mails().await;
    assert_eq!(recipients(&mails)[1..], ["ada@example.com", "ada@example.com"]);
    assert_eq!(
        subjects(&mails)[1..],
        [
            "Your ticket has a new holder: The Lighthouse Keepers, live",
            "Your ticket is yours again: The Lighthouse Keepers, live",
        ]
    );
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_holder_gets_the_ticket_as_long_as_it_is_theirs() {
    let app = TestApp::new().await;
    let (ada, listing) = (app.sign_up("ada@example.com").await, app.listing());
    let order = app.paid_order(&ada, &listing);
    let issued = app.admissions(&order).remove(0);
    let (grace, edsger) = (app.account("grace@example.com"), app.account("edsger@example.com"));
    let to = |holder: &events::Account, version| {
        Event::AdmissionTransferred(Admission {
            version,
            holder_id: holder.id,
            ..issued.clone()
        })
    };
    // Grace has passed it on before her mail could be sent.
    app.ticket(to(&grace, 2)).await;
    app.ticket(to(&edsger, 3)).await;
    app.auth(Event::AccountCreated(grace)).await;
    app.auth(Event::AccountCreated(edsger)).await;
    app.ticket(Event::TicketCreated(listing)).await;
    let mails = app.all_mails().await;
    assert_eq!(recipients(&mails), ["edsger@example.com"]);
    assert_eq!(subjects(&mails), ["Your ticket for The Lighthouse Keepers, live"]);
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_a_limited_number_of_mails_in_an_hour() {
    let app = TestApp::with(|settings| settings.per_recipient = 2).await;
    let (ada, listing) = (app.sign_up("Ada@Example.com").await, app.listing());
    app.ticket(Event::TicketCreated(listing.clone())).await;
    for _ in 0..3 {
        let offer = app.offer("grace@example.com", &listing);
        let declined = Transfer {
            from_id: ada.id,
            ..offer
        };
        app.ticket(ended(&declined, TransferStatus::Declined)).await;
    }
    assert_eq!(app.all_mails().await.len(), 2);
    app.advance(Duration::from_secs(3601));
    // With the one that proves that all were sent.
    app.sink.wait_for(4).await;
    app.stop_and_check().await;
}
