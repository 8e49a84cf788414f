//! Every SQL statement of the service.

mod orders;
mod stock;

pub(crate) use orders::{insert, of_buyer, open_orders, order, page, update};
pub(crate) use stock::{adopt, hold, listing, release, sell};
