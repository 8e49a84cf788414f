use bus::{State, admin};

use crate::{
    broker::Broker,
    town::{Town, becomes, broker_url, eventually, is_down, note, on, ordered},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_reaches_every_subscriber_even_one_that_starts_later() {
    let town = Town::new();
    let order = town.speaker("order");
    let payment = town.listener("payment");
    order.say(ordered(1)).await;
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
    let saying = (1..=1000).map(|version| order.say(ordered(version)));
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
    let broker = Broker::open().await;
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
async fn a_service_that_is_stopped_publishes_what_it_has_committed() {
    let town = Town::new();
    let order = town.service("order");
    let bus = town.connect(&order, &town.url, Vec::new());
    becomes(&bus, |state| *state == State::Connected).await;
    for version in 1..=20 {
        order.say(ordered(version)).await;
    }
    order.stops().await;
    assert_eq!(order.left_to_say().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_properties_is_named() {
    let town = Town::new();
    let broker = Broker::open().await;
    let name = format!("{}.payment", town.namespace);
    let durable = lapin::options::QueueDeclareOptions::durable();
    broker
        .channel
        .queue_declare(name.as_str().into(), durable, lapin::types::FieldTable::default())
        .await
        .unwrap();

    let bus = town.connect(&town.service("order"), &town.url, vec![on(bus::Queue::Events, note())]);
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
    let order = town.service("order");
    let bus = town.connect(&order, &town.url, Vec::new());
    becomes(&bus, |state| *state == State::Connected).await;
    order.stops().await;

    let names = [
        "order",
        "order.parked",
        "unroutable",
        "retry.50",
        "delay.900000",
        "delay.1000",
        "expiration.due",
    ];
    let broker = Broker::open().await;
    for name in names {
        assert_eq!(broker.waiting_in(&town, name).await, Some(0), "{name}");
    }
    admin::delete_namespace(&town.url, &town.namespace, &town.retries)
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
