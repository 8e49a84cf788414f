use db::Tx;
use events::{Refund, RefundStatus};
use values::Timestamp;

use super::request_mail::{prevent_mail, request_mail};
use crate::domain::{Cause, Details, MailKind, MailRules, NewMail};

/// Requests the mails about a refund: to its seller, who decides, and to its buyer when it has ended. The decision prevents the
/// seller's mail.
pub(crate) fn record_refund(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    refund: &Refund,
    rules: &MailRules,
) -> Result<(), db::Error> {
    let key = |kind: MailKind| format!("{kind} {}", refund.id);
    if refund.status != RefundStatus::Requested {
        let request_key = key(MailKind::RefundRequested);
        prevent_mail(tx, now, &request_key, "the refund is decided", rules)?;
    }
    let (kind, recipient) = match refund.status {
        RefundStatus::Requested => (MailKind::RefundRequested, refund.seller_id),
        RefundStatus::Paid => (MailKind::RefundPaid, refund.buyer_id),
        RefundStatus::Failed => (MailKind::RefundFailed, refund.buyer_id),
        RefundStatus::Declined => (MailKind::RefundDeclined, refund.buyer_id),
        RefundStatus::Approved => return Ok(()),
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
        ..NewMail::to_account(kind, key(kind), recipient, cause)
    };
    request_mail(tx, now, &mail, rules)
}
