//! Transfers as events.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bus::{ConsumeError, outbox};
use db::Tx;
use events::{Event, TransferRecord, TransferStatus};
use values::Timestamp;

use super::publish::PUBLISHER;
use crate::{
    domain::{OfferMail, Transfer, TransferState},
    store,
};

/// Publishes the state of a transfer, in the transaction that led to it.
pub(crate) fn publish_transfer(tx: &Tx, now: Timestamp, transfer: &Transfer) -> Result<(), db::Error> {
    let payload = payload(transfer.state());
    let event = if payload.status == TransferStatus::Offered {
        Event::TransferOffered(payload)
    } else {
        Event::TransferEnded(payload)
    };
    outbox::append(tx, PUBLISHER, now, event)
}

fn payload(transfer: &TransferState) -> events::Transfer {
    let mail = transfer.mail.as_ref();
    events::Transfer {
        id: transfer.id,
        version: transfer.version,
        status: transfer.status,
        admission_id: transfer.admission_id,
        ticket_id: transfer.ticket_id,
        from_id: transfer.from_id,
        to_id: transfer.to_id,
        address: mail.map(|mail| mail.address.clone()),
        language: transfer.language,
        sealed_token: mail.map(|mail| BASE64_URL_SAFE_NO_PAD.encode(&mail.sealed_token)),
        expires_at: transfer.expires_at,
        updated_at: transfer.updated_at,
        record: Some(TransferRecord {
            token_hash: BASE64_URL_SAFE_NO_PAD.encode(transfer.token_hash),
            offered_at: transfer.offered_at,
        }),
    }
}

/// Stores the state that a transfer was published with, unless a state as new is stored. Returns whether it stored anything.
///
/// Events of different types can be recovered in another order than they were published in, so an older offer of the admission may
/// still be open: it has ended, because there is one at a time, and its end is recovered later.
pub(super) fn recover_transfer(tx: &Tx, published: &events::Transfer) -> Result<bool, ConsumeError> {
    let known = store::transfer(tx, published.id)?;
    if known
        .as_ref()
        .is_some_and(|known| known.state().version >= published.version)
    {
        return Ok(false);
    }
    let mut transfer = Transfer::from_state(state(published)?);
    if known.is_some() {
        store::update_transfer(tx, &transfer)?;
        return Ok(true);
    }
    if transfer.state().status == TransferStatus::Offered
        && let Some(mut other) = store::offer_of_admission(tx, published.admission_id)?
    {
        if other.state().id < published.id {
            other.supersede();
            store::update_transfer(tx, &other)?;
        } else {
            transfer.supersede();
        }
    }
    store::insert_transfer(tx, &transfer)?;
    Ok(true)
}

fn state(published: &events::Transfer) -> Result<TransferState, ConsumeError> {
    let malformed = |what| ConsumeError::new(format_args!("the transfer {} has no {what}", published.id));
    let record = published.record.as_ref().ok_or_else(|| malformed("record"))?;
    let hash = BASE64_URL_SAFE_NO_PAD.decode(&record.token_hash).unwrap_or_default();
    let is_open = published.status == TransferStatus::Offered;
    let mail = match (&published.address, &published.sealed_token) {
        (Some(address), Some(sealed)) if is_open => Some(OfferMail {
            address: address.clone(),
            sealed_token: BASE64_URL_SAFE_NO_PAD
                .decode(sealed)
                .map_err(|_| malformed("sealed token"))?,
        }),
        _ if is_open => return Err(malformed("address")),
        _ => None,
    };
    Ok(TransferState {
        id: published.id,
        admission_id: published.admission_id,
        ticket_id: published.ticket_id,
        from_id: published.from_id,
        to_id: published.to_id,
        status: published.status,
        mail,
        language: published.language,
        token_hash: hash.try_into().map_err(|_| malformed("hash of its token"))?,
        expires_at: published.expires_at,
        version: published.version,
        offered_at: record.offered_at,
        updated_at: published.updated_at,
    })
}
