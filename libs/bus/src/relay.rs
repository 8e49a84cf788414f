use std::time::Duration;

use db::Db;
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    types::{AMQPValue, FieldTable},
};
use tokio_util::sync::CancellationToken;
use trace::{Kind, Span, Trace};
use values::Clock;

use crate::{
    Error, Namespace,
    backoff::retry_backoff,
    in_order::all_in_order,
    message::{CONTENT_TYPE, Outgoing, PERSISTENT, TRACEPARENT, short},
    meters::Meters,
    outbox::{self, Destination, Row},
};

/// The most messages that wait for their confirm at the same time.
const PAGE: u32 = 256;

/// How often to look for rows of another process, such as the `republish` subcommand: its commits do not wake us.
const TICK: Duration = Duration::from_secs(1);

/// Publishes what is in the outbox, in order, and deletes what the broker has confirmed.
///
/// A confirm that is lost with its connection leaves the message where it is: it is published again.
pub(crate) struct Relay {
    db: Db,
    clock: Clock,
    namespace: Namespace,
    meters: Meters,
    /// The last row of which it and all before it are confirmed. It outlives the connection.
    published: i64,
    deleted: i64,
    /// The database failed us, and we have told so.
    told: bool,
}

/// What became of a page of the outbox.
#[derive(PartialEq, Eq)]
enum Page {
    /// There was nothing to publish.
    Empty,
    Published,
    /// The broker did not take all of it.
    Refused,
}

impl Relay {
    pub(crate) fn new(db: Db, clock: Clock, namespace: Namespace, meters: Meters) -> Self {
        Self {
            db,
            clock,
            namespace,
            meters,
            published: 0,
            deleted: 0,
            told: false,
        }
    }

    /// Publishes until `stop`, and then what is there.
    pub(crate) async fn run(&mut self, channel: &Channel, stop: &CancellationToken) -> Result<(), Error> {
        let mut commits = self.db.commits();
        let mut backoff = retry_backoff();
        loop {
            commits.borrow_and_update();
            // Asked before looking: what was committed before the stop is published.
            let stopping = stop.is_cancelled();
            match self.publish_page(channel).await? {
                Page::Published => backoff.reset(),
                Page::Refused => {
                    tracing::warn!("the broker refused an event: it stays in the outbox and is published again");
                    tokio::time::sleep(backoff.next_delay()).await;
                }
                Page::Empty if stopping => return Ok(()),
                Page::Empty => {
                    let something = async {
                        if commits.changed().await.is_err() {
                            std::future::pending::<()>().await;
                        }
                    };
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = something => {}
                        () = tokio::time::sleep(TICK) => {}
                    }
                }
            }
        }
    }

    async fn publish_page(&mut self, channel: &Channel) -> Result<Page, Error> {
        if !channel.status().connected() {
            return Err(Error::Stopped("the channel for publishing".to_owned()));
        }
        let after = self.published;
        let rows = self.db.read(move |conn| outbox::page(conn, after, PAGE)).await;
        let rows = self.unless_broken(rows).unwrap_or_default();
        let page = self.publish_rows(channel, &rows).await;
        self.delete_published().await;
        page
    }

    async fn publish_rows(&mut self, channel: &Channel, rows: &[Row]) -> Result<Page, Error> {
        if rows.is_empty() {
            return Ok(Page::Empty);
        }
        let confirms = all_in_order(rows.iter().map(|row| self.publish(channel, row))).await;
        let mut page = Page::Published;
        for (row, sent) in rows.iter().zip(confirms) {
            let (mut step, confirm) = sent?;
            match confirm.await.inspect_err(|error| step.fail(error))? {
                Confirmation::Ack(_) if page == Page::Published => {
                    self.published = row.id;
                    self.meters
                        .published(&row.event_type, row.created_at.until(self.clock.now()));
                }
                // After the gap: published again with it.
                Confirmation::Ack(_) => {}
                Confirmation::Nack(_) | Confirmation::NotRequested => {
                    step.fail("refused");
                    self.meters.refused();
                    page = Page::Refused;
                }
            }
        }
        Ok(page)
    }

    /// Hands a message over. The step ends when it is confirmed.
    async fn publish(&self, channel: &Channel, row: &Row) -> lapin::Result<(Span, PublisherConfirm)> {
        let (exchange, key) = match &row.destination {
            Destination::Events => (self.namespace.events(), &row.event_type),
            Destination::Delay(rung) => (self.namespace.delays(), rung),
        };
        let step = step(row, &exchange, key);
        let outgoing = Outgoing {
            exchange: &exchange,
            key,
            properties: properties(row, step.trace()),
            body: row.body.as_bytes(),
        };
        Ok((step, outgoing.publish(channel).await?))
    }

    /// Where it fails it is done with the next page: nothing is published again for that.
    async fn delete_published(&mut self) {
        let published = self.published;
        if published == self.deleted {
            return;
        }
        let deleted = self.db.write(move |tx| outbox::delete_through(tx, published)).await;
        if self.unless_broken(deleted).is_some() {
            self.deleted = published;
        }
    }

    /// Tells when the database begins to fail, and when it works again.
    fn unless_broken<T>(&mut self, outcome: Result<T, db::Error>) -> Option<T> {
        match &outcome {
            Err(error) if !self.told => tracing::warn!(%error, "the outbox cannot be worked off now"),
            Ok(_) if self.told => tracing::info!("the outbox is worked off again"),
            _ => {}
        }
        self.told = outcome.is_err();
        outcome.ok()
    }
}

/// The step of sending, in the trace of what said it
/// (<https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>).
fn step(row: &Row, exchange: &str, key: &str) -> Span {
    let cause: Option<Trace> = row.traceparent.as_deref().and_then(|trace| trace.parse().ok());
    let mut step = trace::context()
        .with(cause)
        .span(Kind::Producer, format_args!("send {exchange}"));
    if step.is_recorded() {
        step.set("messaging.system", "rabbitmq");
        step.set("messaging.operation.type", "send");
        step.set("messaging.operation.name", "send");
        step.set("messaging.destination.name", exchange.to_owned());
        step.set("messaging.rabbitmq.destination.routing_key", key.to_owned());
        step.set("messaging.message.id", row.event_id.clone());
    }
    step
}

fn properties(row: &Row, trace: Option<Trace>) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(trace) = trace {
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.to_string().into()));
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_message_id(short(row.event_id.as_str()))
        .with_type(short(row.event_type.as_str()))
        .with_timestamp(u64::try_from(row.created_at.seconds()).unwrap_or_default())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}
