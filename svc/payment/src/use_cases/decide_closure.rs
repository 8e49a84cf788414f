//! Decides whether an account can be deleted.

use closures::{ClosurePolicy, Obstacles};
use db::Tx;
use events::{ClosureObstacle, Event};
use rusqlite::Connection;
use values::{Timestamp, UserId};

use crate::store;

/// What the service does about the deletion of accounts.
pub(crate) const CLOSURE_POLICY: ClosurePolicy = ClosurePolicy {
    service: "payment",
    decided: Event::PaymentClosureDecided,
    obstacles,
    erase,
};

fn obstacles(conn: &Connection, _now: Timestamp, user: UserId) -> Result<Obstacles, db::Error> {
    if store::recovery_gap(conn)?.is_some() {
        // Captures, refunds and disputes since the backup are still unknown.
        return Ok(None);
    }
    Ok(Some(closures::obstacles_met([
        (ClosureObstacle::OpenOrders, store::has_open_payments(conn, user)?),
        (ClosureObstacle::OpenRefunds, store::has_open_refunds(conn, user)?),
        (ClosureObstacle::OpenDisputes, store::has_open_disputes(conn, user)?),
        (ClosureObstacle::Balance, store::has_open_balance(conn, user)?),
    ])))
}

fn erase(tx: &Tx, _now: Timestamp, user: UserId) -> Result<(), db::Error> {
    idempotency::erase_client(tx, &user)?;
    store::erase_user(tx, user)
}
