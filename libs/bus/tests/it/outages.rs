use bus::{AmqpUrl, ConnectionState, admin};
use events::{Envelope, Event};
use tokio::{net::TcpSocket, task::JoinSet};
use values::Clock;

use crate::{
    raw_broker::RawBroker,
    tcp_proxy::TcpProxy,
    test_env::{TIMEOUT, TestEnv, events_consumer, is_down, order_created, recording_handler, wait_for_state},
};

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_an_unreachable_broker_and_are_published_in_order() {
    let env = TestEnv::new();
    let proxy = TcpProxy::new(false).await;
    let order = env.service("order");
    let bus = env.connect(&order, &proxy.url(), Vec::new());
    wait_for_state(&bus, is_down).await;
    for version in 1..=20 {
        order.publish(order_created(version)).await;
    }
    assert_eq!(order.outbox_count().await, 20);

    let ticket = env.consumer("ticket");
    proxy.restore();
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    assert_eq!(ticket.wait_for_consumed(20).await, (1..=20).collect::<Vec<_>>());
    order.wait_for_empty_outbox().await;
}

/// More threads than processors, so that attempts are interrupted anywhere. Their 20,000 attempts take about a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 32)]
async fn refused_connections_end_at_once() {
    // Bound, so that nobody else listens there.
    let refusing = TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url: AmqpUrl = format!("amqp://guest:guest@{}", refusing.local_addr().unwrap())
        .parse()
        .unwrap();
    let mut attempts = JoinSet::new();
    for _ in 0..32 {
        let url = url.clone();
        attempts.spawn(async move {
            for _ in 0..625 {
                let error = admin::ping(&url).await.unwrap_err().to_string();
                assert!(error.contains("Connection refused"), "{error}");
            }
        });
    }
    attempts.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_another_process_are_published_in_the_order_of_their_commits() {
    let env = TestEnv::new();
    let (order, ticket) = (env.publisher("order"), env.consumer("ticket"));
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;
    let other = rusqlite::Connection::open(env.database(&order)).unwrap();
    for version in (2..=40).step_by(2) {
        let copy = "INSERT INTO outbox (destination, event_id, event_type, body, created_at)
            VALUES ('events', ?1, 'ticketing.order.created.v1', ?2, 0)";
        let event = Envelope::new("order", Clock::system().now(), order_created(version));
        other.execute(copy, (event.id.to_string(), event.to_json())).unwrap();
        order.publish(order_created(version + 1)).await;
    }
    assert_eq!(ticket.wait_for_consumed(41).await, (1..=41).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_events_than_fit_in_memory_wait_in_the_table() {
    let env = TestEnv::new();
    let proxy = TcpProxy::new(false).await;
    let order = env.service("order");
    let bus = env.connect(&order, &proxy.url(), Vec::new());
    wait_for_state(&bus, is_down).await;
    let mut large = events::examples::order(Clock::system().now());
    let record = events::OrderRecord::new("t".repeat(500_000), large.total, Clock::system().now());
    large.record = Some(record);
    for version in 1..=20 {
        let large = events::Order {
            version,
            ..large.clone()
        };
        order.publish(Event::OrderCreated(large)).await;
        order.publish(order_created(version + 20)).await;
    }
    let ticket = env.consumer("ticket");
    proxy.restore();
    let expected: Vec<_> = (1..=20).flat_map(|version| [version, version + 20]).collect();
    assert_eq!(ticket.wait_for_consumed(40).await, expected);
    order.publish(order_created(41)).await;
    assert_eq!(ticket.wait_for_consumed(41).await[40..], [41]);
    order.wait_for_empty_outbox().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_killed_before_it_deleted_a_published_event_publishes_it_again() {
    let env = TestEnv::new();
    let (order, ticket) = (env.service("order"), env.consumer("ticket"));
    order.publish(order_created(1)).await;
    let before = env.database(&order).with_extension("before");
    db::admin::backup(&env.database(&order), &before).unwrap();
    env.connect(&order, &env.url, Vec::new());
    ticket.wait_for_consumed(1).await;
    order.stop().await;
    assert_eq!(order.outbox_count().await, 0);

    order.db.close().await;
    std::fs::rename(&before, env.database(&order)).unwrap();
    let order = env.publisher("order");
    order.publish(order_created(2)).await;
    assert_eq!(ticket.wait_for_consumed(3).await, [1, 1, 2]);
    order.wait_for_empty_outbox().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_connection_losses_lose_no_event() {
    let env = TestEnv::new();
    let proxy = TcpProxy::new(true).await;
    let (order, ticket) = (env.service("order"), env.service("ticket"));
    let publisher_bus = env.connect(&order, &proxy.url(), Vec::new());
    let consumer_bus = env.connect(&ticket, &proxy.url(), vec![events_consumer(recording_handler())]);
    let mut published = 0;
    for _ in 0..5 {
        for bus in [&publisher_bus, &consumer_bus] {
            wait_for_state(bus, |state| *state == ConnectionState::Connected).await;
        }
        let publishing = (published + 1..=published + 200).map(|version| order.publish(order_created(version)));
        published += 200;
        futures_util::future::join_all(publishing).await;
        // The connections are lost while events are in transit.
        ticket
            .wait_for_consumed(usize::try_from(published - 150).unwrap())
            .await;
        proxy.cut();
        for bus in [&publisher_bus, &consumer_bus] {
            wait_for_state(bus, is_down).await;
        }
        proxy.restore();
    }
    order.wait_for_empty_outbox().await;
    let everything: Vec<_> = (1..=i64::try_from(published).unwrap()).collect();
    let missing = ticket
        .db
        .wait_for(TIMEOUT, move |conn| {
            let distinct: i64 = conn.query_row("SELECT count(DISTINCT version) FROM consumed_event", [], |row| {
                row.get(0)
            })?;
            Ok::<_, db::Error>((distinct == i64::try_from(published).unwrap_or_default()).then_some(()))
        })
        .await;
    assert_eq!(missing.unwrap(), Some(()), "an event is lost");
    let mut consumed = ticket.wait_for_consumed(everything.len()).await;
    consumed.sort_unstable();
    consumed.dedup();
    assert_eq!(consumed, everything);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_is_declared_again() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let ticket = env.service("ticket");
    let bus = env.connect(&ticket, &env.url, vec![events_consumer(recording_handler())]);
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;

    let mut state = bus.state();
    state.mark_unchanged();
    let broker = RawBroker::open().await;
    let name = format!("{}.ticket", env.namespace);
    let deletion = broker
        .channel
        .queue_delete(name.into(), lapin::options::QueueDeleteOptions::default());
    deletion.await.unwrap();
    // The service may already be connected again.
    let lost = tokio::time::timeout(TIMEOUT, state.changed()).await;
    lost.expect("the connection is lost").unwrap();
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    order.publish(order_created(2)).await;
    assert_eq!(ticket.wait_for_consumed(2).await, [1, 2]);
}
