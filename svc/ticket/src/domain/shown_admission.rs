use values::UserId;

use super::{admission::Admission, transfer::OpenOffer};

/// An admission as its holder, its buyer and the seller see it.
#[derive(Clone, Debug)]
pub(crate) struct ShownAdmission {
    pub(crate) admission: Admission,
    /// The name and the email address of the holder, as far as they are known.
    pub(crate) holder_name: Option<String>,
    pub(crate) holder_email: Option<String>,
    pub(crate) buyer_id: UserId,
    /// Its place in the order of issue.
    pub(crate) row: i64,
    /// The offer to somebody else, whose time may be over.
    pub(crate) offer: Option<OpenOffer>,
}

impl ShownAdmission {
    /// Whether a user may see it: its holder, and the buyer of its order.
    pub(crate) fn is_visible_to(&self, user: UserId) -> bool {
        self.is_held_by(user) || self.buyer_id == user
    }

    /// Returns the name of the holder, or else the address: for the holder, and for those who admit the holder.
    pub(crate) fn holder(&self) -> Option<String> {
        self.holder_name.clone().or_else(|| self.holder_email.clone())
    }

    /// Whether a user may see its code.
    pub(crate) fn is_held_by(&self, user: UserId) -> bool {
        self.admission.state().holder_id == user
    }
}
