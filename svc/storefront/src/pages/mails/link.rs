//! What the pages of links share.

use askama::Template;
use http::StatusCode;

use crate::{
    api_client::ApiError,
    frame::{Page, PageResult, Policy, Visit},
    pages::parts::Message,
};

/// A page with the button that confirms. The texts are ids.
#[derive(Template)]
#[template(path = "mails/link.html")]
struct LinkView {
    page: Page,
    explanation: &'static str,
    button: &'static str,
}

/// Shows the button that confirms.
pub(super) fn show_button(
    visit: &Visit,
    heading: &'static str,
    explanation: &'static str,
    button: &'static str,
) -> PageResult {
    let view = LinkView {
        page: visit.page(heading),
        explanation,
        button,
    };
    visit.show_with(StatusCode::OK, &view, &policy())
}

/// Shows what has happened.
pub(super) fn show_done(visit: &Visit, message: Message<'_>) -> PageResult {
    message.show(visit, StatusCode::OK, &policy())
}

/// Returns the policy of a page whose path is a secret.
pub(super) fn policy() -> Policy {
    Policy::default().secret()
}

/// Whether the service refused the token of the link.
pub(super) fn is_invalid(error: &ApiError) -> bool {
    let is_token = |refusal: &crate::api_client::Refusal| refusal.errors.iter().any(|error| error.field == "token");
    error.is_kind("invalid-link") || error.refusal().is_some_and(is_token)
}

/// Says that the link is not valid, and where to get another one.
pub(super) fn show_invalid(visit: &Visit, links: &'static [(&'static str, &'static str)]) -> PageResult {
    let message = Message {
        heading: "link-invalid-title",
        explanation: "link-invalid",
        hints: &[],
        email: String::new(),
        links,
    };
    message.show(visit, StatusCode::BAD_REQUEST, &policy())
}
