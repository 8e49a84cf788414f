//! Direct access to the broker, without the bus.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    message::Delivery,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};

use crate::test_env::TestEnv;

pub(crate) struct RawBroker {
    connection: Connection,
    pub(crate) channel: Channel,
}

impl RawBroker {
    pub(crate) async fn open() -> Self {
        Self::open_at(&raw_url()).await
    }

    pub(crate) async fn open_at(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { connection, channel }
    }

    /// Publishes a message that no service publishes, as the user of all services.
    pub(crate) async fn publish(&self, exchange: &str, key: &str, body: &[u8]) {
        self.publish_with(FieldTable::default(), exchange, key, body).await;
    }

    /// Publishes a message with these headers.
    pub(crate) async fn publish_with(&self, headers: FieldTable, exchange: &str, key: &str, body: &[u8]) {
        let user = url::Url::parse(&raw_url()).unwrap().username().to_owned();
        let properties = BasicProperties::default()
            .with_headers(headers)
            .with_user_id(user.into());
        self.publish_as(properties, exchange, key, body).await;
    }

    /// Publishes a message with these properties.
    pub(crate) async fn publish_as(&self, properties: BasicProperties, exchange: &str, key: &str, body: &[u8]) {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let confirm = self
            .channel
            .basic_publish(exchange.into(), key.into(), options, body, properties)
            .await
            .unwrap();
        assert_eq!(
            confirm.await.unwrap(),
            lapin::Confirmation::Ack(None),
            "{key} is a queue"
        );
    }

    /// Declares a retry queue as earlier releases did: its messages return to the queue that their routing key names.
    pub(crate) async fn declare_shared_retry_queue(&self, env: &TestEnv, millis: i64) {
        let name = format!("{}.retry.{millis}", env.namespace);
        let mut arguments = FieldTable::default();
        for (argument, value) in [
            ("x-queue-type", "quorum"),
            ("x-dead-letter-exchange", ""),
            ("x-dead-letter-strategy", "at-least-once"),
            ("x-overflow", "reject-publish"),
        ] {
            arguments.insert(argument.into(), AMQPValue::LongString(value.into()));
        }
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(millis));
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let none = FieldTable::default;
        self.channel
            .exchange_declare(name.as_str().into(), ExchangeKind::Fanout, durable, none())
            .await
            .unwrap();
        self.channel
            .queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), arguments)
            .await
            .unwrap();
        self.channel
            .queue_bind(
                name.as_str().into(),
                name.as_str().into(),
                "".into(),
                QueueBindOptions::default(),
                none(),
            )
            .await
            .unwrap();
    }

    /// Declares an exchange that passes all messages to one queue. Returns its name.
    pub(crate) async fn declare_fanout(&self, env: &TestEnv, name: &str, queue: &str) -> String {
        let [name, queue] = [name, queue].map(|name| format!("{}.{name}", env.namespace));
        let none = FieldTable::default;
        let options = ExchangeDeclareOptions {
            auto_delete: true,
            ..ExchangeDeclareOptions::default()
        };
        let channel = self.connection.create_channel().await.unwrap();
        channel
            .exchange_declare(name.as_str().into(), ExchangeKind::Fanout, options, none())
            .await
            .unwrap();
        let options = QueueBindOptions::default();
        channel
            .queue_bind(queue.into(), name.as_str().into(), "".into(), options, none())
            .await
            .unwrap();
        name
    }

    /// Removes a message from a queue.
    pub(crate) async fn take_message(&self, env: &TestEnv, name: &str) -> Delivery {
        let name = format!("{}.{name}", env.namespace);
        let message = self
            .channel
            .basic_get(name.into(), BasicGetOptions { no_ack: true })
            .await
            .unwrap();
        message.expect("there is a message").delivery
    }

    pub(crate) async fn delete_queue(&self, env: &TestEnv, name: &str) {
        let name = format!("{}.{name}", env.namespace);
        let deleted = self.channel.queue_delete(name.into(), QueueDeleteOptions::default());
        deleted.await.unwrap();
    }

    /// Returns the number of messages in a queue, or `None` if the queue does not exist.
    pub(crate) async fn message_count(&self, env: &TestEnv, name: &str) -> Option<u32> {
        let channel = self.connection.create_channel().await.unwrap();
        let name = format!("{}.{name}", env.namespace);
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        Some(
            channel
                .queue_declare(name.into(), options, FieldTable::default())
                .await
                .ok()?
                .message_count(),
        )
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's configuration")]
pub(crate) fn raw_url() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())
}
