use closures::{ClosurePolicy, Obstacles};
use db::Tx;
use events::{ClosureObstacle, Event};
use rusqlite::Connection;
use values::{Timestamp, UserId};

use crate::store;

/// What the service does about the deletion of accounts. Listings stay: they are part of what buyers have bought.
pub(crate) const CLOSURE_POLICY: ClosurePolicy = ClosurePolicy {
    service: "ticket",
    decided: Event::TicketClosureDecided,
    obstacles,
    erase,
};

fn obstacles(conn: &Connection, now: Timestamp, user: UserId) -> Result<Obstacles, db::Error> {
    Ok(Some(closures::obstacles_met([
        (
            ClosureObstacle::OpenListings,
            store::has_open_listings(conn, user, now)?,
        ),
        (ClosureObstacle::OpenTransfers, store::has_open_offers(conn, user, now)?),
    ])))
}

/// The replica of the account is erased when its state is stored.
fn erase(tx: &Tx, now: Timestamp, user: UserId) -> Result<(), db::Error> {
    idempotency::erase_client(tx, &user)?;
    store::erase_doors(tx, user, now)
}
