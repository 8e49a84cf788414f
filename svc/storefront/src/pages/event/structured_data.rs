//! A listing for search engines (<https://schema.org/Event>).

use localization::{decimal_amount, offset_date_time};
use serde_json::{Map, Value, json};

use crate::{
    api_client::tickets::{Ticket, TicketStatus},
    frame::Page,
};

/// Returns JSON-LD that can be within a page: no text in it ends the element.
pub(super) fn of(page: &Page, ticket: &Ticket) -> String {
    event(page, ticket).to_string().replace('<', "\\u003c")
}

fn event(page: &Page, ticket: &Ticket) -> Value {
    let zone = ticket.zone();
    let is_withdrawn = ticket.status == TicketStatus::Withdrawn;
    let mut event = Map::new();
    event.insert("@context".to_owned(), "https://schema.org".into());
    event.insert("@type".to_owned(), "Event".into());
    event.insert("name".to_owned(), ticket.title.clone().into());
    event.insert("url".to_owned(), page.url().into());
    event.insert("eventStatus".to_owned(), status(is_withdrawn).into());
    if let Some(text) = &ticket.description {
        event.insert("description".to_owned(), text.clone().into());
    }
    if let Some(at) = ticket.starts_at {
        event.insert("startDate".to_owned(), offset_date_time(at, &zone).into());
    }
    if let Some(venue) = &ticket.venue {
        event.insert(
            "location".to_owned(),
            json!({"@type": "Place", "name": venue, "address": venue}),
        );
    }
    if let Some(image) = &ticket.image {
        event.insert("image".to_owned(), format!("{}{}", page.public_url, image.url).into());
    }
    let mut offer = json!({
        "@type": "Offer",
        "url": page.url(),
        "price": decimal_amount(ticket.price),
        "priceCurrency": ticket.price.currency.code().to_uppercase(),
        "availability": availability(ticket.status),
    });
    if let Some(begin) = ticket.sales_begin {
        offer["validFrom"] = offset_date_time(begin, &zone).into();
    }
    event.insert("offers".to_owned(), offer);
    Value::Object(event)
}

const fn status(is_withdrawn: bool) -> &'static str {
    if is_withdrawn {
        "https://schema.org/EventCancelled"
    } else {
        "https://schema.org/EventScheduled"
    }
}

const fn availability(status: TicketStatus) -> &'static str {
    match status {
        TicketStatus::OnSale => "https://schema.org/InStock",
        TicketStatus::SoldOut => "https://schema.org/SoldOut",
        TicketStatus::SaleNotBegun => "https://schema.org/PreOrder",
        TicketStatus::SaleEnded | TicketStatus::Begun | TicketStatus::Withdrawn | TicketStatus::Other => {
            "https://schema.org/OutOfStock"
        }
    }
}
