use bus::outbox;
use db::Tx;
use events::{Event, TicketRecord};
use values::Timestamp;

use crate::domain::{Listing, LongText, ShortText, TimeZoneName};

/// The name of the service, as publisher.
pub(crate) const PUBLISHER: &str = "ticket";

/// Publishes the state of a listing, in the transaction that led to it.
pub(crate) fn publish(tx: &Tx, now: Timestamp, listing: &Listing) -> Result<(), db::Error> {
    let state = ticket_state(listing);
    let event = if listing.version() == 1 {
        Event::TicketCreated(state)
    } else {
        Event::TicketUpdated(state)
    };
    outbox::append(tx, PUBLISHER, now, event)
}

fn ticket_state(listing: &Listing) -> events::Ticket {
    let listing = listing.state();
    let terms = &listing.terms;
    events::Ticket {
        id: listing.id,
        version: listing.version,
        seller_id: listing.seller_id,
        title: terms.title.as_str().to_owned(),
        price: terms.price,
        quantity: listing.wanted,
        starts_at: terms.starts_at,
        order_window_seconds: terms.order_window_seconds,
        withdrawn_at: listing.withdrawn_at,
        max_per_buyer: terms.max_per_buyer,
        sales_begin: terms.sale.begin,
        sales_end: terms.sale.end,
        requires_second_factor: terms.requires_second_factor,
        venue: terms.venue.clone().map(ShortText::into_string),
        time_zone: terms.time_zone.clone().map(TimeZoneName::into_string),
        refund_terms: terms.refunds,
        record: Some(TicketRecord {
            description: terms.description.clone().map(LongText::into_string),
            venue: terms.venue.clone().map(ShortText::into_string),
            created_at: listing.created_at,
            updated_at: listing.updated_at,
        }),
    }
}
