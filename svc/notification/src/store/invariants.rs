//! What must be true of the database.

use db::admin::{Invariant, Scope};

/// The queries of `check`: each finds the rows that break an invariant.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "a mail that is not sent has a key, so that it is not requested again",
        sql: "SELECT m.id, m.key FROM mail m LEFT JOIN mail_key k ON k.key = m.key
              WHERE m.rowid BETWEEN ?1 AND ?2 AND m.state IN ('waiting', 'queued', 'sending') AND k.key IS NULL",
        scope: Scope::Row("mail"),
    },
    Invariant {
        name: "a deleted account has no mail but the one that confirms it",
        sql: "SELECT m.id, m.kind, m.account_id FROM mail m CROSS JOIN account a ON a.id = m.account_id
              WHERE m.rowid BETWEEN ?1 AND ?2 AND a.status = 'deleted' AND m.kind <> 'account-deleted'
                AND m.address IS NOT NULL",
        scope: Scope::Row("mail"),
    },
];
