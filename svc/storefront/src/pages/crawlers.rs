//! What programs read that visit the site: robots.txt, the sitemap, the web manifest.

use std::fmt::Write;

use http::header;
use poem::Response;
use serde_json::json;

use crate::{
    api_client::{Anonymous, tickets},
    assets,
    frame::{PageResult, Visit},
};

/// Pages of one person, and actions. A page that only leads a visitor without a session to `/signin` needs no line.
const PRIVATE: [&str; 9] = [
    "/account",
    "/api/",
    "/change-email/",
    "/confirm",
    "/reset/",
    "/sell",
    "/signin",
    "/tickets",
    "/transfers/",
];

pub(crate) async fn robots(visit: Visit) -> PageResult {
    let mut text = "User-agent: *\n".to_owned();
    for path in PRIVATE {
        let _ = writeln!(text, "Disallow: {path}");
    }
    // The pictures of listings are paths of the API.
    let _ = writeln!(
        text,
        "Allow: /api/v1/tickets/*/image\n\nSitemap: {}/sitemap.xml",
        visit.app().public_url
    );
    Ok(file("text/plain; charset=utf-8", text))
}

/// The newest listings: <https://www.sitemaps.org/protocol.html>.
pub(crate) async fn sitemap(visit: Visit) -> PageResult {
    let found = tickets::list(&Anonymous(&visit.app().api), "limit=100&sort=newest", None).await?;
    let url = &visit.app().public_url;
    let mut xml =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
            .to_owned();
    let _ = writeln!(xml, "<url><loc>{url}/</loc></url>");
    for ticket in found.items {
        let (id, changed) = (ticket.id, ticket.updated_at);
        let _ = writeln!(
            xml,
            "<url><loc>{url}/events/{id}</loc><lastmod>{changed}</lastmod></url>"
        );
    }
    xml.push_str("</urlset>\n");
    Ok(file("application/xml; charset=utf-8", xml))
}

/// <https://www.w3.org/TR/appmanifest/>
pub(crate) async fn manifest(visit: Visit) -> PageResult {
    let name = visit.texts().text("site-name").to_string();
    let manifest = json!({
        "name": name,
        "short_name": name,
        "lang": visit.language().as_str(),
        "start_url": "/",
        "display": "browser",
        "background_color": "#fbfaf7",
        "theme_color": "#fbfaf7",
        "icons": [{"src": assets::path("icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    });
    Ok(file("application/manifest+json", manifest.to_string()))
}

fn file(content_type: &str, text: String) -> Response {
    Response::builder()
        .content_type(content_type)
        .header(header::CACHE_CONTROL, "public, max-age=300")
        .body(text)
}
