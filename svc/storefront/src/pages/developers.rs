//! The page for developers: the API and its documents.

use askama::Template;

use crate::frame::{Page, PageResult, Visit};

#[derive(Template)]
#[template(path = "developers.html")]
struct DevelopersView {
    page: Page,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let page = visit.page("developers-title").public();
    visit.show(&DevelopersView { page })
}
