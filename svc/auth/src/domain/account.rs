use values::{SessionId, Timestamp, UserId};

/// An account.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    /// The email address as it was typed at sign-up.
    pub(crate) email: String,
    /// Argon2id, as a PHC string.
    pub(crate) password_hash: String,
}

/// The sign-up of an `Idempotency-Key`. Its tokens are derived from this, so they are not stored.
pub(crate) struct SignUpRecord {
    pub(crate) session_id: SessionId,
    /// The id of the key that signed the access token.
    pub(crate) kid: String,
    /// The time at which it was signed.
    pub(crate) signed_at: Timestamp,
}
