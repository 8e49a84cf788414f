//! One address for everything: each path goes to the service that it belongs to, in this process.

use std::sync::Arc;

use poem::{
    Endpoint, EndpointExt, IntoResponse, Request, Response, Route,
    endpoint::{BoxEndpoint, make, make_sync},
    get,
    http::{StatusCode, Uri, header},
    middleware::SetHeader,
    web::{Html, Json},
};
use serde_json::{Map, Value, json};

use crate::specs;

/// What a service answers, and which paths are its own.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) name: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) endpoint: Arc<BoxEndpoint<'static>>,
}

/// All houses behind one door.
pub(crate) fn endpoint(houses: Vec<House>) -> impl Endpoint<Output = Response> + 'static {
    FrontDoor {
        own: own_pages(houses.clone()),
        houses,
    }
}

struct FrontDoor {
    houses: Vec<House>,
    own: BoxEndpoint<'static, Response>,
}

impl Endpoint for FrontDoor {
    type Output = Response;

    /// Hands the request on as it came, with the client's address. (A `Route` inside a `Route` is not possible: the outer
    /// one's parameters confuse the inner one.)
    async fn call(&self, request: Request) -> poem::Result<Response> {
        match self.houses.iter().find(|house| house.owns(request.uri().path())) {
            Some(house) => house.endpoint.call(request).await,
            None => self.own.call(request).await,
        }
    }
}

impl House {
    fn owns(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn own_pages(houses: Vec<House>) -> BoxEndpoint<'static, Response> {
    let health = make(move |_| {
        let houses = houses.clone();
        async move { health(&houses).await }
    });
    Route::new()
        .at("/", get(make_sync(|_| Html(include_str!("front_door.html")))))
        // Made anew each time: hardly ever asked for, and too large to be kept.
        .at("/docs", get(make_sync(|_| Html(chassis::swagger_ui(&specs::merged())))))
        .at("/openapi.json", get(make_sync(|_| Json(specs::merged()))))
        .at("/health", get(health))
        .catch_all_error(|error| async move { problem::from_error(error, |_| None) })
        .with(SetHeader::new().overriding(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .map_to_response()
        .boxed()
}

/// Whether every service can serve, and what each says of its storage and of the broker.
async fn health(houses: &[House]) -> Response {
    let (mut all_ready, mut services) = (true, Map::new());
    for house in houses {
        let request = Request::builder().uri(Uri::from_static("/health/ready")).finish();
        let answer = house.endpoint.get_response(request).await;
        all_ready &= answer.status().is_success();
        let told = answer.into_body().into_json::<Value>().await.unwrap_or_default();
        services.insert(house.name.to_owned(), told);
    }
    let status = if all_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Json(json!({"ready": all_ready, "services": services}))
        .with_status(status)
        .into_response()
}
