use values::UserId;

/// Somebody who signed up.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    /// As it was typed.
    pub(crate) email: String,
    /// Argon2id, as a PHC string.
    pub(crate) password_hash: String,
}
