use std::sync::Arc;

use bus::{ConsumeError, EventHandler};
use db::Tx;
use events::{Envelope, Event};
use values::Timestamp;

use crate::{
    domain::MailRules,
    store,
    use_cases::{
        record_account, record_admission, record_listing, record_order, record_refund, record_transfer,
        request_account_mail,
    },
};

/// The name of the service: its queue and its database.
pub(crate) const SERVICE_NAME: &str = "notification";

/// Returns the handler of all events that the service consumes. Each stores a state and requests the mails about it, in one
/// transaction; events may repeat and arrive in any order.
pub(crate) fn event_handler(rules: MailRules) -> EventHandler {
    Arc::new(move |tx, now, envelope| consume(tx, now, envelope, &rules))
}

fn consume(tx: &Tx, now: Timestamp, envelope: &Envelope, rules: &MailRules) -> Result<(), ConsumeError> {
    let event = &envelope.event;
    let at = envelope.time;
    if let Some(account) = event.as_account() {
        record_account(tx, now, account)?;
    } else if let Some(mail) = event.as_account_mail() {
        request_account_mail(tx, now, at, mail, rules)?;
    } else if let Some(ticket) = event.as_ticket() {
        record_listing(tx, now, at, ticket, rules)?;
    } else if let Some(order) = event.as_order() {
        record_order(tx, now, at, order, rules)?;
    } else if let Some(refund) = event.as_refund() {
        record_refund(tx, now, at, refund, rules)?;
    } else if let Some(admission) = event.as_admission() {
        let is_transferred = matches!(event, Event::AdmissionTransferred(_));
        record_admission(tx, now, at, (admission, is_transferred), rules)?;
    } else if let Some(transfer) = event.as_transfer() {
        record_transfer(tx, now, at, transfer, rules)?;
    } else {
        return Err(ConsumeError::new(format_args!(
            "the notification service does not consume {}",
            event.name()
        )));
    }
    Ok(store::record_consumption(tx, at)?)
}
