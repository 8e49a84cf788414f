use std::sync::Arc;

use metrics::{CONTENT_TYPE, MetricsRegistry, Samples};
use poem::{
    EndpointExt, IntoResponse, Response, Route,
    endpoint::{BoxEndpoint, make_sync},
    get,
    http::StatusCode,
    web::Json,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Pages;
use crate::{
    TrustedProxies,
    http::{DocumentedPaths, OwnPaths, collect_common_metrics},
    observed::{Meters, Observed},
};

/// The two endpoints of a site.
pub(super) struct Endpoints {
    /// The pages alone, for a front door in the same process.
    pub(super) pages: Arc<BoxEndpoint<'static, Response>>,
    /// The pages, health and metrics, for the site's own port.
    pub(super) all: BoxEndpoint<'static, Response>,
}

impl Endpoints {
    pub(super) fn new(
        pages: Pages,
        metrics: MetricsRegistry,
        proxies: TrustedProxies,
        draining: CancellationToken,
    ) -> Self {
        let paths = Arc::new(DocumentedPaths::of_site(&pages.paths));
        let meters = Meters::of(&metrics);
        let observed = Observed::new(pages.endpoint, paths.clone(), meters.clone());
        let pages = Arc::new(observed.data(proxies).map_to_response().boxed());
        let others = Arc::clone(&pages);
        let ready = make_sync(move |_| {
            let stopping = draining.is_cancelled();
            let status = if stopping {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::OK
            };
            Json(json!({"ready": !stopping})).with_status(status)
        });
        let own = Route::new()
            .at("/health/live", get(make_sync(|_| Json(json!({"live": true})))))
            .at("/health/ready", get(ready))
            .at("/metrics", get(make_sync(move |_| text(&metrics))))
            .map_to_response();
        let all = OwnPaths {
            paths: &["/health/live", "/health/ready", "/metrics"],
            own: Observed::new(own, paths, meters).boxed(),
            others,
        };
        Self {
            pages,
            all: all.boxed(),
        }
    }
}

fn text(metrics: &MetricsRegistry) -> Response {
    let mut samples = Samples::default();
    collect_common_metrics(&mut samples);
    metrics.text(samples).with_content_type(CONTENT_TYPE).into_response()
}
