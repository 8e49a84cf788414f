//! At the door: check-in for the seller, doors, and the page of a door for helpers without an account.

mod answer;
mod door;
mod doors;
mod keys;
mod seller;

use crate::frame::{Routes, get};

/// Adds the paths of check-ins and doors.
pub(super) fn add_routes(routes: Routes) -> Routes {
    routes
        .at("/door", get(door::show))
        .at("/door-worker.js", get(door::worker))
        .at("/sell/{id}/check-in", get(seller::show).post(seller::submit))
        .at("/sell/{id}/check-in/undo", get(seller::back).post(seller::undo))
        .at("/sell/{id}/doors", get(doors::show).post(doors::submit))
        .at("/sell/{id}/doors/revoke", get(doors::back).post(doors::revoke))
}
