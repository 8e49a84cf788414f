//! An admission: the right of one person to enter the event of a listing once.

use events::VoidReason;
use values::{AdmissionId, OrderId, TicketId, Timestamp, UserId};

use super::codes::StoredCode;

values::text_enum! {
    /// The last change of an admission.
    pub(crate) enum AdmissionChange {
        Issued = "issued",
        Voided = "voided",
        Used = "used",
        Restored = "restored",
        Transferred = "transferred",
    }
}

/// An admission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Admission {
    state: AdmissionState,
}

/// The state of an admission as it is stored and published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AdmissionState {
    pub(crate) id: AdmissionId,
    pub(crate) order_id: OrderId,
    pub(crate) ticket_id: TicketId,
    pub(crate) seller_id: UserId,
    /// Which ticket of the order it is: 1, 2, 3 …
    pub(crate) number: u32,
    /// The number of tickets of the order.
    pub(crate) of: u32,
    pub(crate) holder_id: UserId,
    /// Its use, also while it is void.
    pub(crate) used: Option<AdmissionUse>,
    pub(crate) void: Option<VoidReason>,
    pub(crate) code: StoredCode,
    pub(crate) version: u64,
    pub(crate) change: AdmissionChange,
    pub(crate) issued_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// The use of an admission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AdmissionUse {
    /// When the code was scanned.
    pub(crate) at: Timestamp,
    /// The name of the door; `None` for the seller.
    pub(crate) door: Option<String>,
}

/// A sale that admissions follow: the newest state of a complete order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sale {
    pub(crate) order_id: OrderId,
    pub(crate) version: u64,
    pub(crate) ticket_id: TicketId,
    pub(crate) buyer_id: UserId,
    pub(crate) seller_id: UserId,
    pub(crate) quantity: u32,
    /// The number of refunded tickets.
    pub(crate) refunded: u32,
    /// Whether the charge was disputed and lost.
    pub(crate) is_lost: bool,
}

/// Why an admission cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotUse {
    #[error("the ticket was refunded")]
    Refunded,
    #[error("the payment of the ticket was disputed and lost")]
    Disputed,
    #[error("it was used before")]
    Used(AdmissionUse),
}

impl Admission {
    /// Issues the admission of one ticket of a sale.
    pub(crate) fn issue(sale: &Sale, id: AdmissionId, number: u32, code: StoredCode, now: Timestamp) -> Self {
        Self {
            state: AdmissionState {
                id,
                order_id: sale.order_id,
                ticket_id: sale.ticket_id,
                seller_id: sale.seller_id,
                number,
                of: sale.quantity,
                holder_id: sale.buyer_id,
                used: None,
                void: None,
                code,
                version: 1,
                change: AdmissionChange::Issued,
                issued_at: now,
                updated_at: now,
            },
        }
    }

    /// Rebuilds an admission from its stored or published state.
    pub(crate) fn from_state(state: AdmissionState) -> Self {
        Self { state }
    }

    /// Admits the holder.
    pub(crate) fn admit(&mut self, door: Option<String>, at: Timestamp, now: Timestamp) -> Result<(), CannotUse> {
        match (self.state.void, &self.state.used) {
            (Some(VoidReason::Refund), _) => Err(CannotUse::Refunded),
            (Some(VoidReason::Dispute), _) => Err(CannotUse::Disputed),
            (None, Some(used)) => Err(CannotUse::Used(used.clone())),
            (None, None) => {
                self.state.used = Some(AdmissionUse { at, door });
                self.touch(AdmissionChange::Used, now);
                Ok(())
            }
        }
    }

    /// Undoes the use. Returns whether there was one.
    pub(crate) fn undo_use(&mut self, now: Timestamp) -> bool {
        let is_used = self.state.void.is_none() && self.state.used.take().is_some();
        if is_used {
            self.touch(AdmissionChange::Restored, now);
        }
        is_used
    }

    /// Makes the admission void, or changes why it is.
    pub(crate) fn make_void(&mut self, reason: VoidReason, now: Timestamp) {
        self.state.void = Some(reason);
        self.touch(AdmissionChange::Voided, now);
    }

    /// Undoes the void: the admission is valid, or used if it was.
    pub(crate) fn restore(&mut self, now: Timestamp) {
        self.state.void = None;
        self.touch(AdmissionChange::Restored, now);
    }

    /// Gives the admission to another holder, with another code.
    pub(crate) fn transfer(&mut self, to: UserId, code: StoredCode, now: Timestamp) {
        self.state.holder_id = to;
        self.state.code = code;
        self.touch(AdmissionChange::Transferred, now);
    }

    fn touch(&mut self, change: AdmissionChange, now: Timestamp) {
        self.state.version += 1;
        self.state.change = change;
        // A clock that was set back does not make an admission younger.
        self.state.updated_at = now.max(self.state.updated_at);
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.state.void.is_none() && self.state.used.is_none()
    }

    pub(crate) fn id(&self) -> AdmissionId {
        self.state.id
    }

    /// Returns the whole state.
    pub(crate) fn state(&self) -> &AdmissionState {
        &self.state
    }
}
