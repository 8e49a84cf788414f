use db::Tx;
use events::{Transfer, TransferStatus};
use values::Timestamp;

use super::request_mail::{prevent_mail, request_mail};
use crate::domain::{Cause, Details, MailKind, MailRules, NewMail};

/// Requests the mails about a transfer: to its recipient while it is offered, to the giver when it has ended without an action
/// of the giver. The end prevents the offer's mail.
pub(crate) fn record_transfer(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    transfer: &Transfer,
    rules: &MailRules,
) -> Result<(), db::Error> {
    let cause = Cause {
        happened_at: transfer.updated_at,
        published_at,
    };
    let offer_key = format!("transfer-offered {}", transfer.id);
    let kind = match transfer.status {
        TransferStatus::Offered => return request_mail(tx, now, &offer(transfer, offer_key, cause), rules),
        TransferStatus::Accepted => Some(MailKind::TransferAccepted),
        TransferStatus::Declined | TransferStatus::Expired => Some(MailKind::TransferReturned),
        TransferStatus::Cancelled => None,
    };
    prevent_mail(tx, now, &offer_key, "the transfer has ended", rules)?;
    let Some(kind) = kind else {
        return Ok(());
    };
    let mail = NewMail {
        ticket_id: Some(transfer.ticket_id),
        details: Details {
            transfer_id: Some(transfer.id),
            admission_id: Some(transfer.admission_id),
            ..Details::default()
        },
        ..NewMail::to_account(kind, format!("{kind} {}", transfer.id), transfer.from_id, cause)
    };
    request_mail(tx, now, &mail, rules)
}

fn offer(transfer: &Transfer, key: String, cause: Cause) -> NewMail {
    NewMail {
        address: transfer.address.clone(),
        language: Some(transfer.language),
        ticket_id: Some(transfer.ticket_id),
        expires_at: Some(transfer.expires_at),
        details: Details {
            sealed_token: transfer.sealed_token.clone(),
            transfer_id: Some(transfer.id),
            admission_id: Some(transfer.admission_id),
            ..Details::default()
        },
        ..NewMail::to_address(MailKind::TransferOffered, key, cause)
    }
}
