use std::collections::BTreeSet;

use db::Tx;
use values::{OrderId, TicketId, Timestamp, UserId};

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

/// Requests the mails about a withdrawal before an order or one of its tickets changes: the refunds of a withdrawal may arrive
/// before the job reads the order, which has no tickets then.
pub(super) fn mail_pending_withdrawal(
    tx: &Tx,
    now: Timestamp,
    ticket: TicketId,
    order: OrderId,
    rules: &MailRules,
) -> Result<(), db::Error> {
    let Some(cause) = store::pending_withdrawal(tx, ticket, order)? else {
        return Ok(());
    };
    match store::sale(tx, order)? {
        Some(sale) => mail_withdrawal(tx, now, &sale, cause, rules),
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chassis::Service;
    use db::Db;
    use events::{Admission, AdmissionState, AfterSale, Order, OrderStatus, Ticket, examples};

    use super::*;
    use crate::{
        Notification,
        use_cases::{record_admission, record_listing, record_order},
    };

    const NOON: Timestamp = Timestamp::from_millis(1_811_800_800_000);
    const RULES: MailRules = MailRules {
        max_event_age: Duration::from_hours(24),
        give_up_after: Duration::from_hours(24),
        retention: Duration::from_hours(24),
    };

    /// Returns a paid order, and a ticket of it that its buyer has given to somebody else.
    fn sold(listing: &Ticket) -> (Order, Admission) {
        let order = Order {
            version: 3,
            status: OrderStatus::Complete,
            buyer_id: UserId::new(NOON),
            ticket_id: listing.id,
            ..examples::order(NOON)
        };
        let given = Admission {
            version: 2,
            holder_id: UserId::new(NOON),
            ..examples::admission(NOON, &order)
        };
        (order, given)
    }

    fn refunded(order: &Order) -> Order {
        Order {
            version: 4,
            after_sale: Some(AfterSale {
                refunded_quantity: order.quantity,
                returned_quantity: 0,
                refunded_amount: order.total,
                dispute: None,
            }),
            ..order.clone()
        }
    }

    fn void(admission: &Admission) -> Admission {
        Admission {
            version: 3,
            state: AdmissionState::Void,
            ..admission.clone()
        }
    }

    fn recipients(tx: &Tx) -> Result<BTreeSet<UserId>, db::Error> {
        let mut statement = tx.prepare("SELECT account_id FROM mail WHERE kind = 'listing-withdrawn'")?;
        let recipients = statement.query_map((), |row| row.get(0))?;
        Ok(recipients.collect::<Result<_, _>>()?)
    }

    #[tokio::test]
    async fn a_withdrawal_is_mailed_also_if_its_refunds_arrive_before_the_job_runs() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let withdrawn = Ticket {
            withdrawn_at: Some(NOON),
            ..examples::ticket(NOON)
        };
        let [earlier, first, second] = [0; 3].map(|_| sold(&withdrawn));
        let concerned = |(order, given): &(Order, Admission)| [order.buyer_id, given.holder_id];
        let expected: BTreeSet<_> = [&first, &second].into_iter().flat_map(concerned).collect();
        let mailed = db.write(move |tx| {
            let order = |order: &Order| record_order(tx, NOON, NOON, order, &RULES);
            let ticket = |ticket: &Admission| record_admission(tx, NOON, NOON, (ticket, false), &RULES);
            for (sale, given) in [&earlier, &first, &second] {
                order(sale)?;
                ticket(given)?;
            }
            // What was refunded before the withdrawal concerns nobody.
            order(&refunded(&earlier.0))?;
            ticket(&void(&earlier.1))?;
            record_listing(tx, NOON, NOON, &withdrawn)?;
            order(&refunded(&first.0))?;
            ticket(&void(&first.1))?;
            ticket(&void(&second.1))?;
            order(&refunded(&second.0))?;
            while mail_next_withdrawal(tx, NOON, &RULES)? {}
            recipients(tx)
        });
        assert_eq!(mailed.await.unwrap(), expected);
    }
}
