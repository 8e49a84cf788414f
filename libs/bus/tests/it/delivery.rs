use std::sync::{Arc, Mutex};

use bus::{EventHandler, Queue, State, admin};
use events::Envelope;
use lapin::types::ShortString;
use trace::Trace;

use crate::{
    broker::BrokerLocator,
    town::{Town, becomes, broker_url, delay_ladder, eventually, is_down, note, on, ordered},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_reaches_every_subscriber_even_one_that_starts_later() {
    let town = Town::new();
    let order = town.speaker("order");
    let payment = town.listener("payment");
    order.publish(ordered(1)).await;
    order.has_said_all().await;
    payment.hears(1).await;

    let ticket = town.listener("ticket");
    let expiration = town.listener("expiration");
    assert_eq!(ticket.hears(1).await, [1]);
    assert_eq!(expiration.hears(1).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_services_may_start_at_once_at_an_empty_broker() {
    let town = Town::new();
    let services = ["auth", "ticket", "order", "expiration", "payment"].map(|name| town.service(name));
    let buses: Vec<_> = services
        .iter()
        .map(|service| town.connect(service, &town.url, Vec::new()))
        .collect();
    for bus in &buses {
        becomes(bus, |state| *state == State::Connected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_heard_in_the_order_in_which_they_were_said() {
    let town = Town::new();
    let order = town.speaker("order");
    let ticket = town.listener("ticket");
    let saying = (1..=1000).map(|version| order.publish(ordered(version)));
    // Unconstrained, so that the database gets them in this order.
    tokio::task::unconstrained(futures_util::future::join_all(saying)).await;
    let heard = ticket.hears(1000).await;
    assert_eq!(heard.len(), 1000, "none twice");
    assert!(heard.is_sorted(), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_queue_is_bound_for_is_kept() {
    let town = Town::new();
    let bus = town.connect(&town.service("order"), &town.url, Vec::new());
    becomes(&bus, |state| *state == State::Connected).await;
    let broker = BrokerLocator::open().await;
    broker
        .publish(&format!("{}.events", town.namespace), "ticketing.weather.v1", b"{}")
        .await;
    eventually(async || {
        broker
            .waiting_in(&town, "unroutable")
            .await
            .filter(|waiting| *waiting == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_belongs_to_the_trace_that_its_event_came_from() {
    let town = Town::new();
    let (order, ticket) = (town.speaker("order"), town.service("ticket"));
    let traces = Arc::new(Mutex::new(Vec::new()));
    let (note, trace_ids) = (note(), traces.clone());
    let reaction: EventHandler = Arc::new(move |tx, now, envelope| {
        trace_ids.lock().unwrap().extend(trace::current().map(Trace::id));
        note(tx, now, envelope)
    });
    town.connect(&ticket, &town.url, vec![on(Queue::Events, reaction)]);
    let request = Trace::start();
    trace::scope(request, order.publish(ordered(1))).await;
    ticket.hears(1).await;
    assert_eq!(*traces.lock().unwrap(), [request.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_says_on_its_outside_what_it_is() {
    let town = Town::new();
    let order = town.speaker("order");
    let request = Trace::start();
    trace::scope(request, order.publish(ordered(1))).await;
    order.has_said_all().await;

    let broker = BrokerLocator::open().await;
    let message = broker.take(&town, "ticket").await;
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
    assert_eq!(traceparent.parse::<Trace>().unwrap().id(), request.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_stopped_publishes_what_it_has_committed() {
    let town = Town::new();
    let order = town.service("order");
    let bus = town.connect(&order, &town.url, Vec::new());
    becomes(&bus, |state| *state == State::Connected).await;
    for version in 1..=20 {
        order.publish(ordered(version)).await;
    }
    order.stops().await;
    assert_eq!(order.left_to_say().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_properties_is_named() {
    let town = Town::new();
    let broker = BrokerLocator::open().await;
    let name = format!("{}.payment", town.namespace);
    let durable = lapin::options::QueueDeclareOptions::durable();
    broker
        .channel
        .queue_declare(name.as_str().into(), durable, lapin::types::FieldTable::default())
        .await
        .unwrap();

    let bus = town.connect(&town.service("order"), &town.url, vec![on(Queue::Events, note())]);
    let State::Down { reason, .. } = becomes(&bus, is_down).await else {
        unreachable!()
    };
    assert!(
        reason.starts_with(&format!("{name} exists in the broker with other properties")),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_can_be_deleted_without_a_trace() {
    let town = Town::new();
    let services = ["order", "expiration"].map(|name| town.service(name));
    for service in &services {
        let bus = town.connect(service, &town.url, Vec::new());
        becomes(&bus, |state| *state == State::Connected).await;
        service.stops().await;
    }

    let names = [
        "order",
        "order.parked",
        "unroutable",
        "retry.50",
        "delay.900000",
        "delay.1000",
        "expiration.due",
    ];
    let broker = BrokerLocator::open().await;
    for name in names {
        assert_eq!(broker.waiting_in(&town, name).await, Some(0), "{name}");
    }
    let delays: Vec<_> = town.retries.into_iter().chain(delay_ladder().levels()).collect();
    admin::delete_namespace(&town.url, &town.namespace, &delays)
        .await
        .unwrap();
    for name in names {
        assert_eq!(broker.waiting_in(&town, name).await, None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_does_not_let_us_in_is_told_without_the_password() {
    admin::ping(&broker_url()).await.unwrap();
    let stranger = broker_url().to_string().replace("***", "0pen-sesame").parse().unwrap();
    let error = admin::ping(&stranger).await.unwrap_err().to_string();
    assert!(
        error.starts_with("no broker lets us in at amqp://guest:***@"),
        "{error}"
    );
    assert!(
        error.contains("ACCESS_REFUSED") && !error.contains("0pen-sesame"),
        "{error}"
    );
}
