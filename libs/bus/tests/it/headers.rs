//! Messages with headers that no service of ours writes.

use bus::{ConnectionState, admin, parked};
use events::Envelope;
use lapin::types::{AMQPValue, FieldTable};
use values::Clock;

use crate::{
    raw_broker::RawBroker,
    tcp_proxy::{TcpProxy, replacing_proxy},
    test_env::{
        Service, TestEnv, events_consumer, eventually, handler_of_even_versions, is_down, order_created,
        recording_handler, wait_for_state,
    },
};

/// RabbitMQ's default `frame_max`, without the frame's own eight bytes.
const LARGEST_PAYLOAD: usize = 131_072 - 8;

fn one_header(bytes: usize) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert("x-note".into(), AMQPValue::LongString("n".repeat(bytes).into()));
    headers
}

fn many_headers(count: usize) -> FieldTable {
    let mut headers = FieldTable::default();
    for number in 0..count {
        headers.insert(format!("x-note-{number}").into(), AMQPValue::LongUInt(1));
    }
    headers
}

fn with_trace(mut headers: FieldTable) -> FieldTable {
    headers.insert("traceparent".into(), AMQPValue::LongString("0".repeat(20_000).into()));
    headers.insert(
        "x-original-queue".into(),
        AMQPValue::LongString("q".repeat(20_000).into()),
    );
    headers.insert("x-reason".into(), AMQPValue::LongString("r".repeat(20_000).into()));
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_large_headers_is_retried_and_parked_with_ours_alone() {
    let env = TestEnv::new();
    let ticket = env.service("ticket");
    env.connect(
        &ticket,
        &env.url,
        vec![events_consumer(handler_of_even_versions("\u{e9}".repeat(5000)))],
    );
    let order = env.publisher("order");
    order.publish(order_created(2)).await;
    ticket.wait_for_consumed(1).await;

    let broker = RawBroker::open().await;
    let queue = format!("{}.ticket", env.namespace);
    let event = Envelope::new("order", Clock::system().now(), order_created(1)).to_json();
    let headers = [
        one_header(9_000),
        one_header(60_000),
        one_header(LARGEST_PAYLOAD - 100),
        many_headers(5_000),
        with_trace(one_header(10)),
    ];
    for headers in &headers {
        for body in [event.as_bytes(), b"\xff"] {
            broker.publish_with(headers.clone(), "", &queue, body).await;
        }
    }
    order.publish(order_created(4)).await;
    assert_eq!(ticket.wait_for_consumed(2).await, [2, 4]);
    let parked = eventually(async || {
        let parked = parked::list(&env.url, &env.namespace, "ticket").await.ok()?;
        (parked.len() == 2 * headers.len()).then_some(parked)
    })
    .await;
    let failed: Vec<_> = parked.iter().filter(|message| message.attempts == 4).collect();
    assert_eq!(failed.len(), headers.len(), "{parked:?}");
    assert!(
        failed
            .iter()
            .all(|message| message.body == event && message.reason.starts_with('\u{e9}'))
    );
    let copied = broker.take_message(&env, "ticket.parked").await;
    let names = copied.properties.headers().as_ref().unwrap().inner().keys();
    let mut names: Vec<_> = names.map(ToString::to_string).collect();
    // The broker's, for the listings.
    names.retain(|name| name != "x-delivery-count");
    let ours = [
        "x-attempt",
        "x-first-failed-at",
        "x-original-queue",
        "x-parked-at",
        "x-reason",
    ];
    assert_eq!(names, ours);
}

/// Waits until no message is in the queue of the service, and checks that each event was consumed or parked: a message that
/// cannot be received is rejected by its position, which another one may have taken (ADR 41).
async fn assert_all_are_consumed_or_parked(
    env: &TestEnv,
    ticket: &Service,
    broker: &RawBroker,
    events: usize,
    unreadable: usize,
) {
    eventually(async || {
        let parked = broker.message_count(env, "ticket.parked").await?;
        let mut consumed = ticket.wait_for_consumed(1).await;
        consumed.sort_unstable();
        consumed.dedup();
        let is_queue_empty = broker.message_count(env, "ticket").await? == 0;
        let found = consumed.len() + usize::try_from(parked).unwrap();
        (is_queue_empty && parked >= u32::try_from(unreadable).unwrap() && found >= events + unreadable).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_received_does_not_stop_the_service() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;

    // The broker adds a header when it dead-letters, and delivers more than a frame.
    let broker = RawBroker::open().await;
    let queue = format!("{}.ticket", env.namespace);
    let retry_queue = format!("{queue}.retry.50");
    for version in 2..=4 {
        broker
            .publish_with(one_header(LARGEST_PAYLOAD - 100), "", &retry_queue, b"{}")
            .await;
        order.publish(order_created(version)).await;
    }
    assert_all_are_consumed_or_parked(&env, &ticket, &broker, 4, 3).await;
    let unreadable = parked::list(&env.url, &env.namespace, "ticket")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        unreadable.contains(&format!(" of {queue}.parked cannot be received")),
        "{unreadable}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_malformed_headers_does_not_stop_the_service() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;

    // The broker stores the name of a header as it is; lapin parses UTF-8 only.
    let proxy = replacing_proxy(b"x-malformed", b"x-\xff\xff\xff\xff\xff\xff\xff\xff\xff").await;
    let broker = RawBroker::open_at(&proxy).await;
    let queue = format!("{}.ticket", env.namespace);
    let mut headers = FieldTable::default();
    headers.insert("x-malformed".into(), AMQPValue::LongUInt(1));
    for version in 2..=4 {
        broker.publish_with(headers.clone(), "", &queue, b"{}").await;
        order.publish(order_created(version)).await;
    }
    assert_all_are_consumed_or_parked(&env, &ticket, &broker, 4, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_returns_without_its_queues_after_an_unreadable_message_is_used_again() {
    let env = TestEnv::new();
    let proxy = TcpProxy::new(true).await;
    let ticket = env.service("ticket");
    let bus = env.connect(&ticket, &proxy.url(), vec![events_consumer(recording_handler())]);
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;

    proxy.refuse_new();
    let broker = RawBroker::open().await;
    let retry_queue = format!("{}.ticket.retry.50", env.namespace);
    broker
        .publish_with(one_header(LARGEST_PAYLOAD - 100), "", &retry_queue, b"{}")
        .await;
    wait_for_state(&bus, is_down).await;
    admin::delete_namespace(&env.url, &env.namespace, &env.retry_delays)
        .await
        .unwrap();
    proxy.restore();
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    assert_eq!(ticket.wait_for_consumed(1).await, [1]);
}
