use std::time::Duration;

use db::Tx;
use rusqlite::Connection;
use values::Timestamp;

use super::settle_mail::{end_mail, released};
use crate::{
    domain::{Gathered, Mail, MailKind, MailRules, MailState, Material, RateLimits},
    store,
};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The mails that one transaction reads: those that wait or are postponed need no worker.
const MAX_READ: usize = 64;

/// The offers of tickets to one address in an hour: anybody can cause them, for any address.
const MAX_OFFERS_PER_HOUR: u32 = 5;

/// The mails about requests for refunds to one seller in an hour. The page that they lead to lists all requests.
const MAX_REFUND_REQUESTS_PER_HOUR: u32 = 5;

/// Claims up to `limit` mails that are due, those about accounts first, and returns what they are written from. Mails that lack something wait for it,
/// those that are of no use any more end, and those beyond a rate limit are postponed.
///
/// The second value is false if every mail that is due was read.
pub(crate) fn claim_mails(
    tx: &Tx,
    now: Timestamp,
    limit: u32,
    rates: RateLimits,
    rules: &MailRules,
) -> Result<(Vec<Material>, bool), db::Error> {
    let claimed = store::claims_since(tx, (now - MINUTE, now), rates.per_minute)?;
    let allowed = limit.min(rates.per_minute.saturating_sub(claimed));
    let due = if allowed == 0 {
        Vec::new()
    } else {
        store::due_mails(tx, now, MAX_READ)?
    };
    let may_be_more = due.len() >= MAX_READ;
    let mut ready = Vec::new();
    for mail in due {
        if ready.len() >= usize::try_from(allowed).unwrap_or(usize::MAX) {
            return Ok((ready, true));
        }
        let id = mail.id;
        let attempt = released(&mail);
        match gather(tx, mail, now)? {
            Gathered::Ready(material) => {
                let recipient = material.address.to_lowercase();
                // A repeated attempt is counted once.
                if material.mail.attempts == 0
                    && let Some(until) = full_until(tx, material.mail.kind, &recipient, now, rates)?
                {
                    if material.mail.kind == MailKind::RefundRequested {
                        let why = Some("mails about other requests were sent in this hour");
                        end_mail(tx, attempt, MailState::Superseded, why, now, now + rules.retention)?;
                    } else {
                        store::delay(tx, id, until)?;
                    }
                    continue;
                }
                store::claim(tx, id, &recipient, now)?;
                ready.push(attempted(*material, now));
            }
            Gathered::Missing(what) => store::wait_for_replicas(tx, id, what)?,
            Gathered::Superseded(why) => end_mail(
                tx,
                attempt,
                MailState::Superseded,
                Some(why),
                now,
                now + rules.retention,
            )?,
        }
    }
    Ok((ready, may_be_more))
}

/// Returns until when a recipient gets no more mails of this kind; `None` if one can be sent now.
///
/// Mails about accounts are not limited: no other mails may delay a link that is valid for half an hour. Auth limits those that
/// anybody can request to 5 an hour for each address.
fn full_until(
    conn: &Connection,
    kind: MailKind,
    recipient: &str,
    now: Timestamp,
    rates: RateLimits,
) -> Result<Option<Timestamp>, db::Error> {
    let (counted, limit) = match kind {
        kind if kind.is_about_account() => return Ok(None),
        MailKind::TransferOffered => (Some(kind), MAX_OFFERS_PER_HOUR),
        MailKind::RefundRequested => (Some(kind), MAX_REFUND_REQUESTS_PER_HOUR),
        _ => (None, rates.per_recipient_and_hour),
    };
    let full = store::recipient_claims(conn, recipient, counted, (now - HOUR, now), limit)?;
    Ok(full.map(|since| since + HOUR))
}

/// Returns the material of a mail with the attempt that begins.
fn attempted(mut material: Material, now: Timestamp) -> Material {
    material.mail.attempts += 1;
    material.mail.state = MailState::Sending;
    material.mail.claimed_at = Some(now);
    material
}

fn gather(conn: &Connection, mail: Mail, now: Timestamp) -> Result<Gathered, db::Error> {
    let account = mail
        .account_id
        .map(|id| store::account(conn, id))
        .transpose()?
        .flatten();
    let listing = mail.ticket_id.map(|id| store::listing(conn, id)).transpose()?.flatten();
    let sale = mail.order_id.map(|id| store::sale(conn, id)).transpose()?.flatten();
    let admissions = match (mail.kind, mail.details.admission_id, mail.order_id) {
        (MailKind::OrderConfirmed, _, Some(order)) => store::admissions_of_order(conn, order)?,
        (MailKind::TicketReceived, Some(admission), _) => store::admission(conn, admission)?.into_iter().collect(),
        _ => Vec::new(),
    };
    Ok(Material::gather(mail, account, listing, sale, admissions, now))
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Db;
    use values::Language;

    use super::*;
    use crate::{
        Notification,
        domain::{Cause, NewMail},
    };

    const NOON: Timestamp = Timestamp::from_millis(1_811_800_800_000);
    const RULES: MailRules = MailRules {
        max_event_age: HOUR,
        give_up_after: Duration::from_hours(24),
        retention: HOUR,
    };
    const RATES: RateLimits = RateLimits {
        per_recipient_and_hour: 5,
        per_minute: 1000,
    };

    fn queue(tx: &Tx, kind: MailKind, address: &str, number: usize, at: Timestamp) -> Result<(), db::Error> {
        let cause = Cause {
            happened_at: at,
            published_at: at,
        };
        let mail = NewMail {
            address: Some(address.to_owned()),
            language: Some(Language::English),
            ..NewMail::to_address(kind, format!("{kind} {number}"), cause)
        };
        store::insert_mail(tx, &mail, MailState::Queued, at, &RULES)
    }

    /// Claims as many mails as possible, and returns how many of each kind in the order of their first ones.
    fn claim(tx: &Tx, at: Timestamp, limit: u32) -> Result<Vec<(MailKind, usize)>, db::Error> {
        let mut counts: Vec<(MailKind, usize)> = Vec::new();
        for material in claim_mails(tx, at, limit, RATES, &RULES)?.0 {
            match counts.iter_mut().find(|(kind, _)| *kind == material.mail.kind) {
                Some((_, count)) => *count += 1,
                None => counts.push((material.mail.kind, 1)),
            }
        }
        Ok(counts)
    }

    #[tokio::test]
    async fn a_mail_about_an_account_precedes_all_others_that_were_due_before() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let claimed = db.write(|tx| {
            for number in 0..=MAX_READ {
                queue(
                    tx,
                    MailKind::ListingWithdrawn,
                    &format!("buyer-{number}@example.com"),
                    number,
                    NOON,
                )?;
            }
            queue(tx, MailKind::ResetPassword, "ada@example.com", 0, NOON + MINUTE)?;
            claim(tx, NOON + MINUTE, 3)
        });
        let expected = [(MailKind::ResetPassword, 1), (MailKind::ListingWithdrawn, 2)];
        assert_eq!(claimed.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn offers_have_a_limit_of_their_own_and_mails_about_accounts_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let claimed = db.write(|tx| {
            queue(tx, MailKind::RefundPaid, "ada@example.com", 0, NOON)?;
            for number in 0..6 {
                queue(tx, MailKind::TransferOffered, "Ada@example.com", number, NOON)?;
            }
            let first = claim(tx, NOON, 64)?;
            for number in 0..7 {
                queue(tx, MailKind::RefundDeclined, "ada@example.com", number, NOON)?;
                queue(tx, MailKind::ResetPassword, "ada@example.com", number, NOON)?;
                queue(tx, MailKind::RefundDeclined, "grace@example.com", 7 + number, NOON)?;
            }
            Ok::<_, db::Error>([first, claim(tx, NOON, 64)?, claim(tx, NOON + HOUR, 64)?])
        });
        let expected = [
            vec![(MailKind::RefundPaid, 1), (MailKind::TransferOffered, 5)],
            // Refunds to Ada wait, who got five mails; of those to Grace two.
            vec![(MailKind::ResetPassword, 7), (MailKind::RefundDeclined, 5)],
            vec![(MailKind::TransferOffered, 1), (MailKind::RefundDeclined, 4 + 2)],
        ];
        assert_eq!(claimed.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_seller_gets_few_mails_about_requests_in_an_hour_and_none_of_them_later() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let claimed = db.write(|tx| {
            for number in 0..8 {
                queue(tx, MailKind::RefundRequested, "seller@example.com", number, NOON)?;
            }
            let first = claim(tx, NOON, 64)?;
            Ok::<_, db::Error>([first, claim(tx, NOON + HOUR, 64)?])
        });
        let expected = [vec![(MailKind::RefundRequested, 5)], Vec::new()];
        assert_eq!(claimed.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn mails_of_a_clock_that_was_ahead_count_towards_no_limit() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("notification.db"), &Notification::SCHEMA).unwrap();
        let rates = RateLimits {
            per_recipient_and_hour: 1,
            per_minute: 1,
        };
        let claimed = db.write(move |tx| {
            let mut claimed = Vec::new();
            for (number, at) in [NOON + HOUR, NOON, NOON].into_iter().enumerate() {
                queue(tx, MailKind::RefundPaid, "ada@example.com", number, at)?;
                claimed.push(claim_mails(tx, at, 64, rates, &RULES)?.0.len());
            }
            Ok::<_, db::Error>(claimed)
        });
        assert_eq!(claimed.await.unwrap(), [1, 1, 0]);
    }
}
