use values::{Timestamp, UserId};

use super::profile::Profile;

/// A sign-up that was answered without revealing whether the address has an account. It becomes one when the address is
/// confirmed.
#[derive(Clone)]
pub(crate) struct PendingSignUp {
    /// The account that it may become.
    pub(crate) user_id: UserId,
    /// The email address as it was typed.
    pub(crate) email: String,
    /// Argon2id, as a PHC string.
    pub(crate) password_hash: String,
    pub(crate) profile: Profile,
    pub(crate) expires_at: Timestamp,
}
