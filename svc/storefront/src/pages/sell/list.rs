//! The listings of a seller.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::{Money, TicketId, Timestamp};

use super::{super::parts::Places, address::path_at};
use crate::{
    api_client::{
        ApiError, sales,
        tickets::{self, Ticket},
    },
    frame::{Page, PageResult, Visit},
};

/// The number of listings on a page.
const PAGE_SIZE: u32 = 20;

#[derive(Template)]
#[template(path = "sell/list.html")]
struct ListView {
    page: Page,
    is_withdrawn: bool,
    rows: Vec<Row>,
    /// The listings of which refunds wait for a decision, with a sentence about them.
    refunds: Vec<(TicketId, String)>,
    next: Option<String>,
    is_first: bool,
    /// The path of the first page.
    first: &'static str,
}

struct Row {
    id: TicketId,
    title: String,
    starts_at: Option<Timestamp>,
    zone: TimeZone,
    price: Money,
    places: Places,
    sold: u64,
    held: u64,
    available: u64,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let is_withdrawn = visit.query("state").as_deref() == Some("withdrawn");
    let first = if is_withdrawn { "/sell?state=withdrawn" } else { "/sell" };
    let cursor = visit.query("cursor");
    let query = if is_withdrawn { "state=withdrawn&" } else { "" };
    let query = format!("{query}seller=me&limit={PAGE_SIZE}");
    let found = match tickets::list(visit.session(), &query, cursor.as_deref()).await {
        Ok(found) => found,
        // A cursor of an earlier release, or one that somebody typed.
        Err(error) if cursor.is_some() && error.is_status(StatusCode::BAD_REQUEST) => return visit.redirect(first),
        Err(error) => return Err(error.into()),
    };
    let page = visit.page("sell-title");
    let refunds = match sales::requested_refunds(visit.session()).await {
        Ok(refunds) => refunds.iter().map(|refund| refund.ticket_id).collect(),
        // The list is worth more than the hint.
        Err(ApiError::Unavailable { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    visit.show(&ListView {
        refunds: refund_hints(&page, &refunds, &found.items),
        rows: found.items.into_iter().map(|ticket| row(&page, ticket)).collect(),
        next: found.next_cursor.map(|cursor| path_at(first, &cursor)),
        is_first: cursor.is_none(),
        is_withdrawn,
        first,
        page,
    })
}

/// Returns a sentence for each listing of which refunds wait for a decision.
fn refund_hints(page: &Page, refunds: &[TicketId], shown: &[Ticket]) -> Vec<(TicketId, String)> {
    let mut ids = refunds.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let hint = |id: TicketId| {
        let count = refunds.iter().filter(|of| **of == id).count();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let title = shown.iter().find(|ticket| ticket.id == id).map(|ticket| &ticket.title);
        let text = match title {
            Some(title) => page.text("sell-refunds-waiting-of").with("title", title),
            None => page.text("sell-refunds-waiting"),
        };
        (id, text.with("count", count).to_string())
    };
    ids.into_iter().map(hint).collect()
}

fn row(page: &Page, ticket: Ticket) -> Row {
    Row {
        id: ticket.id,
        places: Places::of(page, &ticket),
        zone: ticket.zone(),
        starts_at: ticket.starts_at,
        price: ticket.price,
        sold: ticket.sold,
        held: ticket.held,
        available: ticket.available,
        title: ticket.title,
    }
}
