use std::time::Duration;

use askama::Template;
use http::{HeaderValue, header};
use poem::Response;

use super::{Failure, Page, Policy, Visit, html::html, visit::see_other};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorView {
    page: Page,
    heading: String,
    explanation: String,
    /// Whether trying again may help.
    can_retry: bool,
}

impl Failure {
    /// Returns the page that shows it.
    pub(super) fn into_response(self, visit: &Visit) -> Response {
        if matches!(self, Self::SignInFirst) {
            return visit.redirect_to_sign_in();
        }
        if matches!(self, Self::AccountClosing) {
            return see_other("/account/deletion?refused=1");
        }
        let page = visit.page("error-title");
        let (heading, explanation) = match self {
            Self::NotFound => (page.text("error-not-found"), page.text("error-not-found-explanation")),
            Self::Forbidden => (page.text("error-forbidden"), page.text("error-forbidden-explanation")),
            Self::TooLarge => (page.text("error-too-large"), page.text("error-too-large-explanation")),
            Self::TooManyRequests(_) => (page.text("error-too-many"), page.text("error-too-many-explanation")),
            Self::Unavailable => (
                page.text("error-unavailable"),
                page.text("error-unavailable-explanation"),
            ),
            Self::Malformed | Self::MethodNotAllowed | Self::SignInFirst | Self::AccountClosing => {
                (page.text("error-malformed"), page.text("error-malformed-explanation"))
            }
            Self::Internal => (page.text("error-internal"), page.text("error-internal-explanation")),
        };
        let can_retry = matches!(self, Self::TooManyRequests(_) | Self::Unavailable | Self::Internal);
        let view = ErrorView {
            heading: heading.to_string(),
            explanation: explanation.to_string(),
            page,
            can_retry,
        };
        // A template writes to memory, which does not fail.
        let body = view.render().unwrap_or_default();
        let mut response = html(self.status(), body, &Policy::default());
        let wait = match self {
            Self::TooManyRequests(wait) => wait,
            Self::Unavailable => Some(Duration::from_secs(2)),
            _ => None,
        };
        if let Some(wait) = wait {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
