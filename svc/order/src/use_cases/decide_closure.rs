//! Decides whether an account can be deleted.

use closures::{ClosurePolicy, Obstacles};
use db::Tx;
use events::{ClosureObstacle, Event};
use rusqlite::Connection;
use values::{Timestamp, UserId};

use crate::store;

/// What the service does about the deletion of accounts.
pub(crate) const CLOSURE_POLICY: ClosurePolicy = ClosurePolicy {
    service: "order",
    decided: Event::OrderClosureDecided,
    obstacles,
    erase,
};

fn obstacles(conn: &Connection, now: Timestamp, user: UserId) -> Result<Obstacles, db::Error> {
    Ok(Some(closures::obstacles_met([
        (ClosureObstacle::OpenOrders, store::has_open_orders(conn, user)?),
        (
            ClosureObstacle::OpenListings,
            store::has_open_listings(conn, user, now)?,
        ),
        (ClosureObstacle::OpenRefunds, store::has_open_refunds(conn, user)?),
    ])))
}

fn erase(tx: &Tx, _now: Timestamp, user: UserId) -> Result<(), db::Error> {
    idempotency::erase_client(tx, &user)?;
    store::erase_user(tx, user)
}
