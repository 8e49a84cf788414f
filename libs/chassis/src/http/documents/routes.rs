use std::sync::LazyLock;

use poem::{Route, get};
use serde_json::Value;

use super::{
    asset::Asset,
    lazy_asset::LazyAsset,
    swagger_ui::{self, PAGE},
};

/// Of all services of the process.
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/javascript; charset=utf-8", swagger_ui::script()).for_a_day());
static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/css; charset=utf-8", swagger_ui::style()).for_a_day());

/// Adds the routes of an OpenAPI document: `/openapi.json`, and `/docs` with its parts.
pub fn document_routes<F>(routes: Route, document: F) -> Route
where
    F: Fn() -> Value + Clone + Send + Sync + 'static,
{
    let json = move || Asset::new("application/json", document().to_string());
    let page = || Asset::new("text/html; charset=utf-8", PAGE);
    routes
        .at("/openapi.json", get(LazyAsset::new(json)))
        .at("/docs", get(LazyAsset::new(page)))
        .at("/docs/swagger-ui.js", get(LazyAsset::new(|| SCRIPT.clone())))
        .at("/docs/swagger-ui.css", get(LazyAsset::new(|| STYLE.clone())))
}
