//! Conditions of the notification service: its replicas, and a mail for every state that causes one. A query returns one text
//! per violation.

use super::report::Check;

/// The states of other services that cause a mail, by the key of the mail. Links of the auth service and transfers are not
/// among them: the keys of their mails are not derived from a stored state.
pub(super) const CAUSES: &str = r#"
CREATE TEMP VIEW mail_cause AS
SELECT 'order-confirmed ' || id AS key, buyer_id AS account_id FROM "order"."order" WHERE status = 'complete'
UNION ALL SELECT 'order-expired ' || id, buyer_id FROM "order"."order" WHERE cancel_reason = 'expired'
UNION ALL SELECT 'refund-requested ' || r.id, r.seller_id FROM "order".refund r WHERE r.status = 'requested'
UNION ALL SELECT format('refund-%s %s', r.status, r.id), o.buyer_id
    FROM "order".refund r JOIN "order"."order" o ON o.id = r.order_id WHERE r.status IN ('paid', 'failed', 'declined')
-- Buyers whose tickets were refunded before the withdrawal was consumed have no mail about it.
UNION SELECT format('listing-withdrawn %s %s', o.ticket_id, o.buyer_id), o.buyer_id
    FROM "order"."order" o JOIN ticket.listing l ON l.id = o.ticket_id AND l.withdrawn_at IS NOT NULL
    WHERE o.status = 'complete' AND o.refunded_quantity < o.quantity;
"#;

pub(super) const ALL: &[Check] = &[
    Check {
        name: "The accounts of the notification service equal those of the auth service",
        sql: "SELECT format('account %s: %s %s here, %s %s there', coalesce(u.id, a.id), u.status, u.version, a.status,
                  a.version)
              FROM auth.users u FULL JOIN notification.account a ON a.id = u.id
              WHERE (u.version, u.status, iif(u.status = 'deleted', NULL, u.email),
                      iif(u.status = 'deleted', NULL, u.name), u.language, u.email_confirmed_at)
                  IS NOT (a.version, a.status, a.email, a.name, a.language, a.email_confirmed_at)",
    },
    Check {
        name: "The listings of the notification service equal those of the ticket service",
        sql: "SELECT format('listing %s: version %s here, %s there', coalesce(t.id, n.id), t.version, n.version)
              FROM ticket.listing t FULL JOIN notification.listing n ON n.id = t.id
              WHERE (t.version, t.title, t.venue, t.time_zone, t.starts_at, t.withdrawn_at)
                  IS NOT (n.version, n.title, n.venue, n.time_zone, n.starts_at, n.withdrawn_at)",
    },
    Check {
        name: "The orders of the notification service equal those of the order service that have ended",
        sql: r#"SELECT format('order %s: %s %s here, %s %s there', coalesce(o.id, s.order_id), o.status, o.version,
                    s.status, s.version)
                FROM (SELECT * FROM "order"."order" WHERE status IN ('complete', 'cancelled')) o
                    FULL JOIN notification.sale s ON s.order_id = o.id
                WHERE (o.version, o.status, o.cancel_reason, o.buyer_id, o.ticket_id, o.quantity, o.refunded_quantity,
                        o.amount * o.quantity, o.currency)
                    IS NOT (s.version, s.status, s.cancel_reason, s.buyer_id, s.ticket_id, s.quantity, s.refunded,
                        s.amount, s.currency)"#,
    },
    Check {
        // The use of an admission is its last change that is not published to the notification service.
        name: "The admissions of the notification service equal those of the ticket service",
        sql: "SELECT format('admission %s: %s %s here, %s %s there', coalesce(t.id, n.id), t.state, t.version, n.state,
                  n.version)
              FROM ticket.admission t FULL JOIN notification.admission n ON n.id = t.id
              WHERE (t.version - (t.change = 'used'), iif(t.change = 'used', 'valid', t.state), t.order_id, t.ticket_id,
                      t.number, t.of, t.holder_id)
                  IS NOT (n.version, n.state, n.order_id, n.ticket_id, n.number, n.of_number, n.holder_id)",
    },
    Check {
        name: "Every state that causes a mail has caused one, to its account",
        sql: "SELECT format('%d mails %s to %s', count(m.id), c.key, c.account_id)
              FROM mail_cause c LEFT JOIN notification.mail m ON m.key = c.key AND m.account_id = c.account_id
              GROUP BY c.key HAVING count(m.id) <> 1",
    },
    Check {
        name: "Every mail about an order has its own cause",
        sql: "SELECT format('mail %s %s to %s is %s', id, key, account_id, state) FROM notification.mail
              WHERE kind IN ('order-confirmed', 'order-expired', 'refund-paid', 'refund-failed', 'refund-declined')
                  AND key NOT IN (SELECT key FROM mail_cause)",
    },
    Check {
        // The tickets may be refunded by now. The load transfers none.
        name: "Every mail about a withdrawal is to a buyer of the listing",
        sql: r#"SELECT format('mail %s %s to %s', m.id, m.key, m.account_id) FROM notification.mail m
                WHERE m.kind = 'listing-withdrawn' AND NOT EXISTS (
                    SELECT * FROM "order"."order" o JOIN ticket.listing l ON l.id = o.ticket_id
                    WHERE o.buyer_id = m.account_id AND o.status = 'complete' AND l.withdrawn_at IS NOT NULL
                        AND m.key = format('listing-withdrawn %s %s', l.id, o.buyer_id))"#,
    },
    Check {
        name: "Every link of the auth service was mailed once",
        sql: "SELECT format('%d mails %s to %s for %d links', count(m.id), l.purpose, l.user_id, l.links)
              FROM (SELECT user_id, purpose, expires_at, count(*) AS links FROM auth.mail_links GROUP BY 1, 2, 3) l
                  LEFT JOIN notification.mail m ON m.account_id = l.user_id AND m.kind = l.purpose
                      AND m.expires_at = l.expires_at
              GROUP BY l.user_id, l.purpose, l.expires_at HAVING count(m.id) <> l.links",
    },
    Check {
        // A mail without an attempt that is due later is postponed by a rate limit.
        name: "No mail is left unsent",
        sql: "SELECT format('mail %s %s is %s after %d attempts: %s', id, key, state, attempts, reason)
              FROM notification.mail
              WHERE state IN ('waiting', 'sending', 'undelivered')
                  OR state = 'queued' AND (attempts > 0 OR due_at <= unixepoch('subsec') * 1000)",
    },
    Check {
        name: "No mail is superseded that its recipient needs",
        sql: "SELECT format('mail %s %s is superseded: %s', m.id, m.key, m.reason) FROM notification.mail m
              WHERE m.state = 'superseded'
                  AND (m.kind IN ('order-expired', 'refund-paid', 'refund-failed', 'refund-declined', 'listing-withdrawn')
                      OR m.kind = 'order-confirmed' AND EXISTS (SELECT * FROM ticket.admission a
                          WHERE a.order_id = m.order_id AND a.holder_id = m.account_id AND a.void_reason IS NULL))",
    },
    Check {
        name: "The mails about every withdrawal are requested",
        sql: "SELECT format('listing %s: requested up to order %s', id, notified_up_to) FROM notification.listing
              WHERE notified_up_to IS NOT NULL",
    },
];
