use askama::Template;
use http::StatusCode;

use crate::frame::{Page, PageResult, Policy, Visit};

#[derive(Template)]
#[template(path = "message.html")]
struct MessageView<'a> {
    page: Page,
    message: Message<'a>,
}

/// A page with one message: what has happened, or why it has not. All fields except paths and the address are ids of texts.
pub(crate) struct Message<'a> {
    /// The title of the page, too.
    pub(crate) heading: &'static str,
    /// May name the address.
    pub(crate) explanation: &'static str,
    /// Further paragraphs.
    pub(crate) hints: &'static [&'static str],
    pub(crate) email: String,
    /// Where the person can go on, with the paths: the most likely first.
    pub(crate) links: &'a [(&'static str, &'a str)],
}

impl Message<'_> {
    /// Responds with the page.
    pub(crate) fn show(self, visit: &Visit, status: StatusCode, policy: &Policy) -> PageResult {
        let page = visit.page(self.heading);
        visit.show_with(status, &MessageView { page, message: self }, policy)
    }
}
