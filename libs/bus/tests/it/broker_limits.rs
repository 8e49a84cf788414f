//! A broker that lacks memory, or that accepts no large messages.

use bus::{ConnectionState, outbox};
use values::Clock;

use crate::{
    broker_node::BrokerNode,
    raw_broker::RawBroker,
    test_env::{
        TestEnv, events_consumer, eventually, handler_of_even_versions, order_created, parked_at_ticket,
        recording_handler, wait_for_state,
    },
};

fn is_blocked(state: &ConnectionState) -> bool {
    matches!(state, ConnectionState::Blocked { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_without_memory_blocks_publishing_and_no_acknowledgement() {
    let Some(node) = BrokerNode::start() else { return };
    let env = TestEnv::at(node.url());
    let ticket = env.consumer("ticket");
    let order = env.service("order");
    let order_bus = env.connect(&order, &env.url, Vec::new());
    order.publish(order_created(2)).await;
    ticket.wait_for_consumed(1).await;
    ticket.stop().await;
    // More than the broker sends ahead of acknowledgements, with failing ones in between.
    for version in 3..=600 {
        order
            .publish(order_created(if version % 50 == 1 { 1 } else { version * 2 }))
            .await;
    }
    order.wait_for_empty_outbox().await;

    raise_memory_alarm(&node).await;
    let ticket = env.reopened(ticket).await;
    let bus = env.connect(
        &ticket,
        &env.url,
        vec![events_consumer(handler_of_even_versions("odd".to_owned()))],
    );
    ticket.wait_for_consumed(1 + 587).await;
    wait_for_state(&bus, is_blocked).await;
    order.publish(order_created(2000)).await;
    wait_for_state(&order_bus, is_blocked).await;
    assert!(metrics_of(&bus).contains("ticketing_broker_blocked{service=\"ticket\"} 1"));
    assert!(metrics_of(&bus).contains("ticketing_broker_connected{service=\"ticket\"} 1"));
    let queue = format!("{}.ticket\t11", env.namespace);
    eventually(async || {
        let queues = node.ctl(&["list_queues", "name", "messages"]);
        queues.lines().any(|line| line == queue).then_some(())
    })
    .await;

    node.ctl(&["set_vm_memory_high_watermark", "absolute", "1GB"]);
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    assert!(metrics_of(&bus).contains("ticketing_broker_blocked{service=\"ticket\"} 0"));
    order.wait_for_empty_outbox().await;
    ticket.wait_for_consumed(1 + 587 + 1).await;
    parked_at_ticket(&env, 11).await;
}

fn metrics_of(bus: &bus::Bus) -> String {
    let registry = metrics::MetricsRegistry::new("ticket");
    let mut samples = metrics::Samples::default();
    bus.collect_metrics(&mut samples);
    registry.text(samples)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_starts_under_an_alarm_with_unpublished_events_consumes() {
    let Some(node) = BrokerNode::start() else { return };
    let env = TestEnv::at(node.url());
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(2)).await;
    ticket.wait_for_consumed(1).await;
    ticket.stop().await;
    for version in 3..=100 {
        order.publish(order_created(version * 2)).await;
    }
    // Fails, so that it needs a copy.
    order.publish(order_created(1)).await;
    order.wait_for_empty_outbox().await;
    let ticket = env.reopened(ticket).await;
    for _ in 0..300 {
        let listing = events::examples::ticket(Clock::system().now());
        ticket.publish(events::Event::TicketCreated(listing)).await;
    }

    raise_memory_alarm(&node).await;
    let bus = env.connect(
        &ticket,
        &env.url,
        vec![events_consumer(handler_of_even_versions("odd".to_owned()))],
    );
    wait_for_state(&bus, is_blocked).await;
    ticket.wait_for_consumed(1 + 98).await;
    assert!(ticket.outbox_count().await > 0, "the broker blocks publishing");

    node.ctl(&["set_vm_memory_high_watermark", "absolute", "1GB"]);
    ticket.wait_for_empty_outbox().await;
    parked_at_ticket(&env, 1).await;
}

async fn raise_memory_alarm(node: &BrokerNode) {
    node.ctl(&["set_vm_memory_high_watermark", "0.0000001"]);
    eventually(async || {
        node.ctl(&["eval", "rabbit_alarm:get_alarms()."])
            .contains("memory")
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_message_that_the_broker_accepts_no_more_is_parked_by_the_broker() {
    let Some(node) = BrokerNode::start() else { return };
    let env = TestEnv::at(node.url());
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(2)).await;
    ticket.wait_for_consumed(1).await;
    ticket.stop().await;
    let broker = RawBroker::open_at(&node.raw_url()).await;
    let queue = format!("{}.ticket", env.namespace);
    let large = "x".repeat(20_000);
    broker.publish("", &queue, large.as_bytes()).await;
    order.publish(order_created(4)).await;
    order.wait_for_empty_outbox().await;

    node.ctl(&["eval", "application:set_env(rabbit, max_message_size, 10000)."]);
    let ticket = env.reopened(ticket).await;
    env.connect(&ticket, &env.url, vec![events_consumer(recording_handler())]);
    ticket.wait_for_consumed(2).await;
    let parked = parked_at_ticket(&env, 1).await;
    assert_eq!(
        (parked[0].body.as_str(), parked[0].reason.as_str()),
        (large.as_str(), "rejected")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_accepts_only_smaller_messages_than_ours_is_reported_with_the_setting_to_raise() {
    let Some(node) = BrokerNode::start() else { return };
    let env = TestEnv::at(node.url());
    let ticket = env.consumer("ticket");
    let order = env.service("order");
    node.ctl(&["eval", "application:set_env(rabbit, max_message_size, 100)."]);
    order.publish(order_created(1)).await;
    let bus = env.connect(&order, &env.url, Vec::new());
    let reported = |state: &ConnectionState| {
        matches!(state, ConnectionState::Down { reason, .. }
            if reason.starts_with("the broker does not accept a message of the outbox")
                && reason.contains("raise the broker's max_message_size"))
    };
    wait_for_state(&bus, reported).await;
    assert_eq!(order.outbox_count().await, 1);

    let limit = format!(
        "application:set_env(rabbit, max_message_size, {}).",
        outbox::MAX_MESSAGE_BYTES
    );
    node.ctl(&["eval", &limit]);
    // As large as an event can be: its fields and the envelope need less than 2 KiB.
    let title = "t".repeat(outbox::MAX_MESSAGE_BYTES - 2048);
    let mut listing = events::examples::ticket(Clock::system().now());
    listing.title = title;
    order.publish(events::Event::TicketCreated(listing)).await;
    order.publish(order_created(2)).await;
    order.wait_for_empty_outbox().await;
    assert_eq!(ticket.wait_for_consumed(2).await, [1, 2]);
}
