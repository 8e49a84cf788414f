//! Admissions as events.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bus::{ConsumeError, outbox};
use db::Tx;
use events::{AdmissionRecord, Event};
use values::Timestamp;

use super::publish::PUBLISHER;
use crate::{
    domain::{Admission, AdmissionChange, AdmissionState, AdmissionUse, StoredCode},
    store,
};

/// Publishes the state of an admission, in the transaction that led to it.
pub(crate) fn publish_admission(tx: &Tx, now: Timestamp, admission: &Admission) -> Result<(), db::Error> {
    let payload = payload(admission.state());
    let event = match admission.state().change {
        AdmissionChange::Issued => Event::AdmissionIssued(payload),
        AdmissionChange::Voided => Event::AdmissionVoided(payload),
        AdmissionChange::Used => Event::AdmissionUsed(payload),
        AdmissionChange::Restored => Event::AdmissionRestored(payload),
        AdmissionChange::Transferred => Event::AdmissionTransferred(payload),
    };
    outbox::append(tx, PUBLISHER, now, event)
}

fn payload(admission: &AdmissionState) -> events::Admission {
    let state = match (&admission.void, &admission.used) {
        (Some(_), _) => events::AdmissionState::Void,
        (None, Some(_)) => events::AdmissionState::Used,
        (None, None) => events::AdmissionState::Valid,
    };
    let used_at = admission.used.as_ref().map(|used| used.at);
    events::Admission {
        id: admission.id,
        version: admission.version,
        order_id: admission.order_id,
        ticket_id: admission.ticket_id,
        seller_id: admission.seller_id,
        number: admission.number,
        of: admission.of,
        holder_id: admission.holder_id,
        state,
        used_at: used_at.filter(|_| state == events::AdmissionState::Used),
        sealed_code: BASE64_URL_SAFE_NO_PAD.encode(&admission.code.sealed),
        issued_at: admission.issued_at,
        updated_at: admission.updated_at,
        record: Some(AdmissionRecord {
            code_hash: BASE64_URL_SAFE_NO_PAD.encode(admission.code.hash),
            void_reason: admission.void,
            used_at,
            door: admission.used.as_ref().and_then(|used| used.door.clone()),
        }),
    }
}

/// Returns the change that an event announces.
fn change(event: &Event) -> Option<AdmissionChange> {
    match event {
        Event::AdmissionIssued(_) => Some(AdmissionChange::Issued),
        Event::AdmissionVoided(_) => Some(AdmissionChange::Voided),
        Event::AdmissionUsed(_) => Some(AdmissionChange::Used),
        Event::AdmissionRestored(_) => Some(AdmissionChange::Restored),
        Event::AdmissionTransferred(_) => Some(AdmissionChange::Transferred),
        _ => None,
    }
}

/// Stores the state that an admission was published with, with its code, unless a state as new is stored. Returns whether it
/// stored anything.
pub(super) fn recover_admission(tx: &Tx, event: &Event) -> Result<bool, ConsumeError> {
    let (Some(published), Some(change)) = (event.as_admission(), change(event)) else {
        return Ok(false);
    };
    let known = store::admission(tx, published.id)?;
    if known
        .as_ref()
        .is_some_and(|known| known.state().version >= published.version)
    {
        return Ok(false);
    }
    let admission = Admission::from_state(state(published, change)?);
    if known.is_some() {
        store::update_admission(tx, &admission)?;
        return Ok(true);
    }
    if let Some(other) = store::admission_of_order(tx, published.order_id, published.number)? {
        tracing::warn!(
            published = %published.id, stored = %other.id(),
            "admission not recovered: another one was issued for the ticket"
        );
        return Ok(false);
    }
    store::insert_admission(tx, &admission)?;
    Ok(true)
}

fn state(published: &events::Admission, change: AdmissionChange) -> Result<AdmissionState, ConsumeError> {
    let malformed = |what| ConsumeError::new(format_args!("the admission {} has no {what}", published.id));
    let record = published.record.as_ref().ok_or_else(|| malformed("record"))?;
    let hash = BASE64_URL_SAFE_NO_PAD.decode(&record.code_hash).unwrap_or_default();
    Ok(AdmissionState {
        id: published.id,
        order_id: published.order_id,
        ticket_id: published.ticket_id,
        seller_id: published.seller_id,
        number: published.number,
        of: published.of,
        holder_id: published.holder_id,
        used: record.used_at.map(|at| AdmissionUse {
            at,
            door: record.door.clone(),
        }),
        void: record.void_reason,
        code: StoredCode {
            hash: hash.try_into().map_err(|_| malformed("hash of its code"))?,
            sealed: BASE64_URL_SAFE_NO_PAD
                .decode(&published.sealed_code)
                .map_err(|_| malformed("sealed code"))?,
        },
        version: published.version,
        change,
        issued_at: published.issued_at,
        updated_at: published.updated_at,
    })
}
