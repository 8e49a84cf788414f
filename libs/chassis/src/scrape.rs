use std::{sync::Arc, time::Duration};

use bus::{Bus, outbox};
use db::Db;
use metrics::{CONTENT_TYPE, MetricsRegistry, Samples, collect_process_metrics};
use poem::{Endpoint, IntoResponse, Request, Response};
use rusqlite::Connection;
use values::{Clock, Timestamp};

use crate::Service;

type Look = fn(&Connection, Timestamp, &mut Samples) -> Result<(), db::Error>;

/// What `/metrics` answers: on the service's own port, which the ingress does not forward (it forwards `/api`).
#[derive(Clone)]
pub(crate) struct Scrape(Arc<Inner>);

struct Inner {
    metrics: MetricsRegistry,
    db: Db,
    bus: Bus,
    clock: Clock,
    look: Look,
}

impl Scrape {
    pub(crate) fn new<S: Service>(metrics: MetricsRegistry, db: Db, bus: Bus, clock: Clock) -> Self {
        db.register(&metrics);
        bus.register(&metrics);
        Self(Arc::new(Inner {
            metrics,
            db,
            bus,
            clock,
            look: S::collect_metrics,
        }))
    }

    pub(crate) fn metrics(&self) -> &MetricsRegistry {
        &self.0.metrics
    }

    async fn text(&self) -> String {
        let Inner {
            metrics,
            db,
            bus,
            clock,
            look,
        } = &*self.0;
        let mut samples = Samples::default();
        collect_process_metrics(&mut samples);
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        samples.gauge("ticketing_build_info", "Which release this is", &version, 1);
        if let Some(dropped) = trace::dropped() {
            samples.counter(
                "ticketing_spans_dropped_total",
                "Spans that the collector was too slow for",
                dropped,
            );
        }
        db.collect_metrics(&mut samples);
        bus.collect_metrics(&mut samples);
        let (now, look) = (clock.now(), *look);
        // Where the storage fails, the rest is all the more worth knowing.
        let state = db.read(move |conn| state(conn, now, look)).await;
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

/// What the database says.
fn state(conn: &Connection, now: Timestamp, look: Look) -> Result<Samples, db::Error> {
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
    look(conn, now, &mut samples)?;
    Ok(samples)
}

impl Endpoint for Scrape {
    type Output = Response;

    async fn call(&self, _: Request) -> poem::Result<Response> {
        Ok(self.text().await.with_content_type(CONTENT_TYPE).into_response())
    }
}
