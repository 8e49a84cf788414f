//! Work that no request waits for.

mod backfill_ledger;
mod follow_up;
mod keyed_locks;
mod ledger_report;
mod purge;
mod reconcile;
mod recover_payments;
mod settler;

pub(crate) use backfill_ledger::backfill_ledger;
#[cfg(feature = "model")]
pub(crate) use follow_up::{Duty, duty};
pub(crate) use ledger_report::report;
pub(crate) use purge::purge_job;
pub(crate) use reconcile::reconcile;
pub(crate) use recover_payments::remembering;
pub(crate) use settler::Settler;
#[cfg(feature = "model")]
pub(crate) use settler::due;
