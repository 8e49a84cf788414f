//! What the audit log of this service has beside the payments of buyers.

use audit::{Author, Entry};
use db::Tx;
use values::Timestamp;

use crate::domain::{Refund, RefundStatus};

/// Records what the service requests from Stripe for a refund, or what Stripe has answered.
pub(super) fn record_refund(tx: &Tx, now: Timestamp, action: &'static str, refund: &Refund) -> Result<(), db::Error> {
    let entry = Entry {
        result: match refund.status() {
            RefundStatus::Requested => "requested",
            RefundStatus::Pending => "pending",
            RefundStatus::Succeeded => "succeeded",
            RefundStatus::Failed => "failed",
        },
        ..Author::service("payment").did(action, &refund.id())
    };
    audit::append(tx, now, &entry)
}
