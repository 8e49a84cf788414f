use bus::{Queue, State};

use crate::{
    broker::BrokerLocator,
    proxy::Proxy,
    town::{Town, becomes, is_down, note, on, ordered},
};

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_a_broker_that_is_away_and_then_go_in_order() {
    let town = Town::new();
    let proxy = Proxy::new(false).await;
    let order = town.service("order");
    let bus = town.connect(&order, &proxy.url(), Vec::new());
    becomes(&bus, is_down).await;
    for version in 1..=20 {
        order.publish(ordered(version)).await;
    }
    assert_eq!(order.left_to_say().await, 20);

    let ticket = town.listener("ticket");
    proxy.restore();
    becomes(&bus, |state| *state == State::Connected).await;
    assert_eq!(ticket.hears(20).await, (1..=20).collect::<Vec<_>>());
    order.has_said_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_again_and_again_loses_nothing() {
    let town = Town::new();
    let proxy = Proxy::new(true).await;
    let (order, ticket) = (town.service("order"), town.service("ticket"));
    let speaking = town.connect(&order, &proxy.url(), Vec::new());
    let listening = town.connect(&ticket, &proxy.url(), vec![on(Queue::Events, note())]);
    let mut said = 0;
    for _ in 0..5 {
        for bus in [&speaking, &listening] {
            becomes(bus, |state| *state == State::Connected).await;
        }
        let saying = (said + 1..=said + 200).map(|version| order.publish(ordered(version)));
        said += 200;
        futures_util::future::join_all(saying).await;
        // In the middle of it, wherever that is.
        ticket.hears(usize::try_from(said - 150).unwrap()).await;
        proxy.cut();
        for bus in [&speaking, &listening] {
            becomes(bus, is_down).await;
        }
        proxy.restore();
    }
    order.has_said_all().await;
    let everything: Vec<_> = (1..=i64::try_from(said).unwrap()).collect();
    let missing = ticket
        .db
        .wait_for(crate::town::DEADLINE, move |conn| {
            let distinct: i64 = conn.query_row("SELECT count(DISTINCT version) FROM seen", [], |row| row.get(0))?;
            Ok::<_, db::Error>((distinct == i64::try_from(said).unwrap_or_default()).then_some(()))
        })
        .await;
    assert_eq!(missing.unwrap(), Some(()), "an event is lost");
    let mut heard = ticket.hears(everything.len()).await;
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard, everything);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_somebody_deleted_comes_back() {
    let town = Town::new();
    let order = town.speaker("order");
    let ticket = town.service("ticket");
    let bus = town.connect(&ticket, &town.url, vec![on(Queue::Events, note())]);
    order.publish(ordered(1)).await;
    ticket.hears(1).await;

    let broker = BrokerLocator::open().await;
    let name = format!("{}.ticket", town.namespace);
    let deletion = broker
        .channel
        .queue_delete(name.into(), lapin::options::QueueDeleteOptions::default());
    deletion.await.unwrap();
    becomes(&bus, is_down).await;
    becomes(&bus, |state| *state == State::Connected).await;
    order.publish(ordered(2)).await;
    assert_eq!(ticket.hears(2).await, [1, 2]);
}
