//! The home page: search, filters, order, pages of the listings.

mod query;

use askama::Template;
use http::StatusCode;

use self::query::HomeQuery;
use super::parts::TicketCard;
use crate::{
    api_client::{Anonymous, ApiError, tickets},
    forms::FieldErrors,
    frame::{Failure, Page, PageResult, Share, Visit},
};

#[derive(Template)]
#[template(path = "home.html")]
struct HomeView {
    page: Page,
    query: HomeQuery,
    errors: FieldErrors,
    tickets: Vec<TicketCard>,
    /// The path of the next page of the list.
    next: Option<String>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let query = HomeQuery::parse(&visit)?;
    let key = format!("home {}", query.key());
    visit.show_cached(&key, Box::pin(render(&visit, query))).await
}

async fn render(visit: &Visit, query: HomeQuery) -> Result<(StatusCode, String), Failure> {
    let mut page = visit.page("home-title").public();
    page.description = Some(page.text("home-description").to_string());
    page.share = Some(Share { image: None });
    page.path = query.path();
    // Results of a search are no page for search engines.
    page.is_private = !query.is_plain();
    let mut errors = FieldErrors::default();
    let (mut cards, mut next) = (Vec::new(), None);
    if let Some(parameters) = query.to_api(&page, &mut errors) {
        match tickets::find(&Anonymous(&visit.app().api), &parameters, query.cursor()).await {
            Ok(found) => {
                next = found.next_cursor.map(|cursor| query.path_at(&cursor));
                cards = found
                    .items
                    .into_iter()
                    .map(|ticket| TicketCard::new(&page, ticket))
                    .collect();
            }
            Err(ApiError::Refused(refusal)) if refusal.status.is_client_error() => {
                errors.add("q", page.text("search-not-understood"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    };
    let html = visit.render(&HomeView {
        page,
        query,
        errors,
        tickets: cards,
        next,
    })?;
    Ok((status, html))
}
