use db::Tx;
use events::{Refund, RefundStatus};
use values::Timestamp;

use super::request_mail::request_mail;
use crate::domain::{Cause, Details, MailKind, MailRules, NewMail};

/// Requests the mail about the end of a refund, to its buyer.
pub(crate) fn record_refund(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    refund: &Refund,
    rules: &MailRules,
) -> Result<(), db::Error> {
    let kind = match refund.status {
        RefundStatus::Paid => MailKind::RefundPaid,
        RefundStatus::Failed => MailKind::RefundFailed,
        RefundStatus::Declined => MailKind::RefundDeclined,
        RefundStatus::Requested | RefundStatus::Approved => return Ok(()),
    };
    let cause = Cause {
        happened_at: refund.updated_at,
        published_at,
    };
    let mail = NewMail {
        order_id: Some(refund.order_id),
        ticket_id: Some(refund.ticket_id),
        details: Details {
            amount: Some(refund.amount),
            quantity: Some(refund.quantity),
            ..Details::default()
        },
        ..NewMail::to_account(kind, format!("{kind} {}", refund.id), refund.buyer_id, cause)
    };
    request_mail(tx, now, &mail, rules)
}
