use db::Tx;
use values::Timestamp;

use super::{
    mail_withdrawal::{mail_all_withdrawals, queue_presumed_withdrawal},
    request_mail::first_state,
};
use crate::{
    domain::{Cause, Listing, MailRules, MailState},
    store::{self, WaitingFor},
};

/// Stores the newest state of a listing. Its withdrawal is mailed by a job, because it may have many buyers, unless the database
/// recovers.
pub(crate) fn record_listing(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    ticket: &events::Ticket,
    rules: &MailRules,
) -> Result<(), db::Error> {
    let listing = Listing::from(ticket);
    store::upsert_listing(tx, &listing, published_at)?;
    if db::restored::is_outdated(tx)? {
        mail_all_withdrawals(tx, now, rules)?;
    } else if let Some(happened_at) = listing.withdrawn_at {
        let cause = Cause {
            happened_at,
            published_at,
        };
        if first_state(tx, now, cause, rules)? == Some(MailState::Queued) {
            queue_presumed_withdrawal(tx, now, listing.id, rules)?;
        }
    }
    store::queue_waiting_for(tx, WaitingFor::Listing(listing.id), now)
}
