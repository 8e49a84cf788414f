use bus::outbox;
use db::Tx;
use events::Event;
use values::Timestamp;

use crate::{NAME, store};

/// Timers looked at in one transaction.
const PAGE: u32 = 500;

/// Announces again each deadline that has passed unless its order was confirmed, so that an order service that was
/// restored from a backup ends every order. One that is up to date ignores it: the order has ended.
pub(crate) fn republish(tx: &Tx, now: Timestamp, after: Option<&str>) -> Result<Option<String>, db::Error> {
    let timers = store::page(tx, after.unwrap_or_default(), PAGE)?;
    for expiration in timers.iter().filter_map(|timer| timer.reminder(now)) {
        outbox::append(tx, NAME, now, Event::ExpirationCompleted(expiration))?;
    }
    Ok(timers.last().map(|timer| timer.order_id.to_string()))
}

#[cfg(test)]
mod tests {
    use events::{CancelReason, OrderStatus};

    use crate::{
        desk::Desk,
        timer::tests::{NOON, order, then},
    };

    #[tokio::test]
    async fn a_restored_order_service_hears_of_every_order_whose_time_is_over() {
        let desk = Desk::new();
        let (expired, cancelled, paid) = (order(), order(), order());
        for order in [&expired, &cancelled, &paid] {
            desk.hear(NOON, order).await;
        }
        desk.hear(
            NOON,
            &then(&cancelled, OrderStatus::Cancelled, Some(CancelReason::User)),
        )
        .await;
        desk.hear(NOON, &then(&paid, OrderStatus::AwaitingPayment, None)).await;
        desk.ring(expired.expires_at, expired.id).await;
        let before = desk.announced().await;
        assert_eq!(before.len(), 1);

        desk.republish(expired.expires_at).await;
        let mut again = desk.announced().await.split_off(before.len());
        again.sort();
        assert_eq!(
            again,
            [(expired.id, expired.expires_at), (cancelled.id, cancelled.expires_at)]
        );
    }

    #[tokio::test]
    async fn many_orders_are_announced_again_page_by_page() {
        let desk = Desk::new();
        let orders: Vec<_> = (0..=super::PAGE).map(|_| order()).collect();
        for order in &orders {
            desk.hear(NOON, &then(order, OrderStatus::Cancelled, Some(CancelReason::Expired)))
                .await;
        }
        let later = orders[0].expires_at;
        let rest = desk
            .db
            .write(move |tx| super::republish(tx, later, None))
            .await
            .unwrap();
        assert_eq!(desk.announced().await.len(), 500);
        assert_eq!(rest, Some(orders[499].id.to_string()));
        desk.db
            .write(move |tx| super::republish(tx, later, rest.as_deref()))
            .await
            .unwrap();
        assert_eq!(desk.announced().await.len(), 501);
    }
}
