//! Messages with headers that no service of ours writes.

use std::ops::RangeInclusive;

use bus::parked::{self, ParkedMessage, Selection};
use events::Envelope;
use lapin::types::{AMQPValue, FieldTable};
use values::Clock;

use crate::{
    raw_broker::RawBroker,
    tcp_proxy::replacing_proxy,
    test_env::{
        Service, TestEnv, events_consumer, eventually, handler_of_even_versions, order_created, parked_at_ticket,
        recording_handler,
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
        "x-publisher",
        "x-reason",
    ];
    assert_eq!(names, ours);
}

/// Waits until each of `events` is consumed, and this many messages are parked: no more, and no healthy one.
async fn wait_for_consumed_and_parked(
    env: &TestEnv,
    ticket: &Service,
    events: RangeInclusive<i64>,
    parked: usize,
) -> Vec<ParkedMessage> {
    let mut consumed = ticket.wait_for_consumed(events.clone().count()).await;
    consumed.sort_unstable();
    assert_eq!(consumed, events.collect::<Vec<_>>());
    parked_at_ticket(env, parked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_messages_that_cannot_be_read_are_parked() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;
    ticket.stop().await;

    // The broker adds a header when it dead-letters, and delivers more than a frame.
    let broker = RawBroker::open().await;
    let retry_queue = format!("{}.ticket.retry.50", env.namespace);
    for version in 2..=60 {
        if version % 3 == 0 {
            broker
                .publish_with(one_header(LARGEST_PAYLOAD - 100), "", &retry_queue, b"{}")
                .await;
        }
        order.publish(order_created(version)).await;
    }
    order.wait_for_empty_outbox().await;
    eventually(async || (broker.message_count(&env, "ticket.retry.50").await? == 0).then_some(())).await;
    let ticket = env.reopened(ticket).await;
    let bus = env.connect(&ticket, &env.url, vec![events_consumer(recording_handler())]);
    let parked = wait_for_consumed_and_parked(&env, &ticket, 1..=60, 20).await;
    for message in &parked {
        assert!(
            message
                .reason
                .starts_with("unreadable message: its properties have 131"),
            "{}",
            message.reason
        );
        assert_eq!((message.attempts, message.body.as_str()), (1, "{}"));
    }
    let connections = "ticketing_broker_connections_total{service=\"ticket\"} 1";
    let registry = metrics::MetricsRegistry::new("ticket");
    bus.register(&registry);
    let metrics = registry.text(metrics::Samples::default());
    assert!(
        metrics.contains(connections),
        "the connection was never lost: {metrics}"
    );
}

/// Headers that the broker stores as they are, and that lapin does not parse: it requires UTF-8, and parses recursively.
fn nested(levels: usize) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert("x-bottom".into(), AMQPValue::LongUInt(1));
    for _ in 0..levels {
        let mut outer = FieldTable::default();
        outer.insert("n".into(), AMQPValue::FieldTable(headers));
        headers = outer;
    }
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_the_client_library_cannot_parse_are_parked() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;

    let proxy = replacing_proxy(b"x-malformed", b"x-\xff\xff\xff\xff\xff\xff\xff\xff\xff").await;
    let broker = RawBroker::open_at(&proxy).await;
    let queue = format!("{}.ticket", env.namespace);
    let mut malformed = FieldTable::default();
    malformed.insert("x-malformed".into(), AMQPValue::LongUInt(1));
    for version in 2..=7 {
        broker.publish_with(malformed.clone(), "", &queue, b"{}").await;
        broker.publish_with(nested(500), "", &queue, b"{}").await;
        order.publish(order_created(version)).await;
    }
    let parked = wait_for_consumed_and_parked(&env, &ticket, 1..=7, 12).await;
    for reason in [
        "unreadable message: its properties are malformed",
        "unreadable message: its headers are nested more than 32 levels deep",
    ] {
        let count = parked.iter().filter(|message| message.reason == reason).count();
        assert_eq!(count, 6, "{reason}: {parked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routing_key_that_is_not_text_stops_nothing() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;

    let proxy = replacing_proxy(b"malformed", b"\xff\xfe\xff\xff\xff\xff\xff\xff\xff").await;
    let broker = RawBroker::open_at(&proxy).await;
    let exchange = broker.declare_fanout(&env, "foreign", "ticket").await;
    broker.publish(&exchange, "malformed", b"{}").await;
    broker.publish(&exchange, "malformed", b"{}").await;
    order.publish(order_created(2)).await;
    let parked = wait_for_consumed_and_parked(&env, &ticket, 1..=2, 2).await;
    assert!(parked[0].reason.starts_with("malformed event"), "{parked:?}");
    // Nor for the commands of an operator.
    let exchange = broker.declare_fanout(&env, "foreign-parked", "ticket.parked").await;
    broker.publish(&exchange, "malformed", b"{}").await;
    parked_at_ticket(&env, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_messages_that_cannot_be_read_are_listed_and_discarded_by_their_id() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;

    let broker = RawBroker::open().await;
    let queue = format!("{}.ticket.parked", env.namespace);
    let event = Envelope::new("order", Clock::system().now(), order_created(2)).to_json();
    // With each return to the queue the broker adds a header.
    let sizes = [10, LARGEST_PAYLOAD - 50, 20, LARGEST_PAYLOAD - 51];
    for bytes in sizes {
        broker
            .publish_with(one_header(bytes), "", &queue, event.as_bytes())
            .await;
    }
    let list_unreadable = async || {
        let mut parked = parked_at_ticket(&env, 4).await;
        parked.retain(|message| message.reason.starts_with("its properties have"));
        parked
    };
    list_unreadable().await;
    let unreadable = list_unreadable().await;
    assert_eq!(unreadable.len(), 2);
    assert_eq!(list_unreadable().await, unreadable);
    assert_ne!(unreadable[0].id, unreadable[1].id);
    let this = Selection::Id(unreadable[0].id.clone());
    let discarded = parked::discard(&env.url, &env.namespace, "ticket", &this).await;
    assert_eq!(discarded.unwrap(), 1);
    let rest = parked_at_ticket(&env, 3).await;
    assert!(rest.iter().all(|message| message.id != unreadable[0].id), "{rest:?}");

    let redriven = parked::redrive(&env.url, &env.namespace, "ticket", &Selection::All).await;
    assert_eq!(redriven.unwrap(), 3);
    assert_eq!(ticket.wait_for_consumed(4).await[1..], [2, 2, 2]);
}
