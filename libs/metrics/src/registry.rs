use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    registry::{Metric, Registry},
};

use crate::{Samples, names::split_name};

/// The content type of [`MetricsRegistry::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The registered metrics of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MetricsRegistry {
    service: &'static str,
    registry: Arc<RwLock<Registry>>,
}

impl MetricsRegistry {
    /// Creates an empty registry.
    pub fn new(service: &'static str) -> Self {
        Self {
            service,
            registry: Arc::new(RwLock::new(empty_registry(service))),
        }
    }

    /// Exports `metric` from now on. `name` is the full name, with unit and `_total`; `help` is a sentence without a full
    /// stop. A name is registered once.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        match split_name(name) {
            (name, Some(unit)) => registry.register_with_unit(name, help, unit, metric),
            (name, None) => registry.register(name, help, metric),
        }
    }

    /// Returns the registered metrics and `samples` as OpenMetrics text.
    pub fn text(&self, samples: Samples) -> String {
        let mut collected = empty_registry(self.service);
        samples.register(&mut collected);
        let registered = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::with_capacity(16 * 1024);
        let written: fmt::Result = encode_registry(&mut text, &registered)
            .and_then(|()| encode_registry(&mut text, &collected))
            .and_then(|()| encode_eof(&mut text));
        if written.is_err() {
            // Only if a label cannot be encoded; all labels are strings.
            tracing::error!("metrics could not be encoded");
        }
        text
    }
}

fn empty_registry(service: &'static str) -> Registry {
    Registry::with_labels([(Cow::Borrowed("service"), Cow::Borrowed(service))].into_iter())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Gauge, counters, latency_histogram};

    #[test]
    fn registered_metrics_and_samples_are_exported_with_openmetrics_names() {
        let metrics = MetricsRegistry::new("order");
        let sold = counters([[("outcome", "sold")], [("outcome", "refused")]]);
        metrics.register("shop_sales_total", "Sales", sold.clone());
        let took = latency_histogram();
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
            assert!(
                text.lines().any(|exported| exported == line),
                "{line} is not in\n{text}"
            );
        }
        assert_eq!(text.matches("# TYPE shop_goods gauge").count(), 1);
        assert!(text.ends_with("# EOF\n"));
    }
}
