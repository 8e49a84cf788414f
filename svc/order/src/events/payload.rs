//! Orders and refunds as payloads of events, in both directions.

use events::OrderRecord;
use values::{Money, Timestamp};

use crate::domain::{AfterSale, Order, OrderState, Refund, RefundReason, RefundState, RefundedTickets};

/// Returns the payload of an order.
pub(super) fn order_payload(order: &Order) -> events::Order {
    let state = order.state();
    let after_sale = state.after_sale;
    let nothing_reversed = AfterSale {
        payment_version: after_sale.payment_version,
        ..AfterSale::default()
    };
    events::Order {
        id: state.id,
        version: state.version,
        status: state.status,
        cancel_reason: state.cancel_reason,
        buyer_id: state.buyer_id,
        seller_id: state.seller_id,
        ticket_id: state.ticket_id,
        quantity: state.quantity,
        total: order.total(),
        expires_at: state.expires_at,
        payment_id: state.payment_id,
        after_sale: (after_sale != nothing_reversed).then_some(events::AfterSale {
            refunded_quantity: after_sale.tickets.refunded,
            returned_quantity: after_sale.tickets.returned,
            refunded_amount: Money {
                amount: after_sale.refunded_amount,
                ..state.price
            },
            dispute: after_sale.dispute,
        }),
        record: Some(OrderRecord {
            title: state.title.clone(),
            price: state.price,
            created_at: state.created_at,
            updated_at: state.updated_at,
            extended_at: state.extended_at,
            refundable_until: state.refundable_until,
            payment_version: after_sale.payment_version,
        }),
    }
}

/// Returns a record for the payload of an old release, which had none.
pub(super) fn derive_record(payload: &events::Order, title: String, published_at: Timestamp) -> OrderRecord {
    let price = Money {
        amount: payload.total.amount / i64::from(payload.quantity.max(1)),
        ..payload.total
    };
    let created_at = payload.id.created_at().unwrap_or(published_at);
    OrderRecord {
        updated_at: published_at,
        ..OrderRecord::new(title, price, created_at)
    }
}

/// Returns the state of a published order. Payment attempts of a created order are not part of the payload.
pub(super) fn order_state(payload: &events::Order, record: OrderRecord) -> OrderState {
    OrderState {
        id: payload.id,
        version: payload.version,
        status: payload.status,
        cancel_reason: payload.cancel_reason,
        buyer_id: payload.buyer_id,
        seller_id: payload.seller_id,
        ticket_id: payload.ticket_id,
        title: record.title,
        price: record.price,
        quantity: payload.quantity,
        expires_at: payload.expires_at,
        payment_id: payload.payment_id,
        pending_payment_id: None,
        failed_payment_id: None,
        extended_at: record.extended_at,
        refundable_until: record.refundable_until,
        claimed_quantity: 0,
        after_sale: AfterSale {
            payment_version: record.payment_version,
            ..payload.after_sale.as_ref().map_or_else(AfterSale::default, after_sale)
        },
        created_at: record.created_at,
        updated_at: record.updated_at,
    }
}

fn after_sale(payload: &events::AfterSale) -> AfterSale {
    AfterSale {
        tickets: RefundedTickets {
            refunded: payload.refunded_quantity,
            returned: payload.returned_quantity,
        },
        refunded_amount: payload.refunded_amount.amount,
        dispute: payload.dispute,
        payment_version: None,
    }
}

/// Returns the payload of a refund.
pub(super) fn refund_payload(refund: &Refund) -> events::Refund {
    let state = refund.state();
    events::Refund {
        id: state.id,
        version: state.version,
        status: state.status,
        order_id: state.order_id,
        payment_id: state.payment_id,
        buyer_id: state.buyer_id,
        seller_id: state.seller_id,
        ticket_id: state.ticket_id,
        quantity: state.quantity,
        amount: state.amount,
        asked_by: state.requested_by,
        reason: state.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        failure: state.failure.clone(),
        returned: state.returned,
        payment_version: state.payment_version,
        created_at: state.created_at,
        updated_at: state.updated_at,
    }
}

/// Returns the state of a published refund. The title is empty: it is stored with the order.
pub(super) fn refund_state(payload: &events::Refund) -> RefundState {
    RefundState {
        id: payload.id,
        version: payload.version,
        status: payload.status,
        order_id: payload.order_id,
        payment_id: payload.payment_id,
        buyer_id: payload.buyer_id,
        seller_id: payload.seller_id,
        ticket_id: payload.ticket_id,
        title: String::new(),
        quantity: payload.quantity,
        amount: payload.amount,
        requested_by: payload.asked_by,
        reason: payload.reason.clone().map(RefundReason::from_parsed),
        failure: payload.failure.clone(),
        returned: payload.returned,
        payment_version: payload.payment_version,
        created_at: payload.created_at,
        updated_at: payload.updated_at,
    }
}
