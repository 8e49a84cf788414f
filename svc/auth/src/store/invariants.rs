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
        name: "no session is older than its account",
        sql: "SELECT s.id, s.started_at, u.created_at FROM sessions AS s JOIN users AS u ON u.id = s.user_id
              WHERE s.started_at < u.created_at",
    },
    Invariant {
        name: "the key of a sign-up that can be repeated is stored",
        sql: "SELECT session_id, kid FROM sign_up_keys WHERE kid NOT IN (SELECT kid FROM signing_keys)",
    },
];
