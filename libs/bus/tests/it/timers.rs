use std::{sync::Arc, time::Duration};

use bus::{ConsumeError, DelayLadder, EventHandler, Queue, outbox};
use events::{Event, Timer};
use values::{Clock, OrderId, Timestamp};

use crate::town::{DEADLINE, Service, Town, delay_ladder, on};

/// What the expiration service does: a timer that drops out before its deadline is delayed again.
fn keep_time(delay_ladder: DelayLadder) -> EventHandler {
    Arc::new(move |tx, now, envelope| {
        let Event::ExpirationTimer(timer) = &envelope.event else {
            return Err(ConsumeError::new("no timer"));
        };
        if now < timer.deadline {
            outbox::append_timer(
                tx,
                "expiration",
                now,
                envelope.event.clone(),
                timer.deadline,
                &delay_ladder,
            )?;
        } else {
            tx.execute(
                "INSERT INTO seen (type, at) VALUES (?1, ?2)",
                (envelope.event.name(), now),
            )?;
        }
        Ok(())
    })
}

async fn set(service: &Service, deadline: Timestamp, delay_ladder: DelayLadder) {
    let now = Clock::system().now();
    let timer = Event::ExpirationTimer(Timer {
        order_id: OrderId::new(now),
        deadline,
    });
    service
        .db
        .write(move |tx| outbox::append_timer(tx, "expiration", now, timer, deadline, &delay_ladder))
        .await
        .unwrap();
}

async fn rings_at(service: &Service) -> Timestamp {
    service
        .db
        .wait_for(DEADLINE, |conn| {
            Ok::<_, db::Error>(conn.query_row("SELECT min(at) FROM seen", [], |row| row.get(0))?)
        })
        .await
        .unwrap()
        .expect("the timer rings")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_rings_not_before_its_deadline_and_soon_after() {
    let town = Town::new();
    let delay_ladder = delay_ladder();
    let expiration = town.service("expiration");
    town.connect(
        &expiration,
        &town.url,
        vec![on(Queue::Due, keep_time(delay_ladder.clone()))],
    );
    let deadline = Clock::system().now() + Duration::from_millis(1500);
    set(&expiration, deadline, delay_ladder).await;
    let rung = rings_at(&expiration).await;
    assert!(rung >= deadline);
    // A second is the shortest rung; the rest is for a busy machine.
    assert!(
        rung <= deadline + Duration::from_secs(11),
        "{} ms late",
        deadline.until(rung).as_millis()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_window_loses_no_timer() {
    let town = Town::new();
    let expiration = town.service("expiration");
    town.connect(&expiration, &town.url, vec![on(Queue::Due, keep_time(delay_ladder()))]);
    let deadline = Clock::system().now() + Duration::from_secs(3);
    // Nobody has declared a queue of two seconds.
    set(
        &expiration,
        deadline,
        DelayLadder::new(Duration::from_secs(1), [Duration::from_secs(2)]),
    )
    .await;
    assert!(rings_at(&expiration).await >= deadline);
}
