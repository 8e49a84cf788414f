//! The deletion of accounts, in each service that can prevent it.
//!
//! A user requests it from auth, which publishes that the account is `closing`. Each service decides in one transaction whether
//! anything prevents the deletion, and accepts nothing new of the account from then on. When all have agreed, auth asks them once
//! more: what one service has not seen at its first decision was in progress in another, which has finished it by then. After
//! that auth publishes that the account is `deleted`, and each service erases the user's personal data; otherwise, that it is
//! `active` again.

use std::time::Duration;

use bus::outbox;
use db::{Error, Tx};
use events::{Account, AccountStatus, Closure, ClosureObstacle, Event};
use problem::Problem;
use rusqlite::Connection;
use values::{Timestamp, UserId};

/// The migration that creates the table; a service lists it among its own.
pub const SCHEMA_V1: &str = include_str!("v1.sql");

/// What prevents a deletion; `None` while the service cannot know, because it recovers what a restored database lacks.
pub type Obstacles = Option<Vec<ClosureObstacle>>;

/// The time after the begin of an event at which it is over for sure.
pub const LONGEST_EVENT: Duration = Duration::from_hours(24);

/// Returns the obstacles that are met.
pub fn obstacles_met<const N: usize>(stated: [(ClosureObstacle, bool); N]) -> Vec<ClosureObstacle> {
    let met = stated.into_iter().filter(|(_, is_met)| *is_met);
    met.map(|(obstacle, _)| obstacle).collect()
}

/// What one service does about the deletion of accounts.
#[derive(Clone, Copy, Debug)]
pub struct ClosurePolicy {
    /// The name of the service.
    pub service: &'static str,
    /// Returns the event of a decision.
    pub decided: fn(Closure) -> Event,
    /// Returns what prevents the deletion of an account.
    pub obstacles: fn(&Connection, Timestamp, UserId) -> Result<Obstacles, Error>,
    /// Erases the personal data of a user. Idempotent.
    pub erase: fn(&Tx, Timestamp, UserId) -> Result<(), Error>,
}

impl ClosurePolicy {
    /// Applies the state of an account that is published: decides about its deletion, erases its data, or accepts its user again.
    /// Late states change nothing. A repeated request gets a decision again, because the first one may be lost. While the
    /// database was restored and lacks events, nothing is decided: auth asks again.
    pub fn apply(&self, tx: &Tx, now: Timestamp, account: &Account) -> Result<(), Error> {
        if !record(tx, account)? {
            return Ok(());
        }
        match account.status {
            AccountStatus::Active => Ok(()),
            AccountStatus::Closing => {
                if db::restored::is_outdated(tx)? {
                    return Ok(());
                }
                let Some(obstacles) = (self.obstacles)(tx, now, account.id)? else {
                    return Ok(());
                };
                let decision = Closure {
                    account_id: account.id,
                    version: account.version,
                    obstacles,
                    decided_at: now,
                };
                outbox::append(tx, self.service, now, (self.decided)(decision))
            }
            AccountStatus::Deleted => (self.erase)(tx, now, account.id),
        }
    }
}

/// Stores the state of an account, if it matters for its deletion. Returns whether it is the newest.
fn record(tx: &Tx, account: &Account) -> Result<bool, Error> {
    let version = account.version.cast_signed();
    let recorded = if account.status == AccountStatus::Active {
        tx.prepare_cached("UPDATE account_closure SET version = ?2, status = ?3 WHERE user_id = ?1 AND version <= ?2")?
            .execute((account.id, version, account.status))?
    } else {
        tx.prepare_cached(
            "INSERT INTO account_closure (user_id, version, status) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET version = excluded.version, status = excluded.status
             WHERE excluded.version >= version",
        )?
        .execute((account.id, version, account.status))?
    };
    Ok(recorded > 0)
}

/// The deletion of the account was requested: nothing new is accepted of its user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("The deletion of this account was requested. Withdraw the request first.")]
pub struct AccountClosing;

impl From<AccountClosing> for Problem {
    fn from(error: AccountClosing) -> Self {
        Self::conflict("account-closing", "This account is being deleted").detail(error)
    }
}

/// Refuses the user of an account whose deletion was requested.
pub fn ensure_open<E: From<Error> + From<AccountClosing>>(conn: &Connection, user: UserId) -> Result<(), E> {
    let is_closing = conn
        .prepare_cached("SELECT 1 FROM account_closure WHERE user_id = ? AND status <> 'active'")
        .and_then(|mut statement| statement.exists([user]))
        .map_err(Error::from)?;
    if is_closing { Err(AccountClosing.into()) } else { Ok(()) }
}
