use db::Tx;
use events::{CancelReason, OrderStatus};
use values::Timestamp;

use super::{
    mail_withdrawal::{mail_pending_withdrawal, mail_withdrawal},
    request_mail::request_mail,
};
use crate::{
    domain::{Cause, MailKind, MailRules, NewMail, Sale},
    store::{self, WaitingFor},
};

/// Stores the newest state of an order, and requests the mail about its expiration. The mail about a paid order is requested
/// with its first admission.
pub(crate) fn record_order(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    order: &events::Order,
    rules: &MailRules,
) -> Result<(), db::Error> {
    mail_pending_withdrawal(tx, now, order.ticket_id, order.id, rules)?;
    let sale = Sale::from(order);
    store::upsert_sale(tx, &sale)?;
    if order.status == OrderStatus::Cancelled && order.cancel_reason == Some(CancelReason::Expired) {
        let cause = Cause {
            happened_at: order
                .record
                .as_ref()
                .map_or(order.expires_at, |record| record.updated_at),
            published_at,
        };
        let key = format!("order-expired {}", order.id);
        let mail = NewMail {
            order_id: Some(order.id),
            ticket_id: Some(order.ticket_id),
            ..NewMail::to_account(MailKind::OrderExpired, key, order.buyer_id, cause)
        };
        request_mail(tx, now, &mail, rules)?;
    }
    mail_late_withdrawal(tx, now, &sale, rules)?;
    store::queue_waiting_for(tx, WaitingFor::Order(order.id), now)
}

/// Requests the mails about a withdrawal that arrived before the order.
fn mail_late_withdrawal(tx: &Tx, now: Timestamp, sale: &Sale, rules: &MailRules) -> Result<(), db::Error> {
    let listing = store::listing(tx, sale.ticket_id)?;
    let (Some(withdrawn_at), Some(published_at)) = (
        listing.and_then(|listing| listing.withdrawn_at),
        store::withdrawal_published_at(tx, sale.ticket_id)?,
    ) else {
        return Ok(());
    };
    let cause = Cause {
        happened_at: withdrawn_at,
        published_at,
    };
    mail_withdrawal(tx, now, sale, cause, rules)
}
