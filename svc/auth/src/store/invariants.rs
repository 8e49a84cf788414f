use db::admin::{Invariant, Scope};

/// The invariants that `check` verifies.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "one key signs",
        sql: "SELECT count(*) AS keys, count(*) FILTER (WHERE retired_at IS NULL) AS signing FROM signing_keys
              HAVING keys > 0 AND signing <> 1",
        scope: Scope::Whole,
    },
    Invariant {
        name: "sessions have a refresh key",
        sql: "SELECT id FROM sessions WHERE NOT EXISTS (SELECT 1 FROM refresh_key) LIMIT 1",
        scope: Scope::Whole,
    },
    Invariant {
        // Times of different rows are not compared: the clock may have been set back between them.
        name: "a session that was refreshed counts it",
        sql: "SELECT id, generation, refreshed_at FROM sessions
              WHERE rowid BETWEEN ?1 AND ?2 AND generation = 0 AND refreshed_at IS NOT NULL",
        scope: Scope::Row("sessions"),
    },
    Invariant {
        name: "the key of a sign-up that can be repeated is stored",
        sql: "SELECT session_id, kid FROM sign_up_keys WHERE kid NOT IN (SELECT kid FROM signing_keys)",
        scope: Scope::Whole,
    },
];
