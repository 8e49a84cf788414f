//! One function over a transaction per verb.

mod change_ticket;
mod create_ticket;
mod edit;
mod index_listings;
mod record_order;
mod withdraw_ticket;

pub(crate) use change_ticket::change_ticket;
pub(crate) use create_ticket::{CreateTicketError, create_ticket};
pub(crate) use edit::{Edit, EditError};
pub(crate) use index_listings::index_listings;
pub(crate) use record_order::record_order;
pub(crate) use withdraw_ticket::withdraw_ticket;
