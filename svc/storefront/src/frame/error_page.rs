use std::time::Duration;

use askama::Template;
use http::{HeaderValue, Method, header};
use poem::Response;

use super::{Failure, Page, Policy, Visit, html::html, visit::see_other};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorView {
    page: Page,
    explanation: String,
    /// The id of the text of a link to the page, where trying again may help.
    link: Option<&'static str>,
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
        let (heading, explanation) = match self {
            Self::NotFound => ("error-not-found", "error-not-found-explanation"),
            Self::Forbidden => ("error-forbidden", "error-forbidden-explanation"),
            Self::TooLarge => ("error-too-large", "error-too-large-explanation"),
            Self::TooManyRequests(_) => ("error-too-many", "error-too-many-explanation"),
            Self::Unavailable => ("error-unavailable", "error-unavailable-explanation"),
            Self::Malformed | Self::MethodNotAllowed | Self::SignInFirst | Self::AccountClosing => {
                ("error-malformed", "error-malformed-explanation")
            }
            Self::Internal => ("error-internal", "error-internal-explanation"),
        };
        let page = visit.page(heading);
        let is_form = visit.method() == Method::POST;
        // The form may have had its effect. A reload sends its key again; its page, loaded anew, has another key.
        let is_uncertain = is_form && matches!(self, Self::Unavailable | Self::Internal);
        let explanation = match (is_uncertain, visit.has_key()) {
            (false, _) => explanation,
            (true, true) => "error-repeatable-explanation",
            (true, false) => "error-uncertain-explanation",
        };
        let can_retry = matches!(self, Self::TooManyRequests(_) | Self::Unavailable | Self::Internal);
        let text = if is_form { "error-see-page" } else { "error-try-again" };
        let view = ErrorView {
            explanation: page.text(explanation).to_string(),
            page,
            link: can_retry.then_some(text),
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
