//! The page of a door, for helpers without an account. Its token is in the fragment of the address, which browsers do not send;
//! the script of the page calls the API with it. A service worker keeps the page for when there is no network.

use askama::Template;
use http::{StatusCode, header};
use poem::Response;

use super::answer::Answer;
use crate::{
    assets,
    frame::{Failure, Page, PageResult, Policy, Visit},
};

/// The service worker. It is not below `/assets`, so that its scope can be `/door`.
const WORKER: &str = "door-worker.js";

#[derive(Template)]
#[template(path = "check_in/door.html")]
struct DoorView {
    page: Page,
    answers: Vec<Answer>,
}

pub(super) async fn show(visit: Visit) -> PageResult {
    let page = visit.page("door-title");
    let view = DoorView {
        answers: Answer::all(&page),
        page: page.with_script("scanner.js").with_script("door.js"),
    };
    visit.show_with(StatusCode::OK, &view, &Policy::default().with_camera().with_worker())
}

/// Responds with the service worker, which browsers compare with the one that they have.
pub(super) async fn worker(_: Visit) -> PageResult {
    let worker = assets::named(WORKER).ok_or(Failure::NotFound)?;
    Ok(Response::builder()
        .content_type(worker.content_type)
        .header(header::CACHE_CONTROL, "no-cache")
        .body(worker.plain.clone()))
}
