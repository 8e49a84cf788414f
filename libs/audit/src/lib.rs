//! An append-only log of who did what, whose, when and from where, with what result.
//!
//! * What changes the database is [appended](append) in the transaction of the change.
//! * What one user can repeat at will, such as a sign-in, is [appended up to a limit](append_limited), beyond which it is
//!   counted by the hour.
//! * What changes nothing, such as a failed sign-in, is [counted](Refusals::count) in memory and written once a minute: one
//!   row for each action, network and result, so that a flood of refusals cannot fill the disk.
//!
//! Triggers refuse changes, and deletions of rows that are to be retained. There are no secrets in it, but personal data:
//! users and their networks.

mod by_actor;
mod entry;
mod file;
mod maintenance;
mod operator;
mod read;
mod refusals;
mod table;

pub use by_actor::{ActorPosition, records_of_actor};
pub use entry::{Author, Entry, OK};
pub use file::append_to_file;
pub use maintenance::{maintain, write_counted};
pub use operator::{OPERATOR, operator};
pub use read::{Filter, Record, read};
pub use refusals::Refusals;
pub use table::{append, append_limited};

/// The first migration of the tables; a service lists it among its own.
pub const SCHEMA_V1: &str = include_str!("v1.sql");

/// The migration that adds the counts; a service lists it after [`SCHEMA_V1`].
pub const SCHEMA_V2: &str = include_str!("v2.sql");
