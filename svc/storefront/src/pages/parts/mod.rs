//! What several pages show.

mod message;
mod new_password;
mod ticket_card;

pub(crate) use message::Message;
pub(crate) use new_password::refused_password;
pub(crate) use ticket_card::{Places, TicketCard};
