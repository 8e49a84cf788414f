//! Every SQL statement of the service.

mod accounts;
mod admissions;
mod bounded_reads;
mod check_ins;
mod closures;
mod code_key;
mod doors;
mod holders;
mod images;
mod invariants;
mod listing_orders;
mod listing_pages;
mod listings;
mod order_replica;
mod personal_data;
mod scans;
mod search_index;
mod transfers;

pub(crate) use accounts::{holder_name, mail_account, upsert_account};
pub(crate) use admissions::{
    admission, admission_of_order, admissions_after, has_orders_without_details, insert_admission, issued_count,
    mark_followed, next_of_dispute, next_to_refund, next_to_restore, orders_to_follow, sale_to_follow,
    update_admission, void_count,
};
pub(crate) use bounded_reads::BOUNDED_READS;
pub(crate) use check_ins::{
    admission_of_code, admission_of_replaced_code, attendance, changed_admissions, last_admission_change,
    used_admissions,
};
pub(crate) use closures::{erase_doors, has_open_listings, has_open_offers};
pub(crate) use code_key::{code_key, insert_code_key};
pub(crate) use doors::{
    door_count, door_of_request, door_of_token, doors, has_door, insert_door, replace_door_token, revoke_door,
};
pub(crate) use holders::{admissions_of_holder, admissions_of_user_in_order, shown_admission};
pub(crate) use images::{delete_image, image_file, put_image, stored_image_bytes};
pub(crate) use invariants::INVARIANTS;
pub(crate) use listing_orders::{orders_of_listing, upsert_listing_order};
pub(crate) use listing_pages::{WordsByPrefix, listing_page};
pub(crate) use listings::{count_by_state, insert, listing, listings_after, newest_ids, next_sales_begin, update};
pub(crate) use order_replica::upsert_order;
pub(crate) use personal_data::{account, door_names, listings_of_seller};
pub(crate) use scans::{delete_oldest_use, insert_scan, refused_scans, scan, scan_count};
pub(crate) use search_index::{has_unindexed_listings, index_listing, unindexed_listings};
pub(crate) use transfers::{
    count_transfers, insert_transfer, last_transfer_of_giver, offer_of_admission, offered_before, offers_to_end,
    transfer, transfer_of_token, transfers_after, transfers_of_giver, update_transfer,
};
