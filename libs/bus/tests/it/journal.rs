use bus::{Bus, Queue, Recovery, State, admin};
use db::{Db, Error};
use rusqlite::Connection;
use tokio::sync::watch;

use crate::{
    broker::BrokerLocator,
    town::{DEADLINE, Service, Town, becomes, broker_url, eventually, is_down, note, on, ordered},
};

/// Notes what it is shown as adopted; announces nothing, and only once it may.
fn plan(done: &watch::Sender<bool>) -> Recovery {
    Recovery {
        adopt: |tx, now, envelope| {
            tx.execute("INSERT INTO seen (type, at) VALUES ('adopted', ?)", [now])?;
            Ok(envelope.source == "/ticketing/order")
        },
        republish: |tx, now, _| {
            tx.execute("INSERT INTO seen (type, at) VALUES ('announced', ?)", [now])?;
            Ok(None)
        },
        since: None,
        done: done.clone(),
    }
}

/// What was done, in this order, each kind once.
async fn story(service: &Service) -> Vec<(String, u32)> {
    let read = |conn: &Connection| {
        let mut rows = conn.prepare("SELECT type, count(*) FROM seen GROUP BY type ORDER BY min(seq)")?;
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok::<_, Error>(rows.collect::<Result<_, _>>()?)
    };
    service.db.read(read).await.unwrap()
}

async fn is_marked(db: &Db) -> bool {
    db.read(db::restored::is_marked).await.unwrap()
}

async fn is_done(done: &watch::Sender<bool>) {
    let mut done = done.subscribe();
    let done = tokio::time::timeout(DEADLINE, done.wait_for(|done| *done)).await;
    assert!(*done.expect("it catches up in time").unwrap());
}

fn catch_up(town: &Town, service: &Service, recovery: Recovery) -> Bus {
    let consumers = vec![on(Queue::Events, note())];
    town.connect_after(Some(recovery), service, &broker_url(), consumers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_service_hears_again_what_it_had_acknowledged_before_anything_new() {
    let town = Town::new();
    let order = town.speaker("order");
    let ticket = town.listener("ticket");
    for version in 1..=300 {
        order.publish(ordered(version)).await;
    }
    let heard = ticket.hears(300).await;

    let ticket = town.restored(ticket).await;
    order.publish(ordered(301)).await;
    order.has_said_all().await;
    let done = watch::Sender::new(false);
    let _bus = catch_up(&town, &ticket, plan(&done));
    is_done(&done).await;
    // 301 is in the journal and in the queue.
    let again = ticket.hears(301 + 301 + 1 + 1).await;
    let said: Vec<_> = again.iter().copied().filter(|version| *version > 0).collect();
    assert_eq!(said[..300], heard);
    assert_eq!(said[300..], [301, 301]);
    let told = [("adopted", 301), ("ticketing.order.created.v1", 302), ("announced", 1)];
    assert_eq!(story(&ticket).await, told.map(|(kind, count)| (kind.to_owned(), count)));
    assert!(!is_marked(&ticket.db).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_service_without_a_broker_waits_and_says_nothing() {
    let town = Town::new();
    let order = town.service("order");
    order.db.write(db::restored::mark).await.unwrap();
    order.publish(ordered(1)).await;
    let done = watch::Sender::new(false);
    let nowhere = "amqp://guest:guest@127.0.0.1:1/%2f".parse().unwrap();
    let bus = town.connect_after(Some(plan(&done)), &order, &nowhere, Vec::new());
    becomes(&bus, is_down).await;
    order.stops().await;
    assert!(!*done.borrow() && is_marked(&order.db).await);
    assert_eq!((order.left_to_say().await, story(&order).await), (1, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_that_breaks_off_begins_anew_and_ends_well() {
    let town = Town::new();
    let order = town.speaker("order");
    let ticket = town.listener("ticket");
    for version in 1..=10 {
        order.publish(ordered(version)).await;
    }
    ticket.hears(10).await;
    let ticket = town.restored(ticket).await;
    let done = watch::Sender::new(false);
    let failing = Recovery {
        republish: |_, _, _| {
            Err(Error::Unavailable {
                reason: "the disk is full".to_owned(),
            })
        },
        ..plan(&done)
    };
    let bus = catch_up(&town, &ticket, failing);
    let State::Down { reason, .. } = becomes(&bus, is_down).await else {
        unreachable!("it is down");
    };
    assert!(reason.contains("the disk is full"), "{reason}");
    ticket.stops().await;
    assert!(!*done.borrow() && is_marked(&ticket.db).await);

    let again = town.reopened(ticket).await;
    let _bus = catch_up(&town, &again, plan(&done));
    is_done(&done).await;
    assert!(!is_marked(&again.db).await);
    let adopted = story(&again).await;
    assert!(
        adopted.iter().any(|(kind, count)| kind == "adopted" && *count >= 20),
        "{adopted:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_keeps_what_is_known_and_goes_with_its_namespace() {
    let town = Town::new();
    let order = town.speaker("order");
    order.publish(ordered(1)).await;
    order.has_said_all().await;
    let broker = BrokerLocator::open().await;
    // A stream is counted a little later than it is written.
    eventually(async || broker.waiting_in(&town, "journal").await.filter(|kept| *kept == 1)).await;
    assert_eq!(broker.waiting_in(&town, "unroutable").await, Some(0));
    order.stops().await;
    admin::delete_namespace(&broker_url(), &town.namespace, &[])
        .await
        .unwrap();
    assert_eq!(broker.waiting_in(&town, "journal").await, None);
}
