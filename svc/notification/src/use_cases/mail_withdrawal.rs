use std::collections::BTreeSet;

use db::Tx;
use values::{OrderId, TicketId, Timestamp, UserId};

use super::request_mail::request_late_mail;
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

/// Requests all mails about withdrawals in a database that recovers, where nothing else waits for the transaction. The job runs after
/// the recovery, when nothing shows any more that another instance may have sent them.
pub(super) fn mail_all_withdrawals(tx: &Tx, now: Timestamp, rules: &MailRules) -> Result<(), db::Error> {
    while mail_next_withdrawal(tx, now, rules)? {}
    Ok(())
}

/// Queues the mails about a withdrawal that are presumed sent: its event was still in the queue.
pub(super) fn queue_presumed_withdrawal(
    tx: &Tx,
    now: Timestamp,
    ticket: TicketId,
    rules: &MailRules,
) -> Result<(), db::Error> {
    store::queue_presumed_with_prefix(tx, &withdrawal_key(ticket), now, rules)
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
        request_late_mail(tx, now, &withdrawal_mail(sale.ticket_id, person, cause), rules)?;
    }
    Ok(())
}

fn withdrawal_key(ticket: TicketId) -> String {
    format!("listing-withdrawn {ticket}")
}

fn withdrawal_mail(ticket: TicketId, person: UserId, cause: Cause) -> NewMail {
    NewMail {
        ticket_id: Some(ticket),
        ..NewMail::to_account(
            MailKind::ListingWithdrawn,
            format!("{} {person}", withdrawal_key(ticket)),
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
        domain::MailState,
        use_cases::{record_admission, record_listing, record_order, start},
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

    fn recipients(tx: &Tx, state: MailState) -> Result<BTreeSet<UserId>, db::Error> {
        let sql = "SELECT account_id FROM mail WHERE kind = 'listing-withdrawn' AND state = ?1";
        let mut statement = tx.prepare(sql)?;
        let recipients = statement.query_map([state], |row| row.get(0))?;
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
            record_listing(tx, NOON, NOON, &withdrawn, &RULES)?;
            order(&refunded(&first.0))?;
            ticket(&void(&first.1))?;
            ticket(&void(&second.1))?;
            order(&refunded(&second.0))?;
            while mail_next_withdrawal(tx, NOON, &RULES)? {}
            recipients(tx, MailState::Queued)
        });
        assert_eq!(mailed.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn after_a_restore_a_withdrawal_is_mailed_only_if_its_event_is_in_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let withdrawn = Ticket {
            withdrawn_at: Some(NOON),
            ..examples::ticket(NOON)
        };
        let [first, second] = [0; 2].map(|_| sold(&withdrawn));
        let buyers: BTreeSet<_> = [first.0.buyer_id, second.0.buyer_id].into();
        let later = NOON + Duration::from_mins(1);
        let mailed = db.write(move |tx| {
            let order = |order: &Order| record_order(tx, later, NOON, order, &RULES);
            let listing = || record_listing(tx, later, NOON, &withdrawn, &RULES);
            order(&first.0)?;
            order(&second.0)?;
            db::restored::mark(tx)?;
            start(tx, later, &RULES)?;
            // The journal has the withdrawal and a refund.
            listing()?;
            order(&refunded(&first.0))?;
            db::restored::clear(tx)?;
            order(&second.0)?;
            while mail_next_withdrawal(tx, later, &RULES)? {}
            let without_queue = [MailState::PresumedSent, MailState::Queued].map(|state| recipients(tx, state));
            listing()?;
            let with_queue = [MailState::PresumedSent, MailState::Queued].map(|state| recipients(tx, state));
            without_queue
                .into_iter()
                .chain(with_queue)
                .collect::<Result<Vec<_>, db::Error>>()
        });
        let nobody = BTreeSet::new();
        let expected = [buyers.clone(), nobody.clone(), nobody, buyers];
        assert_eq!(mailed.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn after_a_restore_the_rest_of_a_withdrawal_is_presumed_sent() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let withdrawn = Ticket {
            withdrawn_at: Some(NOON),
            ..examples::ticket(NOON)
        };
        let (order, _) = sold(&withdrawn);
        let expected = BTreeSet::from([order.buyer_id]);
        let presumed = db.write(move |tx| {
            record_order(tx, NOON, NOON, &order, &RULES)?;
            record_listing(tx, NOON, NOON, &withdrawn, &RULES)?;
            db::restored::mark(tx)?;
            start(tx, NOON, &RULES)?;
            db::restored::clear(tx)?;
            while mail_next_withdrawal(tx, NOON, &RULES)? {}
            recipients(tx, MailState::PresumedSent)
        });
        assert_eq!(presumed.await.unwrap(), expected);
    }
}
