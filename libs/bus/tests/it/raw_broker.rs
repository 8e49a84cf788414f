//! Direct access to the broker, without the bus.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    message::Delivery,
    options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::FieldTable,
};

use crate::test_env::TestEnv;

pub(crate) struct RawBroker {
    connection: Connection,
    pub(crate) channel: Channel,
}

impl RawBroker {
    pub(crate) async fn open() -> Self {
        let url = raw_url();
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { connection, channel }
    }

    /// Publishes a message that no service publishes.
    pub(crate) async fn publish(&self, exchange: &str, key: &str, body: &[u8]) {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let confirm = self
            .channel
            .basic_publish(exchange.into(), key.into(), options, body, BasicProperties::default())
            .await
            .unwrap();
        assert_eq!(
            confirm.await.unwrap(),
            lapin::Confirmation::Ack(None),
            "{key} is a queue"
        );
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
