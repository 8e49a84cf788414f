//! Orders: placing one, its page with the payment, refunds, and the list of them.

mod address;
mod cancel;
mod card_form;
mod decline;
mod list;
mod order;
mod pay;
mod place;
mod refund;
mod state;
mod step;

use crate::frame::{Routes, get};

/// Adds the paths of orders.
pub(super) fn add_routes(routes: Routes) -> Routes {
    routes
        .at("/orders", get(list::show).post(place::submit))
        .at("/orders/{id}", get(order::show))
        .at("/orders/{id}/state", get(state::show))
        .at("/orders/{id}/payment", get(address::back).post(pay::submit))
        .at("/orders/{id}/cancel", get(address::back).post(cancel::submit))
        .at("/orders/{id}/refunds", get(address::back).post(refund::submit))
}
