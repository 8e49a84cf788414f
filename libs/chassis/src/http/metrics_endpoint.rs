use std::{sync::Arc, time::Duration};

use bus::{Bus, outbox};
use db::Db;
use metrics::{CONTENT_TYPE, MetricsRegistry, Samples, collect_process_metrics};
use poem::{Endpoint, IntoResponse, Request, Response};
use rusqlite::Connection;
use values::{Clock, Timestamp};

use crate::Service;

type CollectMetrics = fn(&Connection, Timestamp, &mut Samples) -> Result<(), db::Error>;

/// The endpoint `/metrics`. It is on the service's port, of which the ingress forwards `/api` only.
#[derive(Clone)]
pub(crate) struct MetricsEndpoint(Arc<Inner>);

struct Inner {
    metrics: MetricsRegistry,
    db: Db,
    bus: Bus,
    clock: Clock,
    collect: CollectMetrics,
}

impl MetricsEndpoint {
    pub(crate) fn new<S: Service>(metrics: MetricsRegistry, db: Db, bus: Bus, clock: Clock) -> Self {
        db.register(&metrics);
        bus.register(&metrics);
        Self(Arc::new(Inner {
            metrics,
            db,
            bus,
            clock,
            collect: S::collect_metrics,
        }))
    }

    pub(crate) fn registry(&self) -> &MetricsRegistry {
        &self.0.metrics
    }

    async fn text(&self) -> String {
        let Inner {
            metrics,
            db,
            bus,
            clock,
            collect,
        } = &*self.0;
        let mut samples = Samples::default();
        collect_common_metrics(&mut samples);
        db.collect_metrics(&mut samples);
        bus.collect_metrics(&mut samples);
        let (now, collect) = (clock.now(), *collect);
        // If the storage fails, the other metrics are still reported.
        let state = db.read_internal(move |conn| database_metrics(conn, now, collect)).await;
        let readable = state.is_ok();
        samples.gauge(
            "ticketing_db_readable",
            "Whether the database could be read for this scrape",
            &[],
            readable.into(),
        );
        samples.extend(state.unwrap_or_default());
        metrics.text(samples)
    }
}

/// Collects the metrics of every program: of the process, its release and its spans.
pub(crate) fn collect_common_metrics(samples: &mut Samples) {
    collect_process_metrics(samples);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    samples.gauge("ticketing_build_info", "Which release this is", &version, 1);
    if let Some(dropped) = telemetry::dropped_spans() {
        samples.counter(
            "ticketing_spans_dropped_total",
            "Spans that the collector was too slow for",
            dropped,
        );
    }
}

/// Collects the metrics of the database.
fn database_metrics(conn: &Connection, now: Timestamp, collect: CollectMetrics) -> Result<Samples, db::Error> {
    let mut samples = Samples::default();
    let outbox = outbox::depth(conn)?;
    let count = i64::try_from(outbox.count).unwrap_or(i64::MAX);
    let age = outbox.oldest.map_or(Duration::ZERO, |oldest| oldest.until(now));
    samples.gauge(
        "ticketing_outbox_messages",
        "Messages that the broker has not confirmed yet",
        &[],
        count,
    );
    samples.seconds(
        "ticketing_outbox_oldest_age_seconds",
        "How long the oldest of them has waited",
        &[],
        age,
    );
    collect(conn, now, &mut samples)?;
    Ok(samples)
}

impl Endpoint for MetricsEndpoint {
    type Output = Response;

    async fn call(&self, _: Request) -> poem::Result<Response> {
        Ok(self.text().await.with_content_type(CONTENT_TYPE).into_response())
    }
}
