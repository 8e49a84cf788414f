use std::{collections::HashSet, fmt::Display, time::Duration};

use db::{CommittedValues, Db};
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    types::{AMQPValue, FieldTable},
};
use telemetry::{Span, SpanKind, Traceparent};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use values::Clock;

use super::{
    batches::{batch_body, batches},
    table::{self, Destination, OutboxRow},
};
#[cfg(feature = "torture-bugs")]
use crate::deliberate_bugs;
use crate::{
    Error, Namespace,
    backoff::retry_backoff,
    bus_metrics::BusMetrics,
    message::{BATCH_CONTENT_TYPE, CONTENT_TYPE, OutgoingMessage, PERSISTENT, TRACEPARENT, short_string},
    ordered_join::join_in_order,
    publishers::Publishers,
};

/// The maximum number of unconfirmed events.
const PAGE_SIZE: u16 = 256;

/// The least time between the beginnings of two pages, unless the first was full. For each page the broker and each consumer
/// flush their disks, so under load it is worthwhile to wait for more rows. After a pause an event is published at once.
const PAGE_INTERVAL: Duration = Duration::from_millis(3);

/// The maximum interval. It doubles after each page with more than [`FEW_ROWS`].
const MAX_PAGE_INTERVAL: Duration = Duration::from_millis(24);

/// The maximum number of rows of a page that is no sign of load.
const FEW_ROWS: i64 = 2;

/// The time between two checks for rows of another process, such as the `republish` command, while no command of this process
/// appends any.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The time for which confirmed rows may stay. Each deletion is a commit, so it is worthwhile to wait for more rows.
const DELETION_DELAY: Duration = Duration::from_millis(100);

/// The number of confirmed rows that are deleted without a delay.
const MAX_UNDELETED: i64 = 4 * 256;

/// Publishes the rows of the outbox in order, and deletes those that the broker has confirmed.
///
/// Commands hand their rows over in memory. Those that were not handed over (of an earlier run, of another process, or too
/// many) are missing in the sequence of ids, and are read from the table.
///
/// If a confirm is lost with its connection, or a deletion with its process, the row stays and is published again.
pub(crate) struct Relay {
    db: Db,
    clock: Clock,
    namespace: Namespace,
    metrics: BusMetrics,
    committed: CommittedValues<OutboxRow>,
    /// Whether several events share a message.
    event_batches: bool,
    /// The last row of a page that the broker has refused for its size: each event up to it is published alone.
    unbatched_through: i64,
    /// The table may have rows after the last confirmed one that are not handed over.
    reads_table: bool,
    /// The last row such that it and all rows before it are confirmed. It outlives the connection.
    confirmed: i64,
    deleted: i64,
    /// The least time between the beginnings of this page and the next one.
    page_interval: Duration,
    /// When the first of the rows was confirmed that are not deleted yet.
    undeleted_since: Option<Instant>,
    /// The last access to the database failed, and that was logged.
    database_failed: bool,
}

/// The outcome of publishing one page of the outbox.
#[derive(PartialEq, Eq)]
enum PageOutcome {
    /// The outbox is empty.
    Empty,
    /// The broker confirmed all messages.
    Published,
    /// The broker refused a message.
    Refused,
}

impl Relay {
    pub(crate) fn new(db: Db, clock: Clock, namespace: Namespace, metrics: BusMetrics, event_batches: bool) -> Self {
        Self {
            committed: db.committed_values(),
            db,
            clock,
            namespace,
            metrics,
            event_batches,
            unbatched_through: 0,
            reads_table: true,
            confirmed: 0,
            deleted: 0,
            page_interval: PAGE_INTERVAL,
            undeleted_since: None,
            database_failed: false,
        }
    }

    /// Publishes until `stop`, and then until the outbox is empty.
    pub(crate) async fn run(
        &mut self,
        channel: &Channel,
        publishers: &Publishers,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let mut backoff = retry_backoff();
        // Rows that were handed over may have been lost with the connection before.
        self.reads_table = true;
        loop {
            #[cfg(feature = "torture-bugs")]
            self.publish_uncommitted(channel, publishers).await?;
            // Read before the outbox, so that events committed before the stop are published.
            let stopping = stop.is_cancelled();
            let (began, first) = (Instant::now(), self.confirmed);
            match self.publish_page(channel, publishers).await? {
                PageOutcome::Published => {
                    backoff.reset();
                    let published = self.confirmed - first;
                    if published < i64::from(PAGE_SIZE) {
                        self.page_interval = if published > FEW_ROWS {
                            MAX_PAGE_INTERVAL.min(self.page_interval * 2)
                        } else {
                            PAGE_INTERVAL
                        };
                        let next_page = tokio::time::sleep_until(began + self.page_interval);
                        let _ = stop.run_until_cancelled(next_page).await;
                    }
                }
                PageOutcome::Refused => {
                    tracing::warn!("publish refused by broker, will retry");
                    self.reads_table = true;
                    tokio::time::sleep(backoff.next_delay()).await;
                }
                PageOutcome::Empty if stopping => return Ok(()),
                PageOutcome::Empty => {
                    self.page_interval = PAGE_INTERVAL;
                    self.wait_for_rows(stop).await;
                }
            }
            if self.is_deletion_due() {
                self.delete_confirmed().await;
            }
        }
    }

    fn is_deletion_due(&self) -> bool {
        let waits_long = |since: Instant| since.elapsed() >= DELETION_DELAY;
        self.confirmed - self.deleted >= MAX_UNDELETED || self.undeleted_since.is_some_and(waits_long)
    }

    /// Waits until a row is handed over, it is time to look for others or to delete confirmed ones, or `stop`.
    async fn wait_for_rows(&mut self, stop: &CancellationToken) {
        let deletion = async {
            match self.undeleted_since {
                Some(since) => tokio::time::sleep_until(since + DELETION_DELAY).await,
                None => std::future::pending().await,
            }
        };
        #[cfg(feature = "torture-bugs")]
        let deletion = async {
            tokio::select! {
                () = deletion => {}
                () = deliberate_bugs::uncommitted_added() => {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => self.reads_table = true,
            () = self.committed.added() => {}
            () = deletion => {}
            () = tokio::time::sleep(POLL_INTERVAL) => self.reads_table = true,
        }
    }

    /// Returns the next rows after the last confirmed one.
    async fn next_rows(&mut self) -> Vec<OutboxRow> {
        if !self.reads_table {
            let rows = self.handed_over_rows();
            if rows.iter().zip(self.confirmed + 1..).all(|(row, id)| row.id == id) {
                return rows;
            }
        }
        // They are committed, so the table has them.
        self.committed.clear();
        let after = self.confirmed;
        let rows = self
            .db
            .read_internal(move |conn| table::rows_after(conn, after, PAGE_SIZE.into()))
            .await;
        let rows = self.log_database_failure(rows);
        self.reads_table = rows.as_ref().is_none_or(|rows| rows.len() == usize::from(PAGE_SIZE));
        rows.unwrap_or_default()
    }

    /// Takes the rows that were handed over, without those that were read from the table.
    fn handed_over_rows(&self) -> Vec<OutboxRow> {
        loop {
            let mut rows = self.committed.take(PAGE_SIZE.into());
            let is_drained = rows.is_empty();
            rows.retain(|row| row.id > self.confirmed);
            if is_drained || !rows.is_empty() {
                return rows;
            }
        }
    }

    async fn publish_page(&mut self, channel: &Channel, publishers: &Publishers) -> Result<PageOutcome, Error> {
        if !channel.status().connected() {
            return Err(Error::Closed("the channel for publishing".to_owned()));
        }
        let rows = self.next_rows().await;
        #[cfg(feature = "torture-bugs")]
        let rows = deliberate_bugs::without_one(rows);
        let Some(last) = rows.last() else {
            return Ok(PageOutcome::Empty);
        };
        let messages = if self.event_batches && last.id > self.unbatched_through {
            batches(&rows)
        } else {
            rows.iter().map(|row| vec![row]).collect()
        };
        let mut confirmed = HashSet::new();
        let outcome = self
            .publish_messages(channel, publishers, &messages, &mut confirmed)
            .await;
        for row in rows.iter().take_while(|row| confirmed.contains(&row.id)) {
            self.confirmed = row.id;
            self.undeleted_since.get_or_insert_with(Instant::now);
            let delay = row.created_at.until(self.clock.now());
            self.metrics.observe_published(&row.event_type, delay);
        }
        // Which one it was is unknown: the broker closes the channel, and with it fail all that are unconfirmed.
        outcome.map_err(|error| match error {
            error if error.is_refused_message() => {
                // The broker may accept messages of the size of an event only.
                self.unbatched_through = last.id;
                Error::MessageRefused {
                    bytes: rows.iter().map(|row| row.body.len()).max().unwrap_or_default(),
                    reason: error.to_string(),
                }
            }
            error => error,
        })
    }

    /// Publishes the events of transactions that are not committed.
    #[cfg(feature = "torture-bugs")]
    async fn publish_uncommitted(&self, channel: &Channel, publishers: &Publishers) -> Result<(), Error> {
        for row in deliberate_bugs::take_uncommitted().into_iter().map(OutboxRow::from) {
            let (_, confirm) = self.publish(channel, publishers, &[&row]).await?;
            confirm.await?;
        }
        Ok(())
    }

    /// Publishes messages of one or more events each, and collects the ids of the rows that the broker has confirmed.
    async fn publish_messages(
        &self,
        channel: &Channel,
        publishers: &Publishers,
        messages: &[Vec<&OutboxRow>],
        confirmed: &mut HashSet<i64>,
    ) -> Result<PageOutcome, Error> {
        let confirms = join_in_order(messages.iter().map(|rows| self.publish(channel, publishers, rows))).await;
        let mut outcome = PageOutcome::Published;
        for (rows, sent) in messages.iter().zip(confirms) {
            let (spans, confirm) = sent?;
            let fail = |reason: &dyn Display| spans.iter().for_each(|span| span.fail(reason));
            match confirm.await.inspect_err(|error| fail(error))? {
                Confirmation::Ack(_) => confirmed.extend(rows.iter().map(|row| row.id)),
                // It is published again, with the rows that follow it.
                Confirmation::Nack(_) | Confirmation::NotRequested => {
                    fail(&"refused");
                    self.metrics.count_refusal();
                    outcome = PageOutcome::Refused;
                }
            }
        }
        Ok(outcome)
    }

    /// Sends a message with the events of `rows`, which have the same type. The spans end when it is confirmed.
    async fn publish(
        &self,
        channel: &Channel,
        publishers: &Publishers,
        rows: &[&OutboxRow],
    ) -> lapin::Result<(Vec<Span>, PublisherConfirm)> {
        let first = rows[0];
        let (exchange, routing_key) = match &first.destination {
            Destination::Events => (self.namespace.events_exchange(), &first.event_type),
            Destination::Delay(level) => (self.namespace.delay_exchange(), level),
        };
        let spans: Vec<_> = rows
            .iter()
            .map(|row| producer_span(row, &exchange, routing_key))
            .collect();
        let batch = (rows.len() > 1).then(|| batch_body(rows));
        let properties = match batch {
            None => message_properties(first, spans[0].traceparent()),
            // Each of its events has the trace of its use case.
            Some(_) => message_properties(first, None).with_content_type(BATCH_CONTENT_TYPE.into()),
        };
        let message = OutgoingMessage {
            exchange: &exchange,
            routing_key,
            properties: properties.with_user_id(publishers.user_id()),
            body: batch.as_deref().unwrap_or(first.body.as_bytes()),
        };
        Ok((spans, message.publish(channel).await?))
    }

    /// Deletes the confirmed rows. If it fails, they are deleted later; they are not published again.
    pub(crate) async fn delete_confirmed(&mut self) {
        let confirmed = self.confirmed;
        if confirmed == self.deleted {
            return;
        }
        self.undeleted_since = Some(Instant::now());
        let deleted = self.db.write(move |tx| table::delete_through(tx, confirmed)).await;
        if self.log_database_failure(deleted).is_some() {
            self.deleted = confirmed;
            self.undeleted_since = None;
        }
    }

    /// Logs when the database begins to fail, and when it works again.
    fn log_database_failure<T>(&mut self, outcome: Result<T, db::Error>) -> Option<T> {
        match &outcome {
            Err(error) if !self.database_failed => tracing::warn!(%error, "database unavailable, outbox waits"),
            Ok(_) if self.database_failed => tracing::info!("database available, outbox is published again"),
            _ => {}
        }
        self.database_failed = outcome.is_err();
        outcome.ok()
    }
}

/// Creates the span of a publish, in the trace of the use case
/// (<https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>).
fn producer_span(row: &OutboxRow, exchange: &str, routing_key: &str) -> Span {
    let parent: Option<Traceparent> = row.traceparent.as_deref().and_then(|trace| trace.parse().ok());
    let span = Span::inner_of(SpanKind::Producer, format_args!("send {exchange}"), parent);
    if span.is_recording() {
        span.set("messaging.system", "rabbitmq");
        span.set("messaging.operation.type", "send");
        span.set("messaging.operation.name", "send");
        span.set("messaging.destination.name", exchange.to_owned());
        span.set("messaging.rabbitmq.destination.routing_key", routing_key.to_owned());
        span.set("messaging.message.id", row.event_id.clone());
    }
    span
}

fn message_properties(row: &OutboxRow, trace: Option<Traceparent>) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(trace) = trace {
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.to_string().into()));
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_message_id(short_string(row.event_id.as_str()))
        .with_type(short_string(row.event_type.as_str()))
        .with_timestamp(u64::try_from(row.created_at.seconds()).unwrap_or_default())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}
