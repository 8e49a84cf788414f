use values::{Timestamp, UserId};

use super::link::LinkHash;

/// A change of an account's address, which waits until it is confirmed at both: the current and the new one.
#[derive(Clone)]
pub(crate) struct EmailChange {
    pub(crate) user_id: UserId,
    /// The new address as it was typed.
    pub(crate) email: String,
    /// The hash of the token that was sent to the current address, until it is used.
    pub(crate) approve_hash: Option<LinkHash>,
    /// The hash of the token that was sent to the new address, until it is used.
    pub(crate) confirm_hash: Option<LinkHash>,
    pub(crate) expires_at: Timestamp,
}

impl EmailChange {
    /// Uses the token with this hash. Returns whether the change is confirmed at both addresses.
    pub(crate) fn confirm(&mut self, hash: LinkHash) -> bool {
        for sent in [&mut self.approve_hash, &mut self.confirm_hash] {
            if *sent == Some(hash) {
                *sent = None;
            }
        }
        self.approve_hash.is_none() && self.confirm_hash.is_none()
    }
}
