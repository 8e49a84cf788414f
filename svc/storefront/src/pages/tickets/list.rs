//! The tickets of a person, or those of an order.

use std::{cmp::Reverse, collections::HashMap, time::Duration};

use askama::Template;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use localization::TimeZone;
use values::{AdmissionId, OrderId, TicketId, Timestamp};

use super::state;
use crate::{
    api_client::{
        Anonymous,
        admissions::{self, Admission, AdmissionState},
        tickets::{self, Ticket},
    },
    frame::{Failure, Page, PageResult, Policy, Visit},
};

/// The number of tickets on a page: what the service returns at once, and prints at once.
const PAGE_SIZE: u32 = 100;

/// The number of listings that are requested at the same time.
const PARALLEL_CALLS: usize = 8;

/// How long an event counts as current after its beginning.
const CURRENT_AFTER_START: Duration = Duration::from_hours(24);

#[derive(Template)]
#[template(path = "tickets/list.html")]
struct ListView {
    page: Page,
    /// The order whose tickets these are.
    order: Option<OrderId>,
    upcoming: Vec<Row>,
    past: Vec<Row>,
    /// The path of the PDF with the tickets of the order.
    passes: Option<String>,
    /// The path of the next page.
    next: Option<String>,
    is_first: bool,
}

struct Row {
    id: AdmissionId,
    title: String,
    number: u32,
    of: u32,
    holder: Option<String>,
    starts_at: Option<Timestamp>,
    venue: Option<String>,
    zone: TimeZone,
    /// The id of the text of the state, and its class.
    badge: (&'static str, &'static str),
    is_current: bool,
}

impl ListView {
    fn sections(&self) -> [(&'static str, &[Row]); 2] {
        [("tickets-upcoming", &self.upcoming), ("tickets-past", &self.past)]
    }

    /// Returns the path of the first page.
    fn first_path(&self) -> String {
        path(self.order, None)
    }
}

pub(super) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let order = match visit.query("order") {
        Some(order) => Some(order.parse::<OrderId>().map_err(|_| Failure::NotFound)?),
        None => None,
    };
    let cursor = visit.query("cursor");
    let found = match admissions::list(visit.session(), order, PAGE_SIZE, cursor.as_deref()).await {
        Ok(found) => found,
        // A cursor of an earlier release, or one that somebody typed.
        Err(error) if cursor.is_some() && error.is_status(StatusCode::BAD_REQUEST) => {
            return visit.redirect(&path(order, None));
        }
        Err(error) => return Err(error.into()),
    };
    let listings = listings(&visit, &found.items).await;
    let page = visit.page("tickets-title");
    let (now, unnamed) = (visit.now(), page.text("ticket-unnamed").to_string());
    let rows = found.items.iter().map(|admission| {
        let listing = listings.get(&admission.ticket_id);
        row(admission, listing, &unnamed, now)
    });
    let (mut upcoming, mut past): (Vec<_>, Vec<_>) = rows.partition(|row| row.is_current);
    // What has no time yet comes after what has one.
    upcoming.sort_by_key(|row| (row.starts_at.is_none(), row.starts_at));
    past.sort_by_key(|row| Reverse(row.starts_at));
    let view = ListView {
        order,
        upcoming,
        past,
        passes: order.and_then(|order| passes_path(order, &found.items)),
        next: found.next_cursor.map(|cursor| path(order, Some(&cursor))),
        is_first: cursor.is_none(),
        page,
    };
    let mut response = visit.show_with(StatusCode::OK, &view, &Policy::default())?;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

fn path(order: Option<OrderId>, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(order) = order {
        query.append_pair("order", &order.to_string());
    }
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    let query = query.finish();
    if query.is_empty() {
        "/tickets".to_owned()
    } else {
        format!("/tickets?{query}")
    }
}

/// Returns the path of the PDF of an order's tickets on this page, if one of them can be printed.
fn passes_path(order: OrderId, items: &[Admission]) -> Option<String> {
    let is_printable = |admission: &&Admission| admission.is_yours && admission.state == AdmissionState::Valid;
    items.iter().find(is_printable)?;
    let after = items.iter().map(|admission| admission.number).min()?.saturating_sub(1);
    Some(format!("/tickets/passes.pdf?order={order}&after={after}"))
}

/// Returns the listings of admissions. One that cannot be had is left out: its tickets are shown without its title.
async fn listings(visit: &Visit, items: &[Admission]) -> HashMap<TicketId, Ticket> {
    let mut ids: Vec<_> = items.iter().map(|admission| admission.ticket_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let app = visit.app();
    let found = stream::iter(ids)
        .map(|id| async move { tickets::get(&Anonymous(&app.api), id).await })
        .buffer_unordered(PARALLEL_CALLS);
    let found: Vec<_> = found.collect().await;
    let known = found.into_iter().filter_map(Result::ok);
    known.map(|listing| (listing.id, listing)).collect()
}

fn row(admission: &Admission, listing: Option<&Ticket>, unnamed: &str, now: Timestamp) -> Row {
    let starts_at = listing.and_then(|listing| listing.starts_at);
    let is_over = starts_at.is_some_and(|at| at + CURRENT_AFTER_START < now);
    Row {
        id: admission.id,
        title: listing.map_or_else(|| unnamed.to_owned(), |listing| listing.title.clone()),
        number: admission.number,
        of: admission.of,
        holder: admission.holder.clone(),
        starts_at,
        venue: listing.and_then(|listing| listing.venue.clone()),
        zone: listing.map_or(TimeZone::UTC, Ticket::zone),
        badge: state::badge(admission),
        is_current: admission.state != AdmissionState::Void && !is_over,
    }
}
