//! The page of a listing.

pub(crate) mod live;
mod structured_data;

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::{EventId, TicketId, Timestamp};

use super::parts::Places;
use crate::{
    api_client::{
        Anonymous,
        tickets::{self, Ticket, TicketStatus},
    },
    frame::{Failure, Page, PageResult, Share, Visit},
};

/// The most tickets that the form offers to choose from.
const MAX_CHOICES: u64 = 20;

/// The characters of a description that a preview shows.
const PREVIEW_CHARS: usize = 160;

#[derive(Template)]
#[template(path = "event.html")]
struct EventView {
    page: Page,
    ticket: Ticket,
    zone: TimeZone,
    places: Places,
    /// What the page shows, for the subscription that tells when that has changed.
    state: String,
    /// How many tickets can be bought at once; 0 if none can be bought.
    choices: u64,
    /// Why none can be bought.
    closed: Option<String>,
    /// For how long an order is held, if it is known.
    hold: Option<String>,
    refund: String,
    /// Makes a form that is sent twice order once.
    key: String,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let id: TicketId = visit.parameter("id")?;
    visit
        .show_cached(&format!("event {id}"), Box::pin(render(&visit, id)))
        .await
}

async fn render(visit: &Visit, id: TicketId) -> Result<(StatusCode, String), Failure> {
    let ticket = tickets::get(&Anonymous(&visit.app().api), id).await?;
    let mut page = visit.page("event-title").public().with_script("availability.js");
    page.path = format!("/events/{id}");
    page.title.clone_from(&ticket.title);
    page.description = Some(description(&page, &ticket));
    page.share = Some(Share {
        image: ticket
            .image
            .as_ref()
            .map(|image| format!("{}{}", page.public_url, image.url)),
    });
    // Nobody finds what cannot be bought any more.
    page.is_private = ticket.status == TicketStatus::Withdrawn;
    page.structured_data = Some(structured_data::of(&page, &ticket));
    let zone = ticket.zone();
    let view = EventView {
        places: Places::of(&page, &ticket),
        state: shown_state(&ticket),
        choices: choices(&ticket),
        closed: closed(&page, &ticket, &zone),
        hold: hold(&page, &ticket),
        refund: refund(&page, &ticket, &zone, visit.now()),
        // A cached page has one key for all: the service compares the key of each person by itself.
        key: EventId::new(visit.now()).to_string(),
        zone,
        page,
        ticket,
    };
    Ok((StatusCode::OK, visit.render(&view)?))
}

/// Returns what the form of the page depends on, besides the number of tickets left.
fn shown_state(ticket: &Ticket) -> String {
    format!("{}-{}", ticket.version, choices(ticket) > 0)
}

fn choices(ticket: &Ticket) -> u64 {
    if ticket.status != TicketStatus::OnSale {
        return 0;
    }
    let per_order = ticket.order_limits.map_or(u32::MAX, |limits| limits.max_per_order);
    let per_buyer = u64::from(ticket.max_per_buyer.min(per_order));
    ticket.available.min(per_buyer).min(MAX_CHOICES)
}

fn closed(page: &Page, ticket: &Ticket, zone: &TimeZone) -> Option<String> {
    let text = match ticket.status {
        TicketStatus::OnSale => return None,
        TicketStatus::SoldOut => page.text("event-sold-out"),
        TicketStatus::SaleNotBegun => {
            let begin = ticket.sales_begin.map(|begin| page.date_time(&begin, zone));
            return begin.map(|time| page.text("event-not-yet").with("time", time).to_string());
        }
        TicketStatus::SaleEnded => page.text("event-sale-ended"),
        TicketStatus::Begun => page.text("event-begun"),
        TicketStatus::Withdrawn => page.text("event-withdrawn"),
        TicketStatus::Other => page.text("places-unknown"),
    };
    Some(text.to_string())
}

fn hold(page: &Page, ticket: &Ticket) -> Option<String> {
    let minutes = ticket.order_window_seconds?.div_ceil(60);
    Some(page.text("event-hold").with("minutes", minutes).to_string())
}

fn refund(page: &Page, ticket: &Ticket, zone: &TimeZone, now: Timestamp) -> String {
    match ticket.refundable_until.filter(|until| *until > now) {
        Some(until) => {
            let time = page.date_time(&until, zone);
            page.text("event-refund-until").with("time", time).to_string()
        }
        None => page.text("event-refund-ask").to_string(),
    }
}

/// Returns the beginning of the description, or what and where it is.
fn description(page: &Page, ticket: &Ticket) -> String {
    let Some(text) = &ticket.description else {
        let place = ticket.venue.clone().or_else(|| {
            let at = ticket.starts_at?;
            Some(page.date_time(&at, &ticket.zone()))
        });
        let text = page.text("event-share-of").with("title", &ticket.title);
        return text
            .with("where", place.unwrap_or_else(|| page.money(&ticket.price)))
            .to_string();
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(PREVIEW_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text,
    }
}
