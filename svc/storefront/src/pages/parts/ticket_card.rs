use localization::TimeZone;
use values::{Money, Timestamp};

use crate::{
    api_client::tickets::{Image, Ticket, TicketStatus},
    frame::Page,
};

/// So few tickets are left that their number is shown as a warning.
const FEW: u64 = 10;

/// A listing in a list.
pub(crate) struct TicketCard {
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) venue: Option<String>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) zone: TimeZone,
    pub(crate) price: Money,
    pub(crate) places: Places,
    pub(crate) image: Option<Image>,
}

impl TicketCard {
    pub(crate) fn new(page: &Page, ticket: Ticket) -> Self {
        Self {
            path: format!("/events/{}", ticket.id),
            places: Places::of(page, &ticket),
            zone: ticket.zone(),
            title: ticket.title,
            venue: ticket.venue,
            starts_at: ticket.starts_at,
            price: ticket.price,
            image: ticket.image,
        }
    }
}

/// How many tickets are left, or why none can be bought, in the language of the page.
pub(crate) struct Places {
    pub(crate) text: String,
    /// The class of its badge.
    pub(crate) badge: &'static str,
}

impl Places {
    pub(crate) fn of(page: &Page, ticket: &Ticket) -> Self {
        let (text, badge) = match ticket.status {
            TicketStatus::OnSale if ticket.available <= FEW => (page.text("places-few"), "badge--warn"),
            TicketStatus::OnSale => (page.text("places-left"), "badge--good"),
            TicketStatus::SoldOut => (page.text("places-sold-out"), "badge--bad"),
            TicketStatus::SaleNotBegun => (page.text("places-not-yet"), ""),
            TicketStatus::SaleEnded => (page.text("places-sale-ended"), ""),
            TicketStatus::Begun => (page.text("places-begun"), ""),
            TicketStatus::Withdrawn => (page.text("places-withdrawn"), "badge--bad"),
            TicketStatus::Other => (page.text("places-unknown"), ""),
        };
        Self {
            text: text.with("count", ticket.available).to_string(),
            badge,
        }
    }
}
