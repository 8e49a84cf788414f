use std::{sync::Arc, time::Duration};

use bus::{ConnectionState, ConsumeError, DelayLadder, EventHandler, TopologyMode, outbox};
use events::{Event, Timer};
use values::{Clock, OrderId, Timestamp};

use crate::{
    raw_broker::RawBroker,
    test_env::{Service, TIMEOUT, TestEnv, delay_ladder, is_down, timers_consumer, wait_for_state},
};

/// Appends a timer again that arrives before its deadline, as the expiration service does.
fn timer_handler(delay_ladder: DelayLadder) -> EventHandler {
    Arc::new(move |tx, now, envelope| {
        let Event::ExpirationTimer(timer) = &envelope.event else {
            return Err(ConsumeError::new("not a timer"));
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
                "INSERT INTO consumed_event (type, at) VALUES (?1, ?2)",
                (envelope.event.name(), now),
            )?;
        }
        Ok(())
    })
}

async fn append_timer(service: &Service, deadline: Timestamp, delay_ladder: DelayLadder) {
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

async fn arrival(service: &Service) -> Timestamp {
    service
        .db
        .wait_for(TIMEOUT, |conn| {
            Ok::<_, db::Error>(conn.query_row("SELECT min(at) FROM consumed_event", [], |row| row.get(0))?)
        })
        .await
        .unwrap()
        .expect("the timer arrives")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_arrives_after_its_deadline_and_soon() {
    let env = TestEnv::new();
    let delay_ladder = delay_ladder();
    let expiration = env.service("expiration");
    let bus = env.connect(
        &expiration,
        &env.url,
        vec![timers_consumer(timer_handler(delay_ladder.clone()))],
    );
    // The queues are declared first.
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    let deadline = Clock::system().now() + Duration::from_millis(1500);
    append_timer(&expiration, deadline, delay_ladder).await;
    let arrived_at = arrival(&expiration).await;
    assert!(arrived_at >= deadline);
    // The shortest level is 200 ms; the rest is for a busy machine.
    assert!(
        arrived_at <= deadline + Duration::from_secs(11),
        "{} ms late",
        deadline.until(arrived_at).as_millis()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_without_a_delay_queue_is_not_lost() {
    let env = TestEnv::new();
    let expiration = env.service("expiration");
    env.connect(
        &expiration,
        &env.url,
        vec![timers_consumer(timer_handler(delay_ladder()))],
    );
    let deadline = Clock::system().now() + Duration::from_secs(3);
    // No service has declared a queue of two seconds.
    append_timer(
        &expiration,
        deadline,
        DelayLadder::new(Duration::from_secs(1), [Duration::from_secs(2)]),
    )
    .await;
    assert!(arrival(&expiration).await >= deadline);
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_work_before_the_definitions_of_a_new_short_level_are_imported() {
    let mut env = TestEnv::new();
    let expiration = env.service("expiration");
    let connect = |env: &TestEnv, service: &Service| {
        let consumers = vec![timers_consumer(timer_handler(delay_ladder()))];
        env.connect(service, &env.url, consumers)
    };
    let bus = connect(&env, &expiration);
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    expiration.stop().await;
    let broker = RawBroker::open().await;
    broker.delete_queue(&env, "delay.200").await;

    env.topology = TopologyMode::Existing;
    let expiration = env.reopened(expiration).await;
    let bus = connect(&env, &expiration);
    let deadline = Clock::system().now() + Duration::from_millis(500);
    append_timer(&expiration, deadline, delay_ladder()).await;
    assert!(arrival(&expiration).await >= deadline);
    drop(bus);

    // The other levels are necessary.
    expiration.stop().await;
    broker.delete_queue(&env, "delay.1000").await;
    let expiration = env.reopened(expiration).await;
    let bus = connect(&env, &expiration);
    wait_for_state(&bus, is_down).await;
}
