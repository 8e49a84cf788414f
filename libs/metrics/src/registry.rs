use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    registry::{Metric, Registry},
};

use crate::{Samples, names::parts};

/// The content type of [`MetricsRegistry::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What one service counts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MetricsRegistry {
    service: &'static str,
    registry: Arc<RwLock<Registry>>,
}

impl MetricsRegistry {
    /// Of this service; nothing is counted yet.
    pub fn new(service: &'static str) -> Self {
        Self {
            service,
            registry: Arc::new(RwLock::new(named(service))),
        }
    }

    /// Tells of `metric` from now on. `name` is written as it is scraped, unit and `_total` included; `help` is a
    /// sentence without its full stop. Each name once.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        match parts(name) {
            (name, Some(unit)) => registry.register_with_unit(name, help, unit, metric),
            (name, None) => registry.register(name, help, metric),
        }
    }

    /// Everything that was counted, and what was read just now, as OpenMetrics writes it.
    pub fn text(&self, samples: Samples) -> String {
        let mut read = named(self.service);
        samples.register(&mut read);
        let counted = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::with_capacity(16 * 1024);
        let written: fmt::Result = encode_registry(&mut text, &counted)
            .and_then(|()| encode_registry(&mut text, &read))
            .and_then(|()| encode_eof(&mut text));
        if written.is_err() {
            // Only if a label refuses to be written: ours are texts.
            tracing::error!("the metrics cannot be written");
        }
        text
    }
}

fn named(service: &'static str) -> Registry {
    Registry::with_labels([(Cow::Borrowed("service"), Cow::Borrowed(service))].into_iter())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Gauge, counters, latencies};

    #[test]
    fn what_is_counted_and_what_is_read_are_told_by_the_names_of_openmetrics() {
        let metrics = MetricsRegistry::new("order");
        let sold = counters([[("outcome", "sold")], [("outcome", "refused")]]);
        metrics.register("shop_sales_total", "Sales", sold.clone());
        let took = latencies();
        metrics.register("shop_sale_seconds", "How long a sale takes", took.clone());
        metrics.register("shop_open", "Whether the shop is open", Gauge::<i64>::default());
        sold.get_or_create(&[("outcome", "sold")]).inc();
        took.observe(0.002);
        let mut samples = Samples::default();
        samples.gauge("shop_shelf_bytes", "The size of the shelf", &[], 512);
        samples.gauge("shop_goods", "What is on the shelf", &[("kind", "ticket")], 3);
        samples.gauge("shop_goods", "What is on the shelf", &[("kind", "seat")], 4);
        samples.seconds(
            "shop_oldest_age_seconds",
            "How long the oldest waits",
            &[],
            Duration::from_millis(1500),
        );
        let text = metrics.text(samples);
        for line in [
            "# TYPE shop_sales counter",
            r#"shop_sales_total{service="order",outcome="sold"} 1"#,
            r#"shop_sales_total{service="order",outcome="refused"} 0"#,
            "# UNIT shop_sale_seconds seconds",
            r#"shop_sale_seconds_bucket{service="order",le="0.0025"} 1"#,
            r#"shop_shelf_bytes{service="order"} 512"#,
            r#"shop_goods{service="order",kind="ticket"} 3"#,
            r#"shop_goods{service="order",kind="seat"} 4"#,
            r#"shop_oldest_age_seconds{service="order"} 1.5"#,
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("# TYPE shop_goods gauge").count(), 1);
        assert!(text.ends_with("# EOF\n"));
    }
}
