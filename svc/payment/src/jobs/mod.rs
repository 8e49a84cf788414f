//! Work outside of requests: the settler, periodic jobs and subcommands.

mod keyed_locks;
mod ledger_report;
mod open_missing_ledgers;
mod purge;
mod reconcile;
mod recover_payments;
mod settler;
mod task;

pub(crate) use ledger_report::ledger_report;
pub(crate) use open_missing_ledgers::missing_ledgers_job;
pub(crate) use purge::purge_job;
pub(crate) use reconcile::reconcile;
pub(crate) use recover_payments::recovery_job;
pub(crate) use settler::Settler;
#[cfg(feature = "model")]
pub(crate) use task::{Task, next_task, payments_with_tasks};
