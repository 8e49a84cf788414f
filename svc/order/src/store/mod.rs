//! Every SQL statement of the service.

mod bounded_reads;
mod buyer_orders;
mod buyers;
mod closures;
mod invariants;
mod orders;
mod refunds;
mod stock;
mod withdrawals;

pub(crate) use bounded_reads::BOUNDED_READS;
pub(crate) use buyer_orders::orders_of_buyer;
pub(crate) use buyers::buyer_history;
pub(crate) use closures::{erase_user, has_open_listings, has_open_orders, has_open_refunds};
pub(crate) use invariants::INVARIANTS;
pub(crate) use orders::{
    earliest_deadline, find_order, insert_order, newest_ids, open_orders, order_counts, orders_after, paid_orders,
    sales_of_listing, sales_of_seller, update_order,
};
pub(crate) use refunds::{
    find_refund, insert_refund, open_refund_counts, refunded_tickets, refunds_after, refunds_by_seller,
    refunds_of_buyer, refunds_of_order, refunds_of_seller, update_refund, vain_refund_count,
};
pub(crate) use stock::{adjust_stock, find_listing, hold_tickets, release_tickets, sell_held_tickets, upsert_listing};
pub(crate) use withdrawals::{
    advance_withdrawal, closed_withdrawals_with_open_orders, find_open_withdrawal, has_open_withdrawal,
    reopen_withdrawal, restart_withdrawal, start_withdrawal, withdrawal_progress,
};

/// Returns the text below which the ids of a page are that begins, newest first, before an id, or with the newest. Ids sort
/// by creation time, and `~` sorts after every id.
fn upper_bound(before: Option<impl ToString>) -> String {
    before.map_or_else(|| "~".to_owned(), |id| id.to_string())
}
