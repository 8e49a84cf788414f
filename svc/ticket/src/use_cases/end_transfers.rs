//! The ends of offers that nobody has accepted.

use db::Tx;
use events::TransferStatus;
use values::{AdmissionId, Timestamp, TransferId};

use crate::{domain::Transfer, events::publish_transfer, store};

/// Ends an offer that is open, and publishes `transfer.ended`.
pub(super) fn end_transfer(
    tx: &Tx,
    now: Timestamp,
    transfer: &mut Transfer,
    status: TransferStatus,
) -> Result<(), db::Error> {
    if transfer.end_as(status, now) {
        store::update_transfer(tx, transfer)?;
        publish_transfer(tx, now, transfer)?;
    }
    Ok(())
}

/// Ends the offer of an admission that is used or made void, before that is published.
pub(super) fn end_offer_of(tx: &Tx, now: Timestamp, admission: AdmissionId) -> Result<(), db::Error> {
    if let Some(mut offer) = store::offer_of_admission(tx, admission)? {
        end_transfer(tx, now, &mut offer, TransferStatus::Cancelled)?;
    }
    Ok(())
}

/// Ends those of these offers whose time is over, or whose event has begun or was withdrawn.
pub(crate) fn end_transfers(tx: &Tx, now: Timestamp, ids: &[TransferId]) -> Result<(), db::Error> {
    for id in ids {
        let Some(mut transfer) = store::transfer(tx, *id)? else {
            continue;
        };
        let (admission, listing) = (transfer.state().admission_id, transfer.state().ticket_id);
        let (admission, listing) = (store::admission(tx, admission)?, store::listing(tx, listing)?);
        let status = transfer.status_at(now, admission.as_ref(), listing.as_ref());
        if status != TransferStatus::Offered {
            end_transfer(tx, now, &mut transfer, status)?;
        }
    }
    Ok(())
}
