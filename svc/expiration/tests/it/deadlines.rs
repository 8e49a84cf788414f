use std::time::Duration;

use bus::{AmqpUrl, Bus, Config, RETRY_DELAYS, outbox};
use chassis::Service;
use db::{Db, Schema, admin};
use events::{CancelReason, Event, OrderStatus, Timer};
use expiration::{Expiration, Settings};
use testkit::{TestEnv, eventually};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, UserId};

use crate::town::{connected, hear_it_expire, on_the_ladder, order, place, then, times_expired};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_expires_at_its_deadline_and_not_before() {
    let kit = TestEnv::new().await;
    let service = on_the_ladder(&kit).await;
    let (buyer, client) = kit.user(&service);
    // Longer than the shortest rung: a timer that drops out early takes the next one.
    let order = order(&kit, buyer, Duration::from_millis(2500));
    place(&kit, &order).await;
    let path = format!("/api/v1/expirations/{}", order.id);
    assert_eq!(client.get(&path).await.expect(200).text_at("/state"), "pending");

    hear_it_expire(&kit, &order).await;
    assert!(kit.now() >= order.expires_at);
    assert_eq!(client.get(&path).await.expect(200).text_at("/state"), "expired");
    service.stop().await;
    let found = admin::check(
        &kit.database::<Expiration>(),
        &Expiration::SCHEMA,
        Expiration::INVARIANTS,
    )
    .unwrap();
    assert_eq!(found, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_order_never_expires() {
    let kit = TestEnv::new().await;
    let service = on_the_ladder(&kit).await;
    let (buyer, client) = kit.user(&service);
    let endings = [
        (OrderStatus::AwaitingPayment, None, "awaiting:payment"),
        (OrderStatus::Complete, None, "complete"),
        (OrderStatus::Cancelled, Some(CancelReason::User), "cancelled"),
    ];
    let mut stopped = Vec::new();
    for (status, reason, stopped_by) in endings {
        let order = order(&kit, buyer, Duration::from_secs(1));
        place(&kit, &order).await;
        kit.publish("order", then(&order, status, reason)).await;
        stopped.push((order, stopped_by));
    }
    // Its timer drops out after theirs, of the same queue.
    let last = order(&kit, buyer, Duration::from_secs(2));
    place(&kit, &last).await;
    hear_it_expire(&kit, &last).await;

    for (order, stopped_by) in stopped {
        assert_eq!(times_expired(&kit, &order), 0, "{stopped_by}");
        let told = client
            .get(&format!("/api/v1/expirations/{}", order.id))
            .await
            .expect(200);
        assert_eq!(
            (told.text_at("/state"), told.text_at("/stoppedBy")),
            ("stopped".to_owned(), stopped_by.to_owned())
        );
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_before_it_was_heard_of_never_expires() {
    let kit = TestEnv::new().await;
    let service = on_the_ladder(&kit).await;
    let buyer = UserId::new(kit.now());
    let cancelled = order(&kit, buyer, Duration::from_millis(500));
    kit.publish(
        "order",
        then(&cancelled, OrderStatus::Cancelled, Some(CancelReason::TicketWithdrawn)),
    )
    .await;
    place(&kit, &cancelled).await;
    let last = order(&kit, buyer, Duration::from_millis(1500));
    place(&kit, &last).await;
    hear_it_expire(&kit, &last).await;
    assert_eq!(times_expired(&kit, &cancelled), 0);
    service.stop().await;
}

/// Puts timers on the ladder as the service does, beside it.
async fn ring_again(kit: &TestEnv, timers: Vec<Timer>) {
    const SCHEMA: Schema = Schema {
        service: "bell-ringer",
        migrations: &[outbox::SCHEMA_V1],
    };
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&folder.path().join("bell-ringer.db"), &SCHEMA).unwrap();
    let bus = kit.common().bus;
    let (delay_ladder, now) = (Settings::default().delay_ladder(), kit.now());
    db.write(move |tx| {
        timers.into_iter().try_for_each(|timer| {
            let deadline = timer.deadline;
            outbox::append_timer(
                tx,
                "bell-ringer",
                now,
                Event::ExpirationTimer(timer),
                deadline,
                &delay_ladder,
            )
        })
    })
    .await
    .unwrap();
    let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
    let config = Config {
        broker: AmqpUrl::clone(&bus.url).into(),
        namespace: bus.namespace,
        service: "bell-ringer",
        delay_ladder: None,
        retry_delays: RETRY_DELAYS,
        consumers: Vec::new(),
        recovery: None,
    };
    Bus::start(config, db.clone(), kit.clock.clone(), shutdown.clone(), &tasks);
    db.wait_for(Duration::from_secs(30), |conn| {
        let depth = outbox::depth(conn)?;
        Ok::<_, db::Error>((depth.count == 0).then_some(()))
    })
    .await
    .unwrap()
    .expect("the broker takes the timers");
    shutdown.cancel();
    tasks.close();
    tasks.wait().await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_rings_many_times_is_announced_once() {
    let kit = TestEnv::new().await;
    let service = on_the_ladder(&kit).await;
    let buyer = UserId::new(kit.now());
    let order_ = order(&kit, buyer, Duration::from_millis(500));
    place(&kit, &order_).await;
    let timer = Timer {
        order_id: order_.id,
        deadline: order_.expires_at,
    };
    let unknown = Timer {
        order_id: order(&kit, buyer, Duration::ZERO).id,
        deadline: order_.expires_at,
    };
    ring_again(&kit, vec![timer.clone(), unknown, timer.clone(), timer]).await;
    hear_it_expire(&kit, &order_).await;
    // All of them have dropped out when a timer has that started later.
    let last = order(&kit, buyer, Duration::from_millis(500));
    place(&kit, &last).await;
    hear_it_expire(&kit, &last).await;
    assert_eq!(times_expired(&kit, &order_), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_expires_what_the_broker_forgot() {
    // In the past also when it is advanced: ids never go back, and other tests make ids in this process.
    let clock = Clock::manual(Clock::system().now() - Duration::from_hours(1));
    let kit = TestEnv::with_clock(clock.clone()).await;
    let service = connected(
        &kit,
        Settings {
            sweep: expiration::SweepSettings {
                interval: Duration::from_secs(1),
            },
            ..Settings::default()
        },
    )
    .await;
    let (buyer, client) = kit.user(&service);
    let order = order(&kit, buyer, Settings::default().order_window);
    place(&kit, &order).await;
    let path = format!("/api/v1/expirations/{}", order.id);
    let told = eventually("the order is heard of", async || {
        Some(client.get(&path).await).filter(|told| told.status.as_u16() == 200)
    });
    assert_eq!(told.await.text_at("/state"), "pending");
    // For the broker no time has passed: its timer is still on the longest rung.
    clock.advance(Settings::default().order_window);
    hear_it_expire(&kit, &order).await;
    assert_eq!(times_expired(&kit, &order), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_while_the_service_is_down_is_announced_when_it_is_back() {
    let kit = TestEnv::new().await;
    let service = on_the_ladder(&kit).await;
    let (buyer, client) = kit.user(&service);
    let order = order(&kit, buyer, Duration::from_millis(1200));
    place(&kit, &order).await;
    client
        .get(&format!("/api/v1/expirations/{}", order.id))
        .await
        .expect(200)
        .text_at("/deadline");
    service.stop().await;
    eventually("the deadline has passed", async || {
        (kit.now() >= order.expires_at).then_some(())
    })
    .await;
    let service = on_the_ladder(&kit).await;
    hear_it_expire(&kit, &order).await;
    service.stop().await;
}
