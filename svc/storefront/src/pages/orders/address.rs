//! The address of an order, and what its forms share.

use values::{EventId, OrderId};

use crate::frame::{Failure, PageResult, Visit};

/// Redirects to the page of an order: the address of its forms is requested again after a reload, or after signing in.
pub(super) async fn back(visit: Visit) -> PageResult {
    let id: OrderId = visit.parameter("id")?;
    visit.redirect(&path(id))
}

/// Returns the path of the page of an order.
pub(super) fn path(id: OrderId) -> String {
    format!("/orders/{id}")
}

/// Returns a key that makes a form, sent twice, have one effect.
pub(super) fn new_key(visit: &Visit) -> String {
    EventId::new(visit.now()).to_string()
}

/// Returns the order of the path, once the person seems to be signed in.
pub(super) fn order_id(visit: &Visit) -> Result<OrderId, Failure> {
    visit.require_sign_in()?;
    visit.parameter("id")
}
