use std::time::Duration;

use events::{CancelReason, Order, OrderStatus, Timer};
use expiration::Settings;
use testkit::{TestEnv, eventually};
use values::Clock;

use crate::test_app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_expires_at_its_deadline_and_not_before() {
    let app = TestApp::new().await;
    // Longer than the shortest delay level: the first timer message arrives early and is sent again.
    let order = app.order(Duration::from_millis(2500));
    app.publish_order(&order).await;
    assert_eq!(
        app.get_expiration(order.id).await.expect(200).text_at("/state"),
        "pending"
    );

    app.wait_for_expiration(&order).await;
    assert!(app.env.now() >= order.expires_at);
    assert_eq!(
        app.get_expiration(order.id).await.expect(200).text_at("/state"),
        "expired"
    );
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_order_never_expires() {
    let app = TestApp::new().await;
    let endings = [
        (OrderStatus::AwaitingPayment, None, "awaiting:payment"),
        (OrderStatus::Complete, None, "complete"),
        (OrderStatus::Cancelled, Some(CancelReason::User), "cancelled"),
    ];
    let mut stopped = Vec::new();
    for (status, reason, stopped_by) in endings {
        let order = app.order(Duration::from_secs(4));
        app.publish_order(&order).await;
        app.publish_status(&order, status, reason).await;
        stopped.push((order, stopped_by));
    }
    // Its timer message arrives after theirs, from the same queue.
    let last = app.order(Duration::from_secs(5));
    app.publish_order(&last).await;
    app.wait_for_expiration(&last).await;

    for (order, stopped_by) in stopped {
        assert_eq!(app.expiration_count(&order), 0, "{stopped_by}");
        let reply = app.get_expiration(order.id).await.expect(200);
        assert_eq!(
            (reply.text_at("/state"), reply.text_at("/stoppedBy")),
            ("stopped".to_owned(), stopped_by.to_owned())
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_cancellation_arrives_first_never_expires() {
    let app = TestApp::new().await;
    let cancelled = app.order(Duration::from_millis(500));
    app.publish_status(&cancelled, OrderStatus::Cancelled, Some(CancelReason::TicketWithdrawn))
        .await;
    app.publish_order(&cancelled).await;
    let last = app.order(Duration::from_millis(1500));
    app.publish_order(&last).await;
    app.wait_for_expiration(&last).await;
    assert_eq!(app.expiration_count(&cancelled), 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_orders_of_a_busy_second_expire_without_the_sweep() {
    let app = TestApp::new().await;
    let deadline = app.order(Duration::from_secs(4)).expires_at;
    // More than two transactions expire.
    let orders: Vec<_> = (0..450)
        .map(|_| Order {
            expires_at: deadline,
            ..app.order(Duration::ZERO)
        })
        .collect();
    futures_util::future::join_all(orders.iter().map(|order| app.publish_order(order))).await;
    for order in &orders {
        app.wait_for_expiration(order).await;
        assert_eq!(app.expiration_count(order), 1);
    }
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_timer_messages_publish_one_expiration() {
    let app = TestApp::new().await;
    let order = app.order(Duration::from_millis(500));
    app.publish_order(&order).await;
    let timer = Timer {
        order_id: order.id,
        deadline: order.expires_at,
    };
    let unknown = Timer {
        order_id: app.order(Duration::ZERO).id,
        deadline: order.expires_at,
    };
    app.send_timers(vec![timer.clone(), unknown, timer.clone(), timer])
        .await;
    app.wait_for_expiration(&order).await;
    // A timer message that is sent later arrives after all of them.
    let last = app.order(Duration::from_millis(500));
    app.publish_order(&last).await;
    app.wait_for_expiration(&last).await;
    assert_eq!(app.expiration_count(&order), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_expires_an_order_whose_timer_message_has_not_arrived() {
    // In the past even after it is advanced: ids never decrease, and other tests create ids in this process.
    let clock = Clock::manual(Clock::system().now() - Duration::from_hours(1));
    let app = TestApp::start(TestEnv::with_clock(clock.clone()).await, Duration::from_secs(1)).await;
    let order_window = Settings::default().order_window;
    let order = app.order(order_window);
    app.publish_order(&order).await;
    let reply = eventually("the order is tracked", async || {
        Some(app.get_expiration(order.id).await).filter(|reply| reply.status.as_u16() == 200)
    });
    assert_eq!(reply.await.text_at("/state"), "pending");
    // For the broker no time has passed: the timer message is still in the longest delay queue.
    clock.advance(order_window);
    app.wait_for_expiration(&order).await;
    assert_eq!(app.expiration_count(&order), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_deadline_passes_during_a_restart_expires_afterwards() {
    let app = TestApp::new().await;
    let order = app.order(Duration::from_millis(1200));
    app.publish_order(&order).await;
    let reply = app.get_expiration(order.id).await.expect(200);
    assert_eq!(reply.text_at("/deadline"), order.expires_at.to_string());
    let app = app
        .restart_after(async |env| {
            eventually("the deadline has passed", async || {
                (env.now() >= order.expires_at).then_some(())
            })
            .await;
        })
        .await;
    app.wait_for_expiration(&order).await;
    app.stop().await;
}
