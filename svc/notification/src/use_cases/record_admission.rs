use db::Tx;
use values::Timestamp;

use super::{mail_withdrawal::mail_pending_withdrawal, request_mail::request_mail};
use crate::{
    domain::{Admission, Cause, Details, MailKind, MailRules, NewMail},
    store::{self, WaitingFor},
};

/// Stores the newest state of an admission, and requests the mail with the tickets: of its order when it is issued, of the
/// new holder when it is transferred (`is_transferred`).
pub(crate) fn record_admission(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    issued: (&events::Admission, bool),
    rules: &MailRules,
) -> Result<(), db::Error> {
    let (event, is_transferred) = issued;
    mail_pending_withdrawal(tx, now, event.ticket_id, event.order_id, rules)?;
    let admission = Admission::from(event);
    store::upsert_admission(tx, &admission)?;
    let cause = Cause {
        happened_at: event.issued_at,
        published_at,
    };
    if is_transferred {
        let received = Cause {
            happened_at: event.updated_at,
            published_at,
        };
        request_mail(tx, now, &received_mail(&admission, received), rules)?;
    } else if event.version == 1 {
        request_mail(tx, now, &confirmed_mail(&admission, cause), rules)?;
    }
    store::queue_waiting_for(tx, WaitingFor::Order(admission.order_id), now)
}

fn received_mail(admission: &Admission, cause: Cause) -> NewMail {
    NewMail {
        order_id: Some(admission.order_id),
        ticket_id: Some(admission.ticket_id),
        details: Details {
            admission_id: Some(admission.id),
            admission_version: Some(admission.version),
            ..Details::default()
        },
        ..NewMail::to_account(
            MailKind::TicketReceived,
            format!("ticket-received {} {}", admission.id, admission.version),
            admission.holder_id,
            cause,
        )
    }
}

/// The buyer holds every ticket that was just issued.
fn confirmed_mail(admission: &Admission, cause: Cause) -> NewMail {
    NewMail {
        order_id: Some(admission.order_id),
        ticket_id: Some(admission.ticket_id),
        ..NewMail::to_account(
            MailKind::OrderConfirmed,
            format!("order-confirmed {}", admission.order_id),
            admission.holder_id,
            cause,
        )
    }
}
