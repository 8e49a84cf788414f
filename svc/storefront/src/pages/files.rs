//! Stylesheet, scripts and pictures.

use http::header;
use poem::Response;

use crate::{
    assets,
    frame::{Failure, PageResult, Visit},
};

/// Responds with an asset. Its name changes with its content.
pub(crate) async fn asset(visit: Visit) -> PageResult {
    let asset = assets::at(&visit.path()).ok_or(Failure::NotFound)?;
    let response = Response::builder()
        .content_type(asset.content_type)
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        .header(header::VARY, "accept-encoding");
    Ok(if chassis::accepts_gzip(visit.headers()) {
        response
            .header(header::CONTENT_ENCODING, "gzip")
            .body(asset.gzip.clone())
    } else {
        response.body(asset.plain.clone())
    })
}

/// Redirects browsers that request the icon by its traditional name.
pub(crate) async fn favicon(visit: Visit) -> PageResult {
    visit.redirect(assets::path("icon.svg"))
}
