use std::time::Duration;

use bus::{AmqpUrl, Bus, Config, RETRY_DELAYS, TopologyMode, outbox};
use chassis::Service;
use db::{Db, Schema, admin};
use events::{CancelReason, Event, Order, OrderStatus, Timer, examples};
use expiration::{Expiration, Settings, SweepSettings};
use testkit::{Client, Reply, RunningService, TestEnv, eventually};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{OrderId, UserId};

/// The service in an environment of its own, and a buyer.
pub(crate) struct TestApp {
    pub(crate) env: TestEnv,
    pub(crate) service: RunningService,
    pub(crate) buyer: UserId,
    pub(crate) client: Client,
    settings: Settings,
}

impl TestApp {
    /// Starts the service with one sweep at its start, and none during the test.
    pub(crate) async fn new() -> Self {
        Self::start(TestEnv::new().await, Duration::from_hours(1)).await
    }

    /// Starts the service and waits until it is connected to the broker.
    pub(crate) async fn start(env: TestEnv, sweep_interval: Duration) -> Self {
        let settings = Settings {
            sweep: SweepSettings {
                interval: sweep_interval,
            },
            ..Settings::default()
        };
        let service = start_service(&env, settings).await;
        let (buyer, client) = env.user(&service);
        Self {
            env,
            service,
            buyer,
            client,
            settings,
        }
    }

    pub(crate) async fn stop(self) {
        self.service.stop().await;
    }

    /// Stops the service, waits for `meanwhile`, and starts the service again with its database.
    pub(crate) async fn restart_after(mut self, meanwhile: impl AsyncFnOnce(&TestEnv)) -> Self {
        self.service.stop().await;
        meanwhile(&self.env).await;
        self.service = start_service(&self.env, self.settings).await;
        self
    }

    /// Stops the service and checks its database.
    pub(crate) async fn stop_and_check(self) {
        self.service.stop().await;
        let findings = admin::check(
            &self.env.database::<Expiration>(),
            &Expiration::SCHEMA,
            Expiration::INVARIANTS,
        );
        assert_eq!(findings.unwrap(), []);
    }

    /// Returns an order of the buyer that is placed now and expires after `window`.
    pub(crate) fn order(&self, window: Duration) -> Order {
        let now = self.env.now();
        Order {
            buyer_id: self.buyer,
            expires_at: now + window,
            ..examples::order(now)
        }
    }

    pub(crate) async fn publish_order(&self, order: &Order) {
        self.env.publish("order", Event::OrderCreated(order.clone())).await;
    }

    /// Publishes the next version of an order.
    pub(crate) async fn publish_status(&self, order: &Order, status: OrderStatus, reason: Option<CancelReason>) {
        let event = examples::order_event(Order {
            version: order.version + 1,
            status,
            cancel_reason: reason,
            ..order.clone()
        });
        self.env.publish("order", event).await;
    }

    pub(crate) async fn get_expiration(&self, order: OrderId) -> Reply {
        self.client.get(&path(order)).await
    }

    /// Waits until the expiration of an order is published.
    pub(crate) async fn wait_for_expiration(&self, order: &Order) {
        let event = self
            .env
            .wait_for_event(|event| {
                event
                    .as_expiration()
                    .is_some_and(|expiration| expiration.order_id == order.id)
            })
            .await;
        let expiration = event.as_expiration().unwrap();
        assert_eq!(
            (expiration.deadline, expiration.version),
            (order.expires_at, order.version)
        );
    }

    /// Counts the published expirations of an order.
    pub(crate) fn expiration_count(&self, order: &Order) -> usize {
        self.env
            .published_events()
            .iter()
            .filter(|event| {
                event
                    .as_expiration()
                    .is_some_and(|expiration| expiration.order_id == order.id)
            })
            .count()
    }

    /// Sends timer messages to the delay queues, as the service does.
    pub(crate) async fn send_timers(&self, timers: Vec<Timer>) {
        const NAME: &str = "timer-sender";
        const SCHEMA: Schema = Schema {
            service: NAME,
            migrations: &[outbox::SCHEMA_V1],
        };
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("timer-sender.db"), &SCHEMA).unwrap();
        let bus = self.env.common().bus;
        let (delay_ladder, now) = (self.settings.delay_ladder(), self.env.now());
        db.write(move |tx| {
            timers.into_iter().try_for_each(|timer| {
                let deadline = timer.deadline;
                let message = Event::ExpirationTimer(timer);
                outbox::append_timer(tx, NAME, now, message, deadline, &delay_ladder)
            })
        })
        .await
        .unwrap();
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let config = Config {
            broker: AmqpUrl::clone(&bus.url).into(),
            namespace: bus.namespace,
            topology: TopologyMode::Declare,
            unidentified_until: None,
            event_batches: false,
            service: NAME,
            delay_ladder: None,
            retry_delays: RETRY_DELAYS,
            consumers: Vec::new(),
            recovery: None,
        };
        Bus::start(config, db.clone(), self.env.clock.clone(), shutdown.clone(), &tasks);
        db.wait_for(Duration::from_secs(30), |conn| {
            let depth = outbox::depth(conn)?;
            Ok::<_, db::Error>((depth.count == 0).then_some(()))
        })
        .await
        .unwrap()
        .expect("the broker confirms the timers");
        shutdown.cancel();
        tasks.close();
        tasks.wait().await;
        db.close().await;
    }
}

pub(crate) fn path(order: OrderId) -> String {
    format!("/api/v1/expirations/{order}")
}

async fn start_service(env: &TestEnv, settings: Settings) -> RunningService {
    let service = env.start::<Expiration>(settings).await;
    let client = service.client();
    eventually("the service is connected", async || {
        (client.get("/health/ready").await.text_at("/checks/broker") == "connected").then_some(())
    })
    .await;
    service
}
