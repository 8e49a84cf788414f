use std::{sync::Arc, time::Duration};

use bus::{Bus, outbox};
use db::Db;
use ids::{Clock, Timestamp};
use metrics::{CONTENT_TYPE, Metrics, Readings, read_process};
use poem::{Endpoint, IntoResponse, Request, Response};
use rusqlite::Connection;

use crate::Service;

type Look = fn(&Connection, Timestamp, &mut Readings) -> Result<(), db::Error>;

/// What `/metrics` answers: on the service's own port, which the ingress does not forward (it forwards `/api`).
#[derive(Clone)]
pub(crate) struct Scrape(Arc<Inner>);

struct Inner {
    metrics: Metrics,
    db: Db,
    bus: Bus,
    clock: Clock,
    look: Look,
}

impl Scrape {
    pub(crate) fn new<S: Service>(metrics: Metrics, db: Db, bus: Bus, clock: Clock) -> Self {
        db.register(&metrics);
        bus.register(&metrics);
        Self(Arc::new(Inner {
            metrics,
            db,
            bus,
            clock,
            look: S::look,
        }))
    }

    pub(crate) fn metrics(&self) -> &Metrics {
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
        let mut readings = Readings::default();
        read_process(&mut readings);
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        readings.gauge("ticketing_build_info", "Which release this is", &version, 1);
        if let Some(dropped) = trace::dropped() {
            readings.so_far(
                "ticketing_spans_dropped_total",
                "Spans that the collector was too slow for",
                dropped,
            );
        }
        db.look(&mut readings);
        bus.look(&mut readings);
        let (now, look) = (clock.now(), *look);
        // Where the storage fails, the rest is all the more worth knowing.
        let state = db.read(move |conn| state(conn, now, look)).await;
        let readable = state.is_ok();
        readings.gauge(
            "ticketing_db_readable",
            "Whether the database could be read for this scrape",
            &[],
            readable.into(),
        );
        readings.extend(state.unwrap_or_default());
        metrics.text(readings)
    }
}

/// What the database says.
fn state(conn: &Connection, now: Timestamp, look: Look) -> Result<Readings, db::Error> {
    let mut readings = Readings::default();
    let outbox = outbox::depth(conn)?;
    let count = i64::try_from(outbox.count).unwrap_or(i64::MAX);
    let age = outbox.oldest.map_or(Duration::ZERO, |oldest| oldest.until(now));
    readings.gauge(
        "ticketing_outbox_messages",
        "Messages that the broker has not confirmed yet",
        &[],
        count,
    );
    readings.seconds(
        "ticketing_outbox_oldest_age_seconds",
        "How long the oldest of them has waited",
        &[],
        age,
    );
    look(conn, now, &mut readings)?;
    Ok(readings)
}

impl Endpoint for Scrape {
    type Output = Response;

    async fn call(&self, _: Request) -> poem::Result<Response> {
        Ok(self.text().await.with_content_type(CONTENT_TYPE).into_response())
    }
}
