//! Every SQL statement of the service.

mod invariants;
mod orders;
mod refunds;
mod stock;
mod withdrawals;

pub(crate) use invariants::INVARIANTS;
pub(crate) use orders::{first_deadline, insert, newest, of_buyer, open_orders, order, page, sold, tally, update};
pub(crate) use refunds::{
    given_back, insert_refund, open_refunds, refund, refunds_of, refunds_of_seller, refunds_page, update_refund,
};
pub(crate) use stock::{adopt, hold, listing, release, sell, shift};
pub(crate) use withdrawals::{advance_withdrawal, begin_withdrawal, begin_withdrawal_again, open_withdrawal, progress};
