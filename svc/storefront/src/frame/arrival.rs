use askama::Template;
use http::{Method, StatusCode};
use poem::Response;

use super::{Policy, ReturnPath, Visit, html::html};
use crate::session::are_tokens_kept_back;

/// The page of a door needs no session, and its token is in the fragment of the address, which would be lost.
const DOOR: &str = "/door";

/// Leads to the address of the visit once more.
#[derive(Template)]
#[template(path = "arrival.html")]
struct ArrivalView {
    language: &'static str,
    path: ReturnPath,
    title: String,
    link: String,
}

/// Returns a page that leads to the same address, for a person who arrives from another site and whose browser has kept back
/// the tokens: they would look signed out. `None` for every other visit.
pub(super) fn respond(visit: &Visit) -> Option<Response> {
    let needs_session = visit.uri_path() != DOOR;
    if *visit.method() != Method::GET || !needs_session || !are_tokens_kept_back(visit.headers()) {
        return None;
    }
    let texts = visit.texts();
    let view = ArrivalView {
        language: visit.language().as_str(),
        // Not an address that a browser could take for another site.
        path: ReturnPath::parse(&visit.path()),
        title: texts.text("site-name").to_string(),
        link: texts.text("arrival-continue").to_string(),
    };
    Some(html(StatusCode::OK, view.render().ok()?, &Policy::default().secret()))
}
