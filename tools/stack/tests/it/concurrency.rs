//! Concurrent buyers of one listing.

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::{Reply, eventually, test_app::TestApp, user::User};

/// Returns the ids of the accepted orders. All others must have been refused because the listing had no tickets left.
fn accepted_orders(replies: &[Reply]) -> Vec<String> {
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
async fn four_hundred_concurrent_buyers_hold_exactly_one_hundred_tickets() {
    let app = TestApp::new();
    let seller = app.user().await;
    let ticket = seller.list_ticket(json!({"quantity": 100})).await;
    let client = app.client();
    let buyers = join_all((0..400).map(|_| User::sign_up(&client))).await;
    let replies = join_all(buyers.iter().map(|buyer| buyer.place_order(&ticket, 1))).await;
    let orders = accepted_orders(&replies);
    assert_eq!((orders.len(), replies.len() - orders.len()), (100, 300));
    let shown = seller.wait_for_stock(&ticket, 100, 0).await;
    assert_eq!((&shown["available"], &shown["status"]), (&json!(0), &json!("sold-out")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_reduced_during_orders_is_never_oversold_and_both_services_agree() {
    let app = TestApp::shared();
    let seller = app.user().await;
    for round in 0..5 {
        let buyers = join_all((0..4).map(|_| app.user())).await;
        let ticket = seller.list_ticket(json!({"quantity": 20})).await;
        // The order service has a replica of the listing before the race starts.
        let first = buyers[0].hold_tickets(&ticket, 1).await;
        let orders = join_all((0..24).map(|number| buyers[number % buyers.len()].place_order(&ticket, 1)));
        let (replies, reduced) = join(orders, seller.update_ticket(&ticket, json!({"quantity": 5 + round}))).await;
        assert!([200, 409].contains(&reduced.status.as_u16()), "{}", reduced.text);
        let held = 1 + accepted_orders(&replies).len();
        assert!(held <= 20, "{held}");
        // The ticket service arrives at the quantity that the order service has decided.
        let wanted = if reduced.status == 200 { 5 + round } else { 20 };
        let (held_count, quantity) = (u32::try_from(held).unwrap(), wanted.max(held));
        let shown = seller.wait_for_stock(&ticket, held_count, 0).await;
        assert_eq!(shown["quantity"], json!(quantity), "round {round}");
        // The order service sells the remaining tickets, and no more.
        let (left, next) = (quantity - held, app.user().await);
        eventually("the order service has the new quantity", || async {
            let excessive = next.place_order(&ticket, u32::try_from(left + 1).unwrap()).await;
            (excessive.status == 409).then_some(())
        })
        .await;
        if left > 0 {
            next.hold_tickets(&ticket, u32::try_from(left.min(10)).unwrap()).await;
        }
        let _ = buyers[0].cancel_order(&first).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_withdrawn_during_orders_leaves_no_open_order() {
    let app = TestApp::shared();
    let seller = app.user().await;
    for _ in 0..5 {
        let buyers = join_all((0..4).map(|_| app.user())).await;
        let ticket = seller.list_ticket(json!({"quantity": 50})).await;
        let first = buyers[0].hold_tickets(&ticket, 1).await;
        let orders = join_all((0..24).map(|number| buyers[number % buyers.len()].place_order(&ticket, 1)));
        let (replies, withdrawn) = join(orders, seller.withdraw_ticket(&ticket)).await;
        let _ = withdrawn.expect(204);
        for (number, reply) in replies.iter().enumerate().filter(|(_, reply)| reply.status == 201) {
            let order = buyers[number % buyers.len()]
                .wait_for_status(&reply.text_at("/id"), "cancelled")
                .await;
            assert_eq!(order["cancelReason"], "ticket-withdrawn");
        }
        accepted_orders(&replies);
        buyers[0].wait_for_status(&first, "cancelled").await;
        seller.wait_for_stock(&ticket, 0, 0).await;
        assert_eq!(
            buyers[1].place_order(&ticket, 1).await.expect(409).problem().0,
            "ticket-withdrawn"
        );
    }
}
