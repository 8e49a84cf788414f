//! Every SQL statement of the service.

mod orders;
mod stock;

pub(crate) use orders::{first_deadline, insert, newest, of_buyer, open_orders, order, page, tally, update};
pub(crate) use stock::{adopt, hold, listing, release, sell, shift};
