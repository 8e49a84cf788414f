use std::sync::{Arc, Mutex};

use bus::{AmqpUrl, Namespace};
use events::{Envelope, Event};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
    uri::AMQPUri,
};
use tokio::sync::watch;
use values::Timestamp;

/// Returns the URL of the broker for tests: `AMQP_URL`, or that of `just broker`.
pub fn amqp_url() -> AmqpUrl {
    amqp_url_with_password().parse().unwrap()
}

/// Returns the URL of the broker with its password, which [`AmqpUrl`] never shows.
#[expect(clippy::disallowed_methods, reason = "tests have no command line")]
pub fn amqp_url_with_password() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())
}

/// Returns the user of all services, which may publish every event in a test.
fn user() -> ShortString {
    let url: AMQPUri = amqp_url_with_password().parse().unwrap();
    url.authority.userinfo.username.into()
}

/// A channel that publishes events in the name of other services, and receives every event.
pub(crate) struct EventChannel {
    namespace: Namespace,
    channel: Channel,
    received: Arc<Mutex<Vec<Event>>>,
    count: watch::Receiver<usize>,
    _connection: Connection,
}

impl EventChannel {
    /// Connects to the broker, and binds a queue to every event of the namespace.
    pub(crate) async fn open(namespace: Namespace) -> Self {
        let connection = Connection::connect(&amqp_url_with_password(), ConnectionProperties::default())
            .await
            .expect("no broker: start one with `just broker`");
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let exchange = format!("{namespace}.events");
        // The same declaration as in the services: bus::topology.
        let mut arguments = FieldTable::default();
        let unroutable = AMQPValue::LongString(format!("{namespace}.unroutable").into());
        arguments.insert("alternate-exchange".into(), unroutable);
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..Default::default()
        };
        channel
            .exchange_declare(exchange.as_str().into(), ExchangeKind::Topic, durable, arguments)
            .await
            .unwrap();
        let exclusive = QueueDeclareOptions {
            exclusive: true,
            ..Default::default()
        };
        let queue = channel
            .queue_declare("".into(), exclusive, FieldTable::default())
            .await
            .unwrap();
        let name = queue.name().clone();
        channel
            .queue_bind(
                name.clone(),
                exchange.as_str().into(),
                "#".into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        let options = BasicConsumeOptions {
            no_ack: true,
            ..Default::default()
        };
        let mut consumer = channel
            .basic_consume(name, "".into(), options, FieldTable::default())
            .await
            .unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (count_sender, count) = watch::channel(0);
        let events = Arc::clone(&received);
        #[expect(clippy::disallowed_methods, reason = "ends with the connection")]
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = consumer.next().await {
                let envelope = Envelope::parse(&delivery.data).unwrap();
                events.lock().unwrap().push(envelope.event);
                count_sender.send_modify(|count| *count += 1);
            }
        });
        Self {
            namespace,
            channel,
            received,
            count,
            _connection: connection,
        }
    }

    /// Publishes an event in the name of a service, and waits for the confirm.
    pub(crate) async fn publish(&self, service: &str, now: Timestamp, event: Event) {
        let exchange = format!("{}.events", self.namespace);
        let (key, body) = (event.name(), Envelope::new(service, now, event).to_json());
        let confirm = self
            .channel
            .basic_publish(
                exchange.as_str().into(),
                key.into(),
                BasicPublishOptions::default(),
                body.as_bytes(),
                BasicProperties::default().with_delivery_mode(2).with_user_id(user()),
            )
            .await
            .unwrap();
        confirm.await.unwrap();
    }

    /// Sends a message that no service publishes to a queue, and waits for the confirm.
    pub(crate) async fn send_foreign(&self, queue: &str, id: &str, kind: &str, body: &[u8]) {
        let queue = format!("{}.{queue}", self.namespace);
        let properties = BasicProperties::default()
            .with_message_id(id.into())
            .with_type(kind.into())
            .with_user_id(user());
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let confirm = self
            .channel
            .basic_publish("".into(), queue.as_str().into(), options, body, properties)
            .await
            .unwrap();
        assert_eq!(confirm.await.unwrap(), Confirmation::Ack(None), "{queue} exists");
    }

    /// Returns every event, in the order of arrival.
    pub(crate) fn received(&self) -> Vec<Event> {
        self.received.lock().unwrap().clone()
    }

    /// Returns the number of received events, to wait for changes of.
    pub(crate) fn received_count(&self) -> watch::Receiver<usize> {
        self.count.clone()
    }
}
