//! What a service that was put back from a backup takes back of what it had said.

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, TicketRecord};
use rusqlite::Connection;
use values::{OrderId, TicketId, Timestamp};

use crate::{
    listing::{Listing, Stock},
    offer::{Line, Prose, Terms},
    store,
};

/// Takes a listing as it was announced, if it is not known as new. Nothing is said: everybody has heard it.
pub(crate) fn recover(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    let Some(said) = envelope.event.as_ticket() else {
        return Ok(false);
    };
    let known = store::find(tx, said.id)?;
    if known.as_ref().is_some_and(|known| known.version >= said.version) {
        return Ok(false);
    }
    let listing = announced(said, known.as_ref(), envelope.time)?;
    if known.is_some() {
        store::update(tx, &listing)?;
    } else {
        store::insert(tx, &listing)?;
    }
    Ok(true)
}

/// The newest moment that the database tells of.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let (listing, order) = store::newest(conn)?;
    Ok(listing
        .and_then(TicketId::created_at)
        .max(order.and_then(OrderId::created_at)))
}

/// The listing that said this of itself.
fn announced(said: &events::Ticket, known: Option<&Listing>, at: Timestamp) -> Result<Listing, ConsumeError> {
    let record = match (&said.record, known) {
        (Some(record), _) => record.clone(),
        // A release said it that kept this to itself.
        (None, Some(known)) => TicketRecord {
            description: known.terms.description.clone().map(Prose::into_string),
            venue: known.terms.venue.clone().map(Line::into_string),
            created_at: known.created_at,
            updated_at: at,
        },
        (None, None) => TicketRecord {
            description: None,
            venue: None,
            created_at: said.id.created_at().unwrap_or(at),
            updated_at: at,
        },
    };
    let line = |text: &str| Line::parse(text).map_err(ConsumeError::new);
    let prose = |text: &str| Prose::parse(text).map_err(ConsumeError::new);
    Ok(Listing {
        id: said.id,
        seller_id: said.seller_id,
        terms: Terms {
            title: line(&said.title)?,
            description: record.description.as_deref().map(prose).transpose()?,
            venue: record.venue.as_deref().map(line).transpose()?,
            starts_at: said.starts_at,
            price: said.price,
            order_window_seconds: said.order_window_seconds,
            refunds: said.refund_terms,
        },
        wanted: said.quantity,
        version: said.version,
        created_at: record.created_at,
        updated_at: record.updated_at,
        withdrawn_at: said.withdrawn_at,
        // Follows from the orders, and is not kept with the listing.
        stock: Stock::default(),
    })
}
