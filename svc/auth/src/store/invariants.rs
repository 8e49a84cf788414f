use db::admin::Invariant;

/// The invariants that `check` verifies.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "one key signs",
        sql: "SELECT count(*) AS keys, count(*) FILTER (WHERE retired_at IS NULL) AS signing FROM signing_keys
              HAVING keys > 0 AND signing <> 1",
    },
    Invariant {
        name: "sessions have a refresh key",
        sql: "SELECT count(*) AS sessions FROM sessions HAVING sessions > 0 AND NOT EXISTS (SELECT 1 FROM refresh_key)",
    },
    Invariant {
        // Times of different rows are not compared: the clock may have been set back between them.
        name: "a session that was refreshed counts it",
        sql: "SELECT id, generation, refreshed_at FROM sessions WHERE generation = 0 AND refreshed_at IS NOT NULL",
    },
    Invariant {
        name: "the key of a sign-up that can be repeated is stored",
        sql: "SELECT session_id, kid FROM sign_up_keys WHERE kid NOT IN (SELECT kid FROM signing_keys)",
    },
];
