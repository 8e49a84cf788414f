use std::collections::BTreeSet;

use db::Tx;
use values::{TicketId, Timestamp, UserId};

use super::request_mail::request_mail;
use crate::{
    domain::{Cause, MailKind, MailRules, NewMail, Sale},
    store,
};

/// The orders of a withdrawn listing that one transaction reads.
const PAGE_SIZE: u32 = 200;

/// Requests the mails to the buyers of one page of orders of a withdrawn listing, and to those who have received tickets of
/// these orders. Returns false if there is no such listing.
pub(crate) fn mail_next_withdrawal(tx: &Tx, now: Timestamp, rules: &MailRules) -> Result<bool, db::Error> {
    let Some(withdrawal) = store::next_withdrawal(tx)? else {
        return Ok(false);
    };
    let cause = Cause {
        happened_at: withdrawal.withdrawn_at,
        published_at: withdrawal.published_at,
    };
    let sales = store::sales_of_ticket_after(tx, withdrawal.ticket_id, &withdrawal.after, PAGE_SIZE)?;
    for sale in &sales {
        mail_withdrawal(tx, now, sale, cause, rules)?;
    }
    let position = sales.last().map(|sale| sale.order_id.to_string());
    store::save_withdrawal_position(tx, withdrawal.ticket_id, position.as_deref())?;
    Ok(true)
}

/// Requests the mails about the withdrawal of a listing to the buyer and the holders of one order.
pub(super) fn mail_withdrawal(
    tx: &Tx,
    now: Timestamp,
    sale: &Sale,
    cause: Cause,
    rules: &MailRules,
) -> Result<(), db::Error> {
    if !sale.has_tickets() {
        return Ok(());
    }
    let holders = store::holders_of_order(tx, sale.order_id)?;
    let concerned: BTreeSet<_> = holders.into_iter().chain([sale.buyer_id]).collect();
    for person in concerned {
        request_mail(tx, now, &withdrawal_mail(sale.ticket_id, person, cause), rules)?;
    }
    Ok(())
}

fn withdrawal_mail(ticket: TicketId, person: UserId, cause: Cause) -> NewMail {
    NewMail {
        ticket_id: Some(ticket),
        ..NewMail::to_account(
            MailKind::ListingWithdrawn,
            format!("listing-withdrawn {ticket} {person}"),
            person,
            cause,
        )
    }
}
