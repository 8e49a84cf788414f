//! Many at once.

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::{eventually, person::Person, town::Town};

/// How many orders were accepted. All others must have been told that it is too late.
fn accepted(replies: &[crate::Reply]) -> Vec<String> {
    let (placed, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    for reply in refused {
        assert_eq!(reply.status, 409, "{}", reply.text);
        let (kind, _) = reply.problem();
        assert!(
            ["sold-out", "ticket-withdrawn"].contains(&kind.as_str()),
            "{}",
            reply.text
        );
    }
    placed.iter().map(|reply| reply.text_at("/id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_buyers_at_once_hold_exactly_the_hundred_tickets_that_there_are() {
    let town = Town::new();
    let ada = town.user().await;
    let ticket = ada.lists(json!({"quantity": 100})).await;
    let at = town.client();
    let buyers = join_all((0..400).map(|_| Person::sign_up(&at))).await;
    let replies = join_all(buyers.iter().map(|buyer| buyer.orders(&ticket, 1))).await;
    let orders = accepted(&replies);
    assert_eq!((orders.len(), replies.len() - orders.len()), (100, 300));
    let shown = ada.counts(&ticket, 100, 0).await;
    assert_eq!((&shown["available"], &shown["status"]), (&json!(0), &json!("sold-out")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_shrinks_while_it_is_ordered_is_never_oversold_and_both_services_agree() {
    let town = Town::shared();
    let ada = town.user().await;
    let buyers = join_all((0..4).map(|_| town.user())).await;
    for round in 0..5 {
        let ticket = ada.lists(json!({"quantity": 20})).await;
        // Known to the order service, before the race is on.
        let first = buyers[0].holds(&ticket, 1).await;
        let wishes = join_all((0..24).map(|number| buyers[number % buyers.len()].orders(&ticket, 1)));
        let (replies, shrunk) = join(wishes, ada.changes(&ticket, json!({"quantity": 5 + round}))).await;
        assert!([200, 409].contains(&shrunk.status.as_u16()), "{}", shrunk.text);
        let held = 1 + accepted(&replies).len();
        assert!(held <= 20, "{held}");
        // The ticket service comes to the number that the order service has decided.
        let wanted = if shrunk.status == 200 { 5 + round } else { 20 };
        let (taken, quantity) = (u32::try_from(held).unwrap(), wanted.max(held));
        let shown = ada.counts(&ticket, taken, 0).await;
        assert_eq!(shown["quantity"], json!(quantity), "round {round}");
        // And so the order service sells what the ticket service shows, and no more.
        let left = quantity - held;
        eventually("the order service has heard of the new number", || async {
            let beyond = buyers[1].orders(&ticket, u32::try_from(left + 1).unwrap()).await;
            (beyond.status == 409).then_some(())
        })
        .await;
        if left > 0 {
            buyers[1].holds(&ticket, u32::try_from(left.min(10)).unwrap()).await;
        }
        let _ = buyers[0].cancels(&first).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_is_withdrawn_while_it_is_ordered_leaves_no_order_open() {
    let town = Town::shared();
    let ada = town.user().await;
    let buyers = join_all((0..4).map(|_| town.user())).await;
    for _ in 0..5 {
        let ticket = ada.lists(json!({"quantity": 50})).await;
        let first = buyers[0].holds(&ticket, 1).await;
        let wishes = join_all((0..24).map(|number| buyers[number % buyers.len()].orders(&ticket, 1)));
        let (replies, withdrawn) = join(wishes, ada.withdraws(&ticket)).await;
        let _ = withdrawn.expect(204);
        for (number, reply) in replies.iter().enumerate().filter(|(_, reply)| reply.status == 201) {
            let order = buyers[number % buyers.len()]
                .sees(&reply.text_at("/id"), "cancelled")
                .await;
            assert_eq!(order["cancelReason"], "ticket-withdrawn");
        }
        accepted(&replies);
        buyers[0].sees(&first, "cancelled").await;
        ada.counts(&ticket, 0, 0).await;
        assert_eq!(
            buyers[1].orders(&ticket, 1).await.expect(409).problem().0,
            "ticket-withdrawn"
        );
    }
}
