//! Messages with several events.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bus::{
    ConsumeError, Recovery,
    parked::{self, Selection},
};
use events::{Envelope, Event};
use lapin::BasicProperties;
use tokio::sync::watch;
use values::Clock;

use crate::{
    broker_node::BrokerNode,
    raw_broker::RawBroker,
    test_env::{
        Service, TestEnv, events_consumer, eventually, order_created, parked_at_ticket, recording_handler,
        recording_handler_unless,
    },
};

const BATCH: &str = "application/cloudevents-batch+json";

fn with_batches() -> TestEnv {
    let mut env = TestEnv::new();
    env.event_batches = true;
    env
}

/// Publishes the orders of these versions from one page of the outbox.
async fn publish_orders(env: &TestEnv, versions: std::ops::RangeInclusive<u64>) -> Service {
    let order = env.service("order");
    for version in versions {
        order.publish(order_created(version)).await;
    }
    env.connect(&order, &env.url, Vec::new());
    order.wait_for_empty_outbox().await;
    order
}

/// Returns a consumer that has applied the order of version 1.
async fn consumer_of_one_order(env: &TestEnv) -> Service {
    let ticket = env.consumer("ticket");
    publish_orders(env, 1..=1).await;
    ticket.wait_for_consumed(1).await;
    ticket
}

async fn wait_for_messages(env: &TestEnv, queue: &str, count: u32) {
    let broker = RawBroker::open().await;
    eventually(async || {
        let waiting = broker.message_count(env, queue).await?;
        (waiting == count).then_some(())
    })
    .await;
}

fn batch_properties() -> BasicProperties {
    BasicProperties::default()
        .with_content_type(BATCH.into())
        .with_message_id("batch".into())
        .with_user_id("guest".into())
}

fn order_event(version: u64) -> (String, String) {
    let envelope = Envelope::new("order", Clock::system().now(), order_created(version));
    (envelope.id.to_string(), envelope.to_json())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_type_share_messages_and_arrive_in_order() {
    let env = with_batches();
    publish_orders(&env, 1..=100).await;
    wait_for_messages(&env, "ticket", 2).await;
    wait_for_messages(&env, "journal", 2).await;
    let broker = RawBroker::open().await;
    let message = broker.take_message(&env, "payment").await;
    assert_eq!(message.properties.content_type().as_ref().unwrap().as_str(), BATCH);
    let events = Envelope::split_batch(&message.data).unwrap();
    assert_eq!(events.len(), 64);
    let first = Envelope::parse(events[0].as_bytes()).unwrap();
    assert!(matches!(&first.event, Event::OrderCreated(order) if order.version == 1));

    let ticket = env.consumer("ticket");
    assert_eq!(ticket.wait_for_consumed(100).await, (1..=100).collect::<Vec<_>>());
    wait_for_messages(&env, "ticket", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_reads_single_events_and_batches_alike() {
    let mut env = with_batches();
    env.event_batches = false;
    let order = publish_orders(&env, 1..=10).await;
    order.stop().await;
    wait_for_messages(&env, "ticket", 10).await;
    env.event_batches = true;
    let order = env.reopened(order).await;
    for version in 11..=20 {
        order.publish(order_created(version)).await;
    }
    env.connect(&order, &env.url, Vec::new());
    wait_for_messages(&env, "ticket", 11).await;
    let ticket = env.consumer("ticket");
    assert_eq!(ticket.wait_for_consumed(20).await, (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_events_of_a_batch_that_fail_are_retried_and_parked() {
    let env = with_batches();
    let ticket = env.service("ticket");
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = mended.clone();
    let handler = recording_handler_unless(move |event| match event {
        Event::OrderCreated(order) if !is_mended.load(Ordering::SeqCst) => {
            assert_ne!(order.version, 26, "a bug");
            if order.version == 13 {
                Err(ConsumeError::new("unlucky"))
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    });
    env.connect(&ticket, &env.url, vec![events_consumer(handler)]);
    publish_orders(&env, 1..=40).await;
    let parked = parked_at_ticket(&env, 2).await;
    let mut consumed = ticket.wait_for_consumed(38).await;
    consumed.sort_unstable();
    let applied: Vec<_> = (1..=40).filter(|version| ![13, 26].contains(version)).collect();
    assert_eq!(consumed, applied, "each once");
    let unlucky = parked.iter().find(|message| message.reason == "unlucky").unwrap();
    assert!(parked.iter().all(|message| message.attempts == 4), "{parked:?}");
    let event = Envelope::parse(unlucky.body.as_bytes()).unwrap();
    assert_eq!(unlucky.id, event.id.to_string());
    assert_eq!(unlucky.subject, Some(event.subject));
    wait_for_messages(&env, "ticket", 0).await;

    mended.store(true, Ordering::SeqCst);
    let this = Selection::Id(unlucky.id.clone());
    for (selection, redriven) in [(this, 1), (Selection::All, 1)] {
        let outcome = parked::redrive(&env.url, &env.namespace, "ticket", &selection).await;
        assert_eq!(outcome.unwrap(), redriven);
    }
    let mut consumed = ticket.wait_for_consumed(40).await;
    consumed.sort_unstable();
    assert_eq!(consumed, (1..=40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_not_committed_is_neither_applied_in_part_nor_acknowledged() {
    let env = with_batches();
    publish_orders(&env, 1..=40).await;
    let ticket = env.service("ticket");
    let reached = watch::Sender::new(false);
    let at_outage = reached.clone();
    let outage = recording_handler_unless(move |event| {
        if matches!(event, Event::OrderCreated(order) if order.version == 30) {
            at_outage.send_replace(true);
            let full = "database or disk is full".to_owned();
            return Err(db::Error::Unavailable { reason: full }.into());
        }
        Ok(())
    });
    env.connect(&ticket, &env.url, vec![events_consumer(outage)]);
    reached.subscribe().wait_for(|reached| *reached).await.unwrap();
    assert_eq!(ticket.wait_for_consumed(0).await, [0; 0], "none of them");
    // Killed, for the broker: what is not acknowledged returns to the queue.
    ticket.stop().await;
    wait_for_messages(&env, "ticket", 1).await;

    let ticket = env.reopened(ticket).await;
    env.connect(&ticket, &env.url, vec![events_consumer(recording_handler())]);
    assert_eq!(ticket.wait_for_consumed(40).await, (1..=40).collect::<Vec<_>>());
    wait_for_messages(&env, "ticket", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_or_forbidden_event_of_a_batch_is_parked_alone() {
    let env = with_batches();
    let ticket = consumer_of_one_order(&env).await;
    let broker = RawBroker::open().await;
    let queue = format!("{}.ticket", env.namespace);
    let (good, another) = (order_event(2).1, order_event(3).1);
    let body = format!(r#"[{good}, {{"id":"strange","type":"x"}}, [1], {another}]"#);
    broker.publish_as(batch_properties(), "", &queue, body.as_bytes()).await;
    assert_eq!(ticket.wait_for_consumed(3).await, [1, 2, 3]);
    let parked = parked_at_ticket(&env, 2).await;
    let bodies: Vec<_> = parked
        .iter()
        .map(|message| (message.id.as_str(), message.body.as_str()))
        .collect();
    assert_eq!(
        bodies,
        [("strange", r#"{"id":"strange","type":"x"}"#), ("batch.2", "[1]")]
    );
    assert!(
        parked
            .iter()
            .all(|message| message.reason.starts_with("malformed event")),
        "{parked:?}"
    );

    // Of nobody that the consumer knows.
    let anonymous = BasicProperties::default().with_content_type(BATCH.into());
    let (id, forged) = order_event(4);
    broker
        .publish_as(anonymous, "", &queue, format!("[{forged}]").as_bytes())
        .await;
    let parked = parked_at_ticket(&env, 3).await;
    assert_eq!(parked[2].id, id);
    assert!(parked[2].reason.starts_with("forbidden publisher"), "{parked:?}");
    wait_for_messages(&env, "ticket", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_batch_is_parked_whole() {
    let env = with_batches();
    let ticket = consumer_of_one_order(&env).await;
    let broker = RawBroker::open().await;
    let queue = format!("{}.ticket", env.namespace);
    let event = order_event(2).1;
    let too_many = format!("[{event}{}]", format!(",{event}").repeat(64));
    let bodies = ["[]", "", "[{}", event.as_str(), too_many.as_str()];
    for body in bodies {
        // An event alone is one, whatever its content type is.
        broker.publish_as(batch_properties(), "", &queue, body.as_bytes()).await;
    }
    let list = format!("[{event}]");
    let single = batch_properties().with_content_type("application/cloudevents+json".into());
    broker.publish_as(single, "", &queue, list.as_bytes()).await;
    let parked = parked_at_ticket(&env, 5).await;
    let bodies: Vec<_> = parked.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["[]", "", "[{}", too_many.as_str(), list.as_str()]);
    assert_eq!(ticket.wait_for_consumed(2).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_the_broker_parked_is_listed_redriven_and_discarded_by_event() {
    let env = with_batches();
    let ticket = env.consumer("ticket");
    publish_orders(&env, 1..=1).await;
    ticket.wait_for_consumed(1).await;
    let events: Vec<_> = (2..=5).map(order_event).collect();
    let bodies: Vec<_> = events.iter().map(|(_, body)| body.as_str()).collect();
    let broker = RawBroker::open().await;
    let queue = format!("{}.ticket.parked", env.namespace);
    let body = format!("[{}]", bodies.join(","));
    broker.publish_as(batch_properties(), "", &queue, body.as_bytes()).await;

    let parked = parked_at_ticket(&env, 4).await;
    let ids: Vec<_> = parked.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids, events.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>());
    let select = |index: usize| Selection::Id(events[index].0.clone());
    let redriven = parked::redrive(&env.url, &env.namespace, "ticket", &select(1)).await;
    assert_eq!(redriven.unwrap(), 1);
    assert_eq!(ticket.wait_for_consumed(2).await, [1, 3]);
    let rest = parked_at_ticket(&env, 3).await;
    assert_eq!(rest[1].body, events[2].1);
    let discarded = parked::discard(&env.url, &env.namespace, "ticket", &select(2)).await;
    assert_eq!(discarded.unwrap(), 1);
    let redriven = parked::redrive(&env.url, &env.namespace, "ticket", &Selection::All).await;
    assert_eq!(redriven.unwrap(), 2);
    assert_eq!(ticket.wait_for_consumed(4).await, [1, 3, 2, 5]);
    parked_at_ticket(&env, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_service_recovers_from_batches_and_single_events() {
    let mut env = with_batches();
    let ticket = env.consumer("ticket");
    let order = publish_orders(&env, 1..=100).await;
    order.stop().await;
    env.event_batches = false;
    let order = env.reopened(order).await;
    env.connect(&order, &env.url, Vec::new());
    order.publish(order_created(101)).await;
    ticket.wait_for_consumed(101).await;
    order.wait_for_empty_outbox().await;

    let ticket = env.restored(ticket).await;
    let done = watch::Sender::new(false);
    let recovery = Recovery {
        recover: |tx, now, envelope| recording_handler()(tx, now, envelope).map(|()| true),
        since: None,
        done: done.clone(),
    };
    let consumers = vec![events_consumer(recording_handler())];
    let _bus = env.connect_with_recovery(Some(recovery), &ticket, &env.url, consumers);
    done.subscribe().wait_for(|done| *done).await.unwrap();
    // Recovered as own events, and consumed as those of others.
    let all: Vec<_> = (1..=101).chain(1..=101).collect();
    assert_eq!(ticket.wait_for_consumed(202).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_published_alone_where_the_broker_accepts_no_larger_message() {
    let Some(node) = BrokerNode::start() else { return };
    let mut env = TestEnv::at(node.url());
    env.event_batches = true;
    node.ctl(&["eval", "application:set_env(rabbit, max_message_size, 5000)."]);
    let ticket = env.consumer("ticket");
    publish_orders(&env, 1..=30).await;
    assert_eq!(ticket.wait_for_consumed(30).await, (1..=30).collect::<Vec<_>>());
}
