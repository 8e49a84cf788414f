//! Every SQL statement of the service.

mod invariants;
mod listing_pages;
mod listings;
mod order_replica;
mod search_index;

pub(crate) use invariants::INVARIANTS;
pub(crate) use listing_pages::listing_page;
pub(crate) use listings::{count_by_state, insert, listing, listings_after, newest_ids, update};
pub(crate) use order_replica::upsert_order;
pub(crate) use search_index::{has_unindexed_listings, index_listing, unindexed_listings};
