//! Every SQL statement of the service.

mod orders;
mod refunds;
mod stock;

pub(crate) use orders::{first_deadline, insert, newest, of_buyer, open_orders, order, page, sold, tally, update};
pub(crate) use refunds::{
    advance_withdrawal, begin_withdrawal, begin_withdrawal_again, given_back, insert_refund, open_refunds,
    open_withdrawal, progress, refund, refund_word, refunds_of, refunds_of_seller, refunds_page, update_refund,
};
pub(crate) use stock::{adopt, hold, listing, release, sell, shift};
