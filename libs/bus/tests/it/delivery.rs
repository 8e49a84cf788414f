use std::sync::{Arc, Mutex};

use bus::{ConnectionState, EventHandler, admin, outbox};
use events::{Envelope, Event};
use lapin::types::ShortString;
use telemetry::{Span, SpanKind, Traceparent};
use tracing::Instrument;
use values::Clock;

use crate::{
    raw_broker::RawBroker,
    test_env::{
        TestEnv, broker_url, delay_ladder, events_consumer, eventually, is_down, order_created, recording_handler,
        wait_for_state,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_reaches_every_subscriber_even_one_that_starts_later() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let payment = env.consumer("payment");
    order.publish(order_created(1)).await;
    order.wait_for_empty_outbox().await;
    payment.wait_for_consumed(1).await;

    let ticket = env.consumer("ticket");
    let expiration = env.consumer("expiration");
    assert_eq!(ticket.wait_for_consumed(1).await, [1]);
    assert_eq!(expiration.wait_for_consumed(1).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_services_can_start_at_once_at_an_empty_broker() {
    let env = TestEnv::new();
    let services = ["auth", "ticket", "order", "expiration", "payment"].map(|name| env.service(name));
    let buses: Vec<_> = services
        .iter()
        .map(|service| env.connect(service, &env.url, Vec::new()))
        .collect();
    for bus in &buses {
        wait_for_state(bus, |state| *state == ConnectionState::Connected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_consumed_in_the_order_of_publishing() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let ticket = env.consumer("ticket");
    let publishing = (1..=1000).map(|version| order.publish(order_created(version)));
    // Unconstrained, so that the database gets them in this order.
    tokio::task::unconstrained(futures_util::future::join_all(publishing)).await;
    let consumed = ticket.wait_for_consumed(1000).await;
    assert_eq!(consumed.len(), 1000, "none twice");
    assert!(consumed.is_sorted(), "{consumed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_type_is_stored_as_unroutable() {
    let env = TestEnv::new();
    let bus = env.connect(&env.service("order"), &env.url, Vec::new());
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    let broker = RawBroker::open().await;
    broker
        .publish(&format!("{}.events", env.namespace), "ticketing.weather.v1", b"{}")
        .await;
    eventually(async || {
        broker
            .message_count(&env, "unroutable")
            .await
            .filter(|waiting| *waiting == 1)
    })
    .await;
}

/// The span of a request.
fn request() -> Span {
    telemetry::install_default();
    Span::entry(
        &tracing::Span::none(),
        SpanKind::Server,
        format_args!("a request"),
        None,
    )
}

fn trace_id(span: &Span) -> String {
    span.traceparent().unwrap().trace_id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_runs_in_the_trace_of_its_event() {
    let env = TestEnv::new();
    let (order, ticket) = (env.publisher("order"), env.service("ticket"));
    let traces = Arc::new(Mutex::new(Vec::new()));
    let (record, trace_ids) = (recording_handler(), traces.clone());
    let handler: EventHandler = Arc::new(move |tx, now, envelope| {
        trace_ids
            .lock()
            .unwrap()
            .extend(telemetry::current_traceparent().map(Traceparent::trace_id));
        record(tx, now, envelope)
    });
    env.connect(&ticket, &env.url, vec![events_consumer(handler)]);
    let request = request();
    order.publish(order_created(1)).instrument(request.to_tracing()).await;
    ticket.wait_for_consumed(1).await;
    assert_eq!(*traces.lock().unwrap(), [trace_id(&request)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_properties_of_its_event() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let request = request();
    order.publish(order_created(1)).instrument(request.to_tracing()).await;
    order.wait_for_empty_outbox().await;

    let broker = RawBroker::open().await;
    let message = broker.take_message(&env, "ticket").await;
    let envelope = Envelope::parse(&message.data).unwrap();
    let properties = &message.properties;
    let text = |property: &Option<ShortString>| property.as_ref().map(ToString::to_string);
    assert_eq!(text(properties.content_type()).unwrap(), "application/cloudevents+json");
    assert_eq!(text(properties.message_id()).unwrap(), envelope.id.to_string());
    assert_eq!(text(properties.kind()).unwrap(), "ticketing.order.created.v1");
    assert_eq!(
        i64::try_from(properties.timestamp().unwrap()).unwrap(),
        envelope.time.seconds()
    );
    assert_eq!(
        *properties.delivery_mode(),
        Some(2),
        "it survives a restart of the broker"
    );
    let headers = properties.headers().clone().unwrap();
    let traceparent = headers
        .inner()
        .get("traceparent")
        .unwrap()
        .as_long_string()
        .unwrap()
        .to_string();
    assert_eq!(
        traceparent.parse::<Traceparent>().unwrap().trace_id(),
        trace_id(&request)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_larger_than_a_message_fails_the_transaction_that_appends_it() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let ticket = env.consumer("ticket");
    order.publish(order_created(1)).await;
    let now = Clock::system().now();
    let append = |bytes: usize| {
        order.db.write(move |tx| {
            outbox::append(tx, "order", now, order_created(2))?;
            let mut listing = events::examples::ticket(now);
            listing.title = "t".repeat(bytes);
            outbox::append(tx, "order", now, Event::TicketCreated(listing))
        })
    };
    let refused = append(outbox::MAX_MESSAGE_BYTES).await.unwrap_err();
    assert!(!refused.is_transient(), "{refused}");
    assert!(
        refused.to_string().contains("and a message has 1048576 at most"),
        "{refused}"
    );
    append(outbox::MAX_MESSAGE_BYTES - 2048).await.unwrap();
    order.publish(order_created(3)).await;
    order.wait_for_empty_outbox().await;
    assert_eq!(ticket.wait_for_consumed(3).await, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_service_publishes_its_outbox() {
    let env = TestEnv::new();
    let order = env.service("order");
    let bus = env.connect(&order, &env.url, Vec::new());
    wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
    for version in 1..=20 {
        order.publish(order_created(version)).await;
    }
    order.stop().await;
    assert_eq!(order.outbox_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_names_a_queue_with_other_properties() {
    let env = TestEnv::new();
    let broker = RawBroker::open().await;
    let name = format!("{}.payment", env.namespace);
    let durable = lapin::options::QueueDeclareOptions::durable();
    broker
        .channel
        .queue_declare(name.as_str().into(), durable, lapin::types::FieldTable::default())
        .await
        .unwrap();

    let bus = env.connect(
        &env.service("order"),
        &env.url,
        vec![events_consumer(recording_handler())],
    );
    let ConnectionState::Down { reason, .. } = wait_for_state(&bus, is_down).await else {
        unreachable!()
    };
    assert!(
        reason.starts_with(&format!("{name} exists in the broker with other properties")),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_namespace_deletes_all_its_queues() {
    let env = TestEnv::new();
    let services = ["order", "expiration"].map(|name| env.service(name));
    for service in &services {
        let bus = env.connect(service, &env.url, vec![events_consumer(recording_handler())]);
        wait_for_state(&bus, |state| *state == ConnectionState::Connected).await;
        service.stop().await;
    }
    let broker = RawBroker::open().await;
    broker.declare_shared_retry_queue(&env, 50).await;

    let names = [
        "order",
        "order.parked",
        "unroutable",
        "order.retry.50",
        "retry.50",
        "delay.900000",
        "delay.1000",
        "expiration.due",
    ];
    for name in names {
        assert_eq!(broker.message_count(&env, name).await, Some(0), "{name}");
    }
    let delays: Vec<_> = env.retry_delays.into_iter().chain(delay_ladder().levels()).collect();
    admin::delete_namespace(&env.url, &env.namespace, &delays)
        .await
        .unwrap();
    for name in names {
        assert_eq!(broker.message_count(&env, name).await, None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_reported_without_the_password() {
    admin::ping(&broker_url()).await.unwrap();
    let stranger = broker_url().to_string().replace("***", "0pen-sesame").parse().unwrap();
    let error = admin::ping(&stranger).await.unwrap_err().to_string();
    assert!(
        error.starts_with("cannot connect to the broker at amqp://guest:***@"),
        "{error}"
    );
    assert!(
        error.contains("ACCESS_REFUSED") && !error.contains("0pen-sesame"),
        "{error}"
    );
}
