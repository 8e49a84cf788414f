//! A broker on which each service has a user of its own, with the permissions of the definitions.

use std::io::Write;

use bus::{BrokerDefinitions, Bus, TopologyMode, outbox, parked};
use events::{Envelope, Event, Timer};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};
use tokio::sync::watch;
use values::{Clock, OrderId};

use crate::{
    broker_node::BrokerNode,
    raw_broker::RawBroker,
    recovery::{recovery_plan, wait_until_done},
    test_env::{
        Service, TestEnv, delay_ladder, events_consumer, eventually, handler_of_even_versions, order_created,
        recording_handler, timers_consumer,
    },
};

const SERVICES: [&str; 5] = ["auth", "ticket", "order", "expiration", "payment"];

/// AMQP 0-9-1: access-refused, and precondition-failed.
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;

/// A broker with definitions instead of services that declare their queues.
struct RestrictedBroker {
    env: TestEnv,
    node: BrokerNode,
}

impl RestrictedBroker {
    /// Returns `None` if RabbitMQ is not installed.
    fn start() -> Option<Self> {
        let node = BrokerNode::start()?;
        let mut env = TestEnv::at(node.url());
        env.topology = TopologyMode::Existing;
        let mut definitions = BrokerDefinitions {
            namespace: &env.namespace,
            vhost: "/",
            services: &SERVICES,
            timers: Some(("expiration", &delay_ladder())),
            retry_delays: &env.retry_delays,
        }
        .to_json();
        let users = SERVICES.map(|name| serde_json::json!({"name": name, "password": password(name), "tags": ""}));
        definitions["users"] = users.to_vec().into();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(definitions.to_string().as_bytes()).unwrap();
        node.ctl(&["import_definitions", file.path().to_str().unwrap()]);
        Some(Self { env, node })
    }

    fn url(&self, user: &str) -> String {
        self.node.url_of(user, &password(user))
    }

    fn connect(&self, service: &Service, consumers: Vec<bus::Consumer>) -> Bus {
        self.env
            .connect(service, &self.url(service.name).parse().unwrap(), consumers)
    }

    fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.env.namespace)
    }
}

fn password(user: &str) -> String {
    format!("password-of-{user}")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_does_its_work_with_the_permissions_of_its_own_user() {
    let Some(broker) = RestrictedBroker::start() else {
        return;
    };
    let env = &broker.env;
    let (order, ticket, expiration) = (env.service("order"), env.service("ticket"), env.service("expiration"));
    let (auth, payment) = (env.service("auth"), env.service("payment"));
    let auth_bus = broker.connect(&auth, Vec::new());
    broker.connect(&order, Vec::new());
    broker.connect(&payment, vec![events_consumer(recording_handler())]);
    let handler = handler_of_even_versions("odd".to_owned());
    broker.connect(&ticket, vec![events_consumer(handler)]);
    broker.connect(
        &expiration,
        vec![
            events_consumer(recording_handler()),
            timers_consumer(recording_handler()),
        ],
    );
    crate::test_env::wait_for_state(&auth_bus, |state| *state == bus::ConnectionState::Connected).await;
    for version in [1, 2] {
        order.publish(order_created(version)).await;
    }
    assert_eq!(payment.wait_for_consumed(2).await, [1, 2]);
    assert_eq!(ticket.wait_for_consumed(1).await, [2]);

    // Retried, parked, redriven and parked again.
    let url = broker.url("ticket").parse().unwrap();
    let parked_once = async || {
        let parked = parked::list(&url, &env.namespace, "ticket").await.unwrap();
        (parked.len() == 1).then(|| parked[0].clone())
    };
    let message = eventually(parked_once).await;
    assert_eq!((message.attempts, message.reason.as_str()), (4, "odd"));
    let redriven = parked::redrive(&url, &env.namespace, "ticket", &parked::Selection::All).await;
    assert_eq!(redriven.unwrap(), 1);
    let again = eventually(parked_once).await;
    assert!(again.parked_at > message.parked_at, "{again:?}");

    // A timer passes a delay level.
    let now = Clock::system().now();
    let timer = Event::ExpirationTimer(Timer {
        order_id: OrderId::new(now),
        deadline: now,
    });
    let append = move |tx: &db::Tx| outbox::append_timer(tx, "expiration", now, timer, now, &delay_ladder());
    expiration.db.write(append).await.unwrap();
    expiration.wait_for_consumed(3).await;

    // A restored service reads the journal, and marks its end.
    let payment = env.restored(payment).await;
    let done = watch::Sender::new(false);
    let url = broker.url("payment").parse().unwrap();
    let consumers = vec![events_consumer(recording_handler())];
    env.connect_with_recovery(Some(recovery_plan(&done)), &payment, &url, consumers);
    wait_until_done(&done).await;
    payment.wait_for_consumed(4).await;
}

/// Something that a user tries at the broker. Returns the code with which the broker closes the channel.
struct Attempts<'a> {
    broker: &'a RestrictedBroker,
    user: &'static str,
    connection: Connection,
}

impl<'a> Attempts<'a> {
    async fn of(broker: &'a RestrictedBroker, user: &'static str) -> Self {
        let url = broker.url(user);
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        Self {
            broker,
            user,
            connection,
        }
    }

    async fn channel(&self) -> Channel {
        let channel = self.connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        channel
    }

    async fn publish(&self, exchange: &str, key: &str) -> lapin::Result<()> {
        let properties = BasicProperties::default().with_user_id(self.user.into());
        self.publish_with(properties, exchange, key).await
    }

    async fn publish_with(&self, properties: BasicProperties, exchange: &str, key: &str) -> lapin::Result<()> {
        let exchange = if exchange.is_empty() {
            String::new()
        } else {
            self.broker.name(exchange)
        };
        let options = BasicPublishOptions::default();
        let channel = self.channel().await;
        let confirm = channel
            .basic_publish(exchange.into(), key.into(), options, b"{}", properties)
            .await?;
        confirm.await.map(|_| ())
    }

    async fn get(&self, queue: &str) -> lapin::Result<()> {
        let (name, options) = (self.broker.name(queue), BasicGetOptions::default());
        self.channel().await.basic_get(name.into(), options).await.map(|_| ())
    }

    async fn consume(&self, queue: &str) -> lapin::Result<()> {
        let (name, options) = (self.broker.name(queue), BasicConsumeOptions::default());
        let channel = self.channel().await;
        channel
            .basic_consume(name.into(), "".into(), options, FieldTable::default())
            .await
            .map(|_| ())
    }

    async fn bind(&self, queue: &str, exchange: &str, key: &str) -> lapin::Result<()> {
        let [queue, exchange] = [queue, exchange].map(|name| self.broker.name(name));
        let options = QueueBindOptions::default();
        let channel = self.channel().await;
        channel
            .queue_bind(
                queue.into(),
                exchange.into(),
                key.into(),
                options,
                FieldTable::default(),
            )
            .await
    }

    /// Declares a queue. An exclusive one is of the connection, but receives like any other.
    async fn declare_queue(&self, name: &str, exclusive: bool) -> lapin::Result<()> {
        let options = QueueDeclareOptions {
            exclusive,
            ..QueueDeclareOptions::durable()
        };
        let channel = self.channel().await;
        channel
            .queue_declare(name.into(), options, FieldTable::default())
            .await
            .map(|_| ())
    }

    async fn declare_exchange(&self, name: &str) -> lapin::Result<()> {
        let (name, options) = (self.broker.name(name), ExchangeDeclareOptions::default());
        let channel = self.channel().await;
        channel
            .exchange_declare(name.into(), ExchangeKind::Fanout, options, FieldTable::default())
            .await
    }

    async fn delete(&self, queue: &str) -> lapin::Result<()> {
        let (name, options) = (self.broker.name(queue), QueueDeleteOptions::default());
        self.channel()
            .await
            .queue_delete(name.into(), options)
            .await
            .map(|_| ())
    }

    fn refused(&self, what: &str, outcome: &lapin::Result<()>) {
        assert_eq!(
            code_of(outcome),
            Some(ACCESS_REFUSED),
            "{} {what}: {outcome:?}",
            self.user
        );
    }
}

fn code_of(outcome: &lapin::Result<()>) -> Option<u16> {
    match outcome.as_ref().err()?.kind() {
        lapin::ErrorKind::ProtocolError(reply) => Some(reply.get_id()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_can_neither_publish_nor_read_nor_declare_what_belongs_to_another() {
    let Some(broker) = RestrictedBroker::start() else {
        return;
    };
    let queues = broker.node.ctl(&["list_queues", "name"]);
    let prefix = broker.name("");
    let queues: Vec<_> = queues.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
    assert!(queues.len() > 25, "{queues:?}");
    let exchanges = broker.node.ctl(&["list_exchanges", "name"]);
    let exchanges: Vec<_> = exchanges
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .collect();
    for user in SERVICES {
        let attempts = Attempts::of(&broker, user).await;
        for route in events::ROUTES {
            let published = attempts.publish("events", route.event).await;
            if route.publisher == user {
                assert!(published.is_ok(), "{user} {}: {published:?}", route.event);
            } else {
                attempts.refused(route.event, &published);
            }
        }
        for key in ["", "ticketing.weather.v1", "#", "ticketing.payment.created.v1x"] {
            attempts.refused(key, &attempts.publish("events", key).await);
        }
        for queue in &queues {
            let name = broker.name(queue);
            attempts.refused(queue, &attempts.publish("", &name).await);
            attempts.refused(queue, &attempts.delete(queue).await);
            attempts.refused(
                queue,
                &attempts.bind(queue, "events", "ticketing.payment.created.v1").await,
            );
            for copies in SERVICES
                .iter()
                .filter(|service| **service != user && **service != "auth")
            {
                let exchange = format!("{copies}.copies");
                attempts.refused(&exchange, &attempts.publish(&exchange, &name).await);
            }
            let is_own = [user, &format!("{user}.parked"), &format!("{user}.due"), "journal"].contains(queue);
            if is_own {
                assert!(
                    *queue == "journal" || attempts.get(queue).await.is_ok(),
                    "{user} {queue}"
                );
            } else {
                attempts.refused(queue, &attempts.get(queue).await);
                attempts.refused(queue, &attempts.consume(queue).await);
            }
        }
        for exchange in &exchanges {
            let own = [
                format!("{user}.copies"),
                "journal.markers".to_owned(),
                "events".to_owned(),
            ];
            let is_own = own.iter().any(|own| own == exchange);
            let is_own = is_own || (*exchange == "delay" && user == "expiration");
            if !is_own {
                attempts.refused(exchange, &attempts.publish(exchange, "1000").await);
            }
            // Also not between its own names.
            attempts.refused(exchange, &attempts.bind(user, exchange, "#").await);
        }
        attempts.refused("queue", &attempts.declare_queue(&broker.name("new"), false).await);
        attempts.refused("exclusive queue", &attempts.declare_queue("", true).await);
        attempts.refused("exchange", &attempts.declare_exchange("new").await);
        if let Some(own) = events::ROUTES.iter().find(|route| route.publisher == user) {
            let another = BasicProperties::default().with_user_id("payment-service".into());
            let published = attempts.publish_with(another, "events", own.event).await;
            assert_eq!(code_of(&published), Some(PRECONDITION_FAILED), "{published:?}");
        }
    }
}

fn payment_created() -> Event {
    let is_created = |event: &Event| matches!(event, Event::PaymentCreated(_));
    events::examples::events().into_iter().find(is_created).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_publisher_is_parked_and_its_redrive_is_refused_as_well() {
    let Some(broker) = RestrictedBroker::start() else {
        return;
    };
    let env = &broker.env;
    let order = env.service("order");
    let bus = broker.connect(&order, vec![events_consumer(recording_handler())]);
    let forged = Envelope::new("payment", Clock::system().now(), payment_created()).to_json();
    // The broker permits the routing key, not the type in the body.
    let ticket = RawBroker::open_at(&broker.url("ticket")).await;
    let (exchange, key) = (broker.name("events"), "ticketing.ticket.created.v1");
    let mut headers = FieldTable::default();
    headers.insert(
        "x-publisher".into(),
        lapin::types::AMQPValue::LongString("payment".into()),
    );
    let named = BasicProperties::default()
        .with_user_id("ticket".into())
        .with_headers(headers.clone());
    let anonymous = BasicProperties::default().with_headers(headers);
    for properties in [named, anonymous] {
        ticket.publish_as(properties, &exchange, key, forged.as_bytes()).await;
    }
    // Older brokers do not check the further routing keys of a message.
    let mut copied = FieldTable::default();
    let keys = vec![lapin::types::AMQPValue::LongString(
        "ticketing.payment.created.v1".into(),
    )];
    copied.insert("CC".into(), lapin::types::AMQPValue::FieldArray(keys.into()));
    let copied = BasicProperties::default()
        .with_user_id("ticket".into())
        .with_headers(copied);
    let confirm = ticket
        .channel
        .basic_publish(
            exchange.as_str().into(),
            key.into(),
            BasicPublishOptions::default(),
            forged.as_bytes(),
            copied,
        )
        .await
        .unwrap();
    let is_accepted = confirm.await.is_ok();

    let url = broker.url("order").parse().unwrap();
    let count = 2 + usize::from(is_accepted);
    let both_parked = async || {
        let parked = parked::list(&url, &env.namespace, "order").await.unwrap();
        (parked.len() == count).then_some(parked)
    };
    let parked = eventually(both_parked).await;
    let reasons: Vec<_> = parked.iter().map(|message| message.reason.as_str()).collect();
    let expected = [
        "forbidden publisher: user ticket published ticketing.payment.created.v1, which only user payment may",
        "forbidden publisher: ticketing.payment.created.v1 has no user-id, and only user payment may publish it",
    ];
    assert_eq!(reasons[..2], expected);
    assert_eq!(reasons[2..], vec![expected[0]; count - 2]);
    let redriven = parked::redrive(&url, &env.namespace, "order", &parked::Selection::All).await;
    assert_eq!(redriven.unwrap(), count);
    let again = eventually(both_parked).await;
    assert_eq!(
        again.iter().map(|message| &message.reason).collect::<Vec<_>>(),
        parked.iter().map(|message| &message.reason).collect::<Vec<_>>()
    );

    let payment = env.service("payment");
    broker.connect(&payment, Vec::new());
    payment.publish(payment_created()).await;
    assert_eq!(order.wait_for_consumed(1).await.len(), 1);
    let registry = metrics::MetricsRegistry::new("order");
    bus.register(&registry);
    let metrics = registry.text(metrics::Samples::default());
    let forbidden = format!(
        "ticketing_forbidden_messages_total{{service=\"order\",queue=\"events\"}} {}",
        2 * count
    );
    assert!(metrics.contains(&forbidden), "{metrics}");
}
