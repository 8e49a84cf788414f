use events::{Envelope, Order, OrderStatus, examples};
use text::Email;
use values::{AdmissionId, OrderId};

use super::*;
use crate::{
    domain::Codes,
    test_support::{NOW, codes, database, listing_with, offer, usd},
    use_cases::{OfferTransfer, offer_transfer, record_order, take_back_transfer},
};

fn author() -> Author {
    Author::service("test")
}

/// A database with a paid order of this many tickets.
fn sold(quantity: u32) -> (Tx, Order) {
    let tx = database();
    let order = Order {
        status: OrderStatus::Complete,
        version: 3,
        quantity,
        ..examples::order(NOW)
    };
    let listing = listing_with(offer("Concert", usd(1999), Some(10)), |state| {
        state.id = order.ticket_id;
    });
    store::insert(&tx, &listing).unwrap();
    record_order(&tx, NOW, &codes(), &order).unwrap();
    (tx, order)
}

fn first(tx: &Tx, order: OrderId) -> Admission {
    store::admission_of_order(tx, order, 1).unwrap().unwrap()
}

/// Offers an admission of its holder, and returns the token.
fn offered(tx: &Tx, codes: &Codes, id: AdmissionId) -> TransferToken {
    let new = OfferTransfer {
        admission_id: id,
        giver: store::admission(tx, id).unwrap().unwrap().state().holder_id,
        address: Email::parse("grace@example.com").unwrap(),
        author: author(),
    };
    let transfer = offer_transfer(tx, NOW, codes, &new).unwrap();
    let sealed = &transfer.state().mail.as_ref().unwrap().sealed_token;
    TransferToken::parse(&codes.open_token(transfer.state().id, sealed).unwrap()).unwrap()
}

fn answer(token: TransferToken, user: UserId) -> AnswerTransfer {
    AnswerTransfer {
        token,
        user,
        has_second_factor: false,
        author: author(),
    }
}

fn published(tx: &Tx) -> Vec<Envelope> {
    let mut select = tx.prepare("SELECT body FROM outbox ORDER BY id").unwrap();
    let bodies = select
        .query_map([], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))
        .unwrap();
    bodies.map(|body| Envelope::parse(&body.unwrap()).unwrap()).collect()
}

fn assert_sound(tx: &Tx) {
    for invariant in store::INVARIANTS {
        assert!(!invariant.is_violated(tx).unwrap(), "{}", invariant.name);
    }
}

#[test]
fn a_restored_database_gets_the_same_holders_codes_and_open_offers_in_whatever_order_the_events_arrive() {
    let (before, order) = sold(2);
    let (codes, id) = (codes(), first(&before, order.id).id());
    let (grace, edsger) = (UserId::new(NOW), UserId::new(NOW));
    drop(offered(&before, &codes, id));
    take_back_transfer(&before, NOW, order.buyer_id, id, &author()).unwrap();
    let declined = offered(&before, &codes, id);
    decline_transfer(&before, NOW, &answer(declined, grace)).unwrap();
    let given = offered(&before, &codes, id);
    accept_transfer(&before, NOW, &codes, &answer(given, grace)).unwrap();
    let open = offered(&before, &codes, id);
    assert_sound(&before);

    let events = published(&before);
    let mut by_type = events.clone();
    by_type.sort_by_key(|envelope| envelope.event.name());
    let reversed = events.iter().rev().cloned().collect();
    let mut offers_first = events.clone();
    offers_first.sort_by_key(|envelope| !matches!(envelope.event, events::Event::TransferOffered(_)));
    let transfers = store::transfers_after(&before, "", 10).unwrap();
    assert_eq!(transfers.len(), 4);
    for arriving in [events, by_type, reversed, offers_first] {
        let restored = database();
        for envelope in arriving.iter().chain(&arriving) {
            crate::events::recover(&restored, NOW, envelope).unwrap();
        }
        // The listing is published by another use case, and not by this test.
        let listing = store::listing(&before, order.ticket_id).unwrap().unwrap();
        store::insert(&restored, &listing).unwrap();
        record_order(&restored, NOW, &codes, &order).unwrap();
        assert_eq!(store::transfers_after(&restored, "", 10).unwrap(), transfers);
        assert_eq!(first(&restored, order.id), first(&before, order.id));
        assert_sound(&restored);
        assert!(
            published(&restored)
                .iter()
                .all(|envelope| envelope.event.as_transfer().is_none())
        );
        // The mailed link still works.
        let accepted = accept_transfer(&restored, NOW, &codes, &answer(open.clone(), edsger)).unwrap();
        assert_eq!(accepted.admission.state().holder_id, edsger);
        assert_sound(&restored);
    }
}

#[test]
fn an_offer_ends_before_its_admission_is_published_as_used_or_given() {
    let (tx, order) = sold(1);
    let (codes, id) = (codes(), first(&tx, order.id).id());
    let token = offered(&tx, &codes, id);
    accept_transfer(&tx, NOW, &codes, &answer(token, UserId::new(NOW))).unwrap();
    let names: Vec<_> = published(&tx).iter().map(|envelope| envelope.event.name()).collect();
    assert_eq!(
        names[1..],
        [
            "ticketing.transfer.offered.v1",
            "ticketing.transfer.ended.v1",
            "ticketing.admission.transferred.v1",
        ]
    );
}
