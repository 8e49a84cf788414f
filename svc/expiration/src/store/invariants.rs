use db::admin::{Invariant, Part, Scope, Sums};

/// Conditions on all rows of the database. Each statement returns the rows that violate its condition.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        // Both are RFC 3339 texts with milliseconds in UTC, which sort by time.
        name: "no deadline is announced before it has passed",
        sql:
            "SELECT event_id, body ->> '$.subject' AS order_id FROM outbox
              WHERE event_type = 'ticketing.expiration.completed.v1' AND body ->> '$.time' < body ->> '$.data.deadline'",
        scope: Scope::Whole,
    },
    Invariant {
        name: "a timer has a stopping status exactly when it is stopped",
        sql: "SELECT order_id, state, stopped_by FROM timer WHERE (state = 'stopped') <> (stopped_by IS NOT NULL)",
        scope: Scope::Key(Sums {
            parts: &[Part {
                table: "timer",
                key: &["order_id"],
                numbers: &["(state = 'stopped') <> (stopped_by IS NOT NULL)"],
            }],
            of_key: Some(
                "SELECT order_id, state, stopped_by FROM timer
                 WHERE order_id = ?1 AND (state = 'stopped') <> (stopped_by IS NOT NULL)",
            ),
        }),
    },
    Invariant {
        name: "no order waits for a deadline that was announced",
        sql: "SELECT o.event_id, o.body ->> '$.subject' AS order_id FROM outbox o
              WHERE o.event_type = 'ticketing.expiration.completed.v1' AND NOT EXISTS (
                  SELECT 1 FROM timer t WHERE t.order_id = o.body ->> '$.subject'
                  AND (t.state <> 'pending' OR t.order_version > o.body ->> '$.data.version'))",
        scope: Scope::Whole,
    },
];
