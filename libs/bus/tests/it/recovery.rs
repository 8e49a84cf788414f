use bus::{Bus, ConnectionState, Recovery, RepublishPage, admin, outbox, republish_changed};
use db::{Db, Error};
use events::Envelope;
use lapin::types::{AMQPValue, FieldTable};
use rusqlite::Connection;
use tokio::sync::watch;
use values::{Clock, Timestamp};

use crate::{
    raw_broker::RawBroker,
    test_env::{
        Service, TIMEOUT, TestEnv, broker_url, events_consumer, eventually, is_down, order_created, recording_handler,
        wait_for_state,
    },
};

/// Records the calls of `recover`.
pub(crate) fn recovery_plan(done: &watch::Sender<bool>) -> Recovery {
    Recovery {
        recover: |tx, now, envelope| {
            tx.execute("INSERT INTO consumed_event (type, at) VALUES ('recovered', ?)", [now])?;
            Ok(envelope.source == "/ticketing/order")
        },
        since: None,
        done: done.clone(),
    }
}

/// Returns the kinds of recorded events in the order of their first occurrence, with their counts.
async fn recorded_counts(service: &Service) -> Vec<(String, u32)> {
    let read = |conn: &Connection| {
        let mut rows = conn.prepare("SELECT type, count(*) FROM consumed_event GROUP BY type ORDER BY min(seq)")?;
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok::<_, Error>(rows.collect::<Result<_, _>>()?)
    };
    service.db.read(read).await.unwrap()
}

async fn is_marked(db: &Db) -> bool {
    db.read(db::restored::is_marked).await.unwrap()
}

async fn is_outdated(db: &Db) -> bool {
    db.read(db::restored::is_outdated).await.unwrap()
}

pub(crate) async fn wait_until_done(done: &watch::Sender<bool>) {
    let mut done = done.subscribe();
    let done = tokio::time::timeout(TIMEOUT, done.wait_for(|done| *done)).await;
    assert!(*done.expect("it recovers in time").unwrap());
}

fn connect_restored(env: &TestEnv, service: &Service, recovery: Recovery) -> Bus {
    let consumers = vec![events_consumer(recording_handler())];
    env.connect_with_recovery(Some(recovery), service, &broker_url(), consumers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_service_consumes_acknowledged_events_again_before_new_ones() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let ticket = env.consumer("ticket");
    for version in 1..=300 {
        order.publish(order_created(version)).await;
    }
    let consumed = ticket.wait_for_consumed(300).await;

    let ticket = env.restored(ticket).await;
    assert!(is_outdated(&ticket.db).await);
    order.publish(order_created(301)).await;
    order.wait_for_empty_outbox().await;
    let done = watch::Sender::new(false);
    let _bus = connect_restored(&env, &ticket, recovery_plan(&done));
    wait_until_done(&done).await;
    // 301 is in the journal and in the queue.
    let again = ticket.wait_for_consumed(301 + 301 + 1).await;
    let versions: Vec<_> = again.iter().copied().filter(|version| *version > 0).collect();
    assert_eq!(versions[..300], consumed);
    assert_eq!(versions[300..], [301, 301]);
    let expected = [("recovered", 301), ("ticketing.order.created.v1", 302)];
    assert_eq!(
        recorded_counts(&ticket).await,
        expected.map(|(kind, count)| (kind.to_owned(), count))
    );
    assert!(!is_outdated(&ticket.db).await, "the journal is applied");
    assert!(is_marked(&ticket.db).await, "what has changed is not republished yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn republishing_in_the_background_waits_for_the_outbox_and_clears_the_mark_with_the_last_page() {
    let env = TestEnv::new();
    let order = env.service("order");
    order.db.write(db::restored::mark).await.unwrap();
    let since = Timestamp::from_millis(7);
    let republish: RepublishPage = |tx, now, since, after| {
        assert_eq!(since, Some(Timestamp::from_millis(7)));
        let page: u32 = after.map_or(0, |after| after.parse().unwrap());
        for version in 1..=2000 {
            outbox::append(tx, "order", now, order_created(version))?;
        }
        Ok((page < 3).then(|| (page + 1).to_string()))
    };
    let clock = Clock::system();
    let republished = republish_changed(&order.db, &clock, republish, Some(since), db::restored::clear);
    let publish = async {
        let full = |conn: &Connection| {
            let depth = outbox::depth(conn)?.count;
            Ok::<_, Error>((depth == 6000).then_some(()))
        };
        order.db.wait_for(TIMEOUT, full).await.unwrap().unwrap();
        assert!(is_marked(&order.db).await);
        let publish = |tx: &db::Tx| Ok::<_, Error>(tx.execute("DELETE FROM outbox WHERE id <= 2000", [])?);
        order.db.write(publish).await.unwrap();
    };
    let (republished, ()) = tokio::join!(republished, publish);
    republished.unwrap();
    assert_eq!(order.outbox_count().await, 6000);
    assert!(!is_marked(&order.db).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_service_without_a_broker_waits_and_publishes_nothing() {
    let env = TestEnv::new();
    let order = env.service("order");
    order.db.write(db::restored::mark).await.unwrap();
    order.publish(order_created(1)).await;
    let done = watch::Sender::new(false);
    let nowhere = "amqp://guest:guest@127.0.0.1:1/%2f".parse().unwrap();
    let bus = env.connect_with_recovery(Some(recovery_plan(&done)), &order, &nowhere, Vec::new());
    wait_for_state(&bus, is_down).await;
    order.stop().await;
    assert!(!*done.borrow() && is_marked(&order.db).await);
    assert_eq!(
        (order.outbox_count().await, recorded_counts(&order).await),
        (1, Vec::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_recovery_starts_over_and_succeeds() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let ticket = env.consumer("ticket");
    for version in 1..=10 {
        order.publish(order_created(version)).await;
    }
    ticket.wait_for_consumed(10).await;
    let ticket = env.restored(ticket).await;
    let done = watch::Sender::new(false);
    let failing = Recovery {
        recover: |_, _, _| {
            let reason = "the disk is full".to_owned();
            Err(Error::Unavailable { reason }.into())
        },
        ..recovery_plan(&done)
    };
    let bus = connect_restored(&env, &ticket, failing);
    let ConnectionState::Down { reason, .. } = wait_for_state(&bus, is_down).await else {
        unreachable!("it is down");
    };
    assert!(reason.contains("the disk is full"), "{reason}");
    ticket.stop().await;
    assert!(!*done.borrow() && is_outdated(&ticket.db).await);

    let again = env.reopened(ticket).await;
    let _bus = connect_restored(&env, &again, recovery_plan(&done));
    wait_until_done(&done).await;
    let recovered = recorded_counts(&again).await;
    assert!(
        recovered
            .iter()
            .any(|(kind, count)| kind == "recovered" && *count >= 10),
        "{recovered:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_passes_over_messages_that_cannot_be_read() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let ticket = env.consumer("ticket");
    let broker = RawBroker::open().await;
    let exchange = format!("{}.events", env.namespace);
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;
    for version in 2..=5 {
        // The broker adds the position in the journal, and delivers more than a frame.
        let mut headers = FieldTable::default();
        headers.insert("x-note".into(), AMQPValue::LongString("n".repeat(131_020).into()));
        broker
            .publish_with(headers, &exchange, "ticketing.order.created.v1", b"{}")
            .await;
        order.publish(order_created(version)).await;
    }
    ticket.wait_for_consumed(5).await;
    order.wait_for_empty_outbox().await;

    let ticket = env.restored(ticket).await;
    let done = watch::Sender::new(false);
    let _bus = connect_restored(&env, &ticket, recovery_plan(&done));
    wait_until_done(&done).await;
    let expected = [("recovered", 5), ("ticketing.order.created.v1", 5)];
    assert_eq!(
        recorded_counts(&ticket).await,
        expected.map(|(kind, count)| (kind.to_owned(), count))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_passes_over_events_of_the_wrong_publisher() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    let ticket = env.consumer("ticket");
    let broker = RawBroker::open().await;
    let exchange = format!("{}.events", env.namespace);
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;
    let event = Envelope::new("order", Clock::system().now(), order_created(2)).to_json();
    let anonymous = lapin::BasicProperties::default;
    broker
        .publish_as(anonymous(), &exchange, "ticketing.order.created.v1", event.as_bytes())
        .await;
    order.publish(order_created(3)).await;
    ticket.wait_for_consumed(2).await;
    order.wait_for_empty_outbox().await;

    let ticket = env.restored(ticket).await;
    let done = watch::Sender::new(false);
    let _bus = connect_restored(&env, &ticket, recovery_plan(&done));
    wait_until_done(&done).await;
    assert_eq!(ticket.wait_for_consumed(4).await[2..], [1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_stores_known_events_and_is_deleted_with_its_namespace() {
    let env = TestEnv::new();
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    order.wait_for_empty_outbox().await;
    let broker = RawBroker::open().await;
    // A stream is counted a little later than it is written.
    eventually(async || broker.message_count(&env, "journal").await.filter(|kept| *kept == 1)).await;
    assert_eq!(broker.message_count(&env, "unroutable").await, Some(0));
    order.stop().await;
    admin::delete_namespace(&broker_url(), &env.namespace, &[])
        .await
        .unwrap();
    assert_eq!(broker.message_count(&env, "journal").await, None);
}
