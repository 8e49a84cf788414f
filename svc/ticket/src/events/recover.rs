//! Recovery of listings, admissions and transfers from their own events, after the database was restored from a backup.

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event, TicketRecord};
use rusqlite::Connection;
use values::{OrderId, TicketId, Timestamp};

use super::{admissions::recover_admission, transfers::recover_transfer};
use crate::{
    domain::{Listing, ListingState, LongText, SalePeriod, ShortText, Stock, Terms, TimeZoneName},
    store,
};

/// Stores the state that a listing, an admission or a transfer was published with, unless it is stored already. Publishes nothing: consumers have it.
/// Returns whether it stored anything.
pub(crate) fn recover(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    if envelope.event.as_admission().is_some() {
        return recover_admission(tx, &envelope.event);
    }
    if let Some(transfer) = envelope.event.as_transfer() {
        return recover_transfer(tx, transfer);
    }
    let (Event::TicketCreated(published) | Event::TicketUpdated(published)) = &envelope.event else {
        return Ok(false);
    };
    let known = store::listing(tx, published.id)?;
    if known.as_ref().is_some_and(|known| known.version() >= published.version) {
        return Ok(false);
    }
    let listing = listing_from(published, known.as_ref(), envelope.time);
    if known.is_some() {
        store::update(tx, &listing)?;
    } else {
        store::insert(tx, &listing)?;
    }
    Ok(true)
}

/// Returns the time of the newest record in the database.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let (listing, order) = store::newest_ids(conn)?;
    Ok(listing
        .and_then(TicketId::created_at)
        .max(order.and_then(OrderId::created_at)))
}

/// Returns the listing that was published with this state.
fn listing_from(published: &events::Ticket, known: Option<&Listing>, at: Timestamp) -> Listing {
    let record = match (&published.record, known) {
        (Some(record), _) => record.clone(),
        // Published by a release that left the record out.
        (None, Some(known)) => TicketRecord {
            description: known.state().terms.description.clone().map(LongText::into_string),
            venue: known.state().terms.venue.clone().map(ShortText::into_string),
            created_at: known.state().created_at,
            updated_at: at,
        },
        (None, None) => TicketRecord {
            description: None,
            venue: None,
            created_at: published.id.created_at().unwrap_or(at),
            updated_at: at,
        },
    };
    // Texts that were published are those that were stored, also if this release would refuse them.
    Listing::from_state(ListingState {
        id: published.id,
        seller_id: published.seller_id,
        terms: Terms {
            title: ShortText::from_stored(published.title.clone()),
            description: record.description.map(LongText::from_stored),
            venue: record.venue.map(ShortText::from_stored),
            time_zone: published.time_zone.clone().map(TimeZoneName::from_stored),
            starts_at: published.starts_at,
            sale: SalePeriod {
                begin: published.sales_begin,
                end: published.sales_end,
            },
            price: published.price,
            order_window_seconds: published.order_window_seconds,
            max_per_buyer: published.max_per_buyer,
            requires_second_factor: published.requires_second_factor,
            refunds: published.refund_terms,
        },
        wanted: published.quantity,
        version: published.version,
        created_at: record.created_at,
        updated_at: record.updated_at,
        withdrawn_at: published.withdrawn_at,
        // Not in events: that of the backup stays.
        image: known.and_then(|known| known.state().image.clone()),
        // Derived from the orders, and not stored with the listing.
        stock: Stock::default(),
    })
}
