//! Tickets in the hand: the list of them, each with its code, and both as PDF.

mod files;
mod list;
mod state;
mod ticket;
mod transfer;

use crate::frame::{Routes, get};

/// Adds the paths of tickets.
pub(super) fn add_routes(routes: Routes) -> Routes {
    routes
        .at("/tickets", get(list::show))
        .at("/tickets/passes.pdf", get(files::passes))
        .at("/tickets/{id}", get(ticket::show))
        .at("/tickets/{id}/transfer", get(transfer::show).post(transfer::submit))
        .at(
            "/tickets/{id}/transfer/removal",
            get(transfer::show).post(transfer::take_back),
        )
        .at("/tickets/{id}/qr.svg", get(files::qr))
        .at("/tickets/{id}/pass.pdf", get(files::pass))
}
