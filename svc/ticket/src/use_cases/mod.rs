//! One function over a transaction per verb.

mod answer_transfer;
mod change_ticket;
mod check_in;
mod code_key;
mod create_ticket;
mod decide_closure;
mod doors;
mod edit;
mod edit_image;
mod end_transfers;
mod follow_order;
mod index_listings;
mod offer_transfer;
mod orders_of_seller;
mod record_account;
mod record_order;
mod take_back_transfer;
mod upload_scans;
mod withdraw_ticket;

pub(crate) use answer_transfer::{
    AnswerError, AnswerTransfer, FoundTransfer, accept_transfer, decline_transfer, find_transfer,
};
pub(crate) use change_ticket::change_ticket;
pub(crate) use check_in::{AtDoor, CheckInError, UndoError, check_in, undo_check_in, used_at};
pub(crate) use code_key::{CodeKeyError, load_code_key};
pub(crate) use create_ticket::{CreateTicketError, create_ticket};
pub(crate) use doors::{DoorError, create_door, listing_of_seller, revoke_door};
pub(crate) use edit::{Edit, EditError};
pub(crate) use edit_image::{check_image_edit, remove_image, set_image};
pub(crate) use end_transfers::end_transfers;
pub(crate) use follow_order::follow_order;
pub(crate) use index_listings::index_listings;
pub(crate) use offer_transfer::{OfferError, OfferTransfer, offer_transfer};
pub(crate) use orders_of_seller::{OrdersError, check_seller};
pub(crate) use record_account::record_account;
pub(crate) use record_order::record_order;
pub(crate) use take_back_transfer::{TakeBackError, take_back_transfer};
pub(crate) use upload_scans::{UploadError, UploadedScan, upload_scans};
pub(crate) use withdraw_ticket::withdraw_ticket;
