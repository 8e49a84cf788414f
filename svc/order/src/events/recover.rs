//! What a service that was put back from a backup takes back of what it had said.

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event, OrderRecord, OrderStatus, Ticket};
use rusqlite::Connection;
use values::{Money, OrderId, TicketId, Timestamp};

use crate::{
    domain::{AfterSale, GivenBack, Order, Reason, Refund},
    store,
};

/// Takes an order as it was announced, if it is not known as new, with the stock that it stands for. Nothing is decided
/// here, and nothing is said: everybody has heard it.
pub(crate) fn recover(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    match &envelope.event {
        Event::TicketCreated(ticket) | Event::TicketUpdated(ticket) => {
            get_acquainted(tx, ticket)?;
            Ok(false)
        }
        Event::OrderCreated(order)
        | Event::OrderExtended(order)
        | Event::OrderConfirmed(order)
        | Event::OrderCompleted(order)
        | Event::OrderCancelled(order)
        | Event::OrderRefunded(order)
        | Event::OrderDisputed(order) => take_back(tx, order, envelope.time),
        Event::RefundRequested(refund)
        | Event::RefundApproved(refund)
        | Event::RefundDeclined(refund)
        | Event::RefundPaid(refund)
        | Event::RefundFailed(refund) => take_back_refund(tx, refund),
        _ => Ok(false),
    }
}

/// The newest moment that the database tells of.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let (order, listing) = store::newest(conn)?;
    Ok(order
        .and_then(OrderId::created_at)
        .max(listing.and_then(TicketId::created_at)))
}

/// Keeps a listing that is not known at all, because an order is of one: as it may have stood before what is said of it,
/// so that this is still news, and has its effects, when it is heard.
fn get_acquainted(tx: &Tx, ticket: &Ticket) -> Result<(), ConsumeError> {
    if store::listing(tx, ticket.id)?.is_none() {
        let before = Ticket {
            version: ticket.version.saturating_sub(1).max(1),
            withdrawn_at: None,
            ..ticket.clone()
        };
        store::adopt(tx, &before)?;
    }
    Ok(())
}

fn take_back(tx: &Tx, said: &events::Order, at: Timestamp) -> Result<bool, ConsumeError> {
    let known = store::order(tx, said.id)?;
    if known.as_ref().is_some_and(|known| known.version >= said.version) {
        return Ok(false);
    }
    let mut order = announced(tx, said, at)?;
    // Which attempt is under way is told by the payment service, and heard again.
    if let Some(known) = known.as_ref().filter(|_| order.status == OrderStatus::Created) {
        (order.pending, order.over) = (known.pending, known.over);
    }
    let ((held, sold), (had_held, had_sold)) = (taken(&order), known.as_ref().map_or((0, 0), taken));
    // There are never fewer tickets than are taken: these were, before the backup's time and with its owner's word.
    if !store::shift(tx, order.ticket_id, held - had_held, sold - had_sold)? {
        return Err(ConsumeError::new(format_args!(
            "the order {} is of the listing {}, which is not known here",
            order.id, order.ticket_id
        )));
    }
    if known.is_some() {
        store::update(tx, &order)?;
    } else {
        store::insert(tx, &order)?;
    }
    Ok(true)
}

/// The order that said this of itself.
fn announced(tx: &Tx, said: &events::Order, at: Timestamp) -> Result<Order, ConsumeError> {
    let record = match &said.record {
        Some(record) => record.clone(),
        // A release said it that kept this to itself.
        None => OrderRecord {
            title: store::listing(tx, said.ticket_id)?.map_or_else(String::new, |listing| listing.title),
            price: Money {
                amount: said.total.amount / i64::from(said.quantity.max(1)),
                ..said.total
            },
            created_at: said.id.created_at().unwrap_or(at),
            updated_at: at,
            extended_at: None,
            refundable_until: None,
            payment_version: None,
        },
    };
    Ok(Order {
        id: said.id,
        version: said.version,
        status: said.status,
        cancel_reason: said.cancel_reason,
        buyer_id: said.buyer_id,
        seller_id: said.seller_id,
        ticket_id: said.ticket_id,
        title: record.title,
        price: record.price,
        quantity: said.quantity,
        expires_at: said.expires_at,
        payment_id: said.payment_id,
        pending: None,
        over: None,
        extended_at: record.extended_at,
        refundable_until: record.refundable_until,
        claimed: 0,
        after: after_sale(said, record.payment_version),
        created_at: record.created_at,
        updated_at: record.updated_at,
    })
}

fn after_sale(said: &events::Order, payment_version: Option<u64>) -> AfterSale {
    let Some(after) = &said.after_sale else {
        return AfterSale {
            payment_version,
            ..AfterSale::default()
        };
    };
    AfterSale {
        tickets: GivenBack {
            refunded: after.refunded_quantity,
            returned: after.returned_quantity,
        },
        refunded_amount: after.refunded_amount.amount,
        dispute: after.dispute,
        payment_version,
    }
}

/// Takes a refund as it was announced, if it is not known as new. Its order was announced before it.
fn take_back_refund(tx: &Tx, said: &events::Refund) -> Result<bool, ConsumeError> {
    let known = store::refund(tx, said.id)?;
    if known.as_ref().is_some_and(|known| known.version >= said.version) {
        return Ok(false);
    }
    let refund = Refund {
        id: said.id,
        version: said.version,
        status: said.status,
        order_id: said.order_id,
        payment_id: said.payment_id,
        buyer_id: said.buyer_id,
        seller_id: said.seller_id,
        ticket_id: said.ticket_id,
        // The order's, and kept with that.
        title: String::new(),
        quantity: said.quantity,
        amount: said.amount,
        asked_by: said.asked_by,
        reason: said.reason.clone().map(Reason::known),
        failure: said.failure.clone(),
        returned: said.returned,
        payment_version: said.payment_version,
        created_at: said.created_at,
        updated_at: said.updated_at,
    };
    if known.is_some() {
        store::update_refund(tx, &refund)?;
    } else {
        store::insert_refund(tx, &refund)?;
    }
    Ok(true)
}

/// How many tickets an order holds, and how many it has bought.
fn taken(order: &Order) -> (i64, i64) {
    match order.status {
        OrderStatus::Created | OrderStatus::AwaitingPayment => (order.quantity.into(), 0),
        OrderStatus::Complete => (0, order.kept().into()),
        OrderStatus::Cancelled => (0, 0),
    }
}

#[cfg(test)]
mod tests;
