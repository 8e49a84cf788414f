use bus::{DelayLadder, outbox};
use db::Tx;
use events::Order;
use values::Timestamp;

use crate::{NAME, store, timer::Timer};

/// Keeps the time of an order as its newest state asks, and sends a new deadline up the ladder, in one transaction.
pub(crate) fn follow_order(
    tx: &Tx,
    now: Timestamp,
    order: &Order,
    delay_ladder: &DelayLadder,
) -> Result<(), db::Error> {
    let known = store::find(tx, order.id)?;
    let Some(timer) = Timer::following(known.as_ref(), order) else {
        return Ok(());
    };
    store::save(tx, &timer)?;
    if timer.starts(known.as_ref()) {
        outbox::append_timer(tx, NAME, now, timer.message(), timer.deadline, delay_ladder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use events::OrderStatus;

    use super::*;
    use crate::{
        desk::Desk,
        timer::tests::{NOON, order, then},
    };

    #[tokio::test]
    async fn each_deadline_goes_up_the_ladder_once() {
        let (desk, order) = (Desk::new(), order());
        let later = Order {
            expires_at: order.expires_at + Duration::from_mins(5),
            ..then(&order, OrderStatus::Created, None)
        };
        let confirmed = then(&later, OrderStatus::AwaitingPayment, None);
        for heard in [&order, &order, &later, &order, &later, &confirmed, &order] {
            desk.hear(NOON, heard).await;
        }
        let rides = desk.outbox().await.into_iter();
        let deadlines: Vec<_> = rides.map(|(_, event)| event.as_timer().unwrap().deadline).collect();
        assert_eq!(deadlines, [order.expires_at, later.expires_at]);
    }
}
