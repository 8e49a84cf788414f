//! The replicas of other services' aggregates, as far as mails need them.

use events::{AccountStatus, AdmissionState, CancelReason, OrderStatus};
use values::{AdmissionId, Language, Money, OrderId, TicketId, Timestamp, UserId};

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Account {
    pub(crate) id: UserId,
    pub(crate) version: u64,
    pub(crate) status: AccountStatus,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) language: Language,
    pub(crate) email_confirmed_at: Option<Timestamp>,
}

/// A listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listing {
    pub(crate) id: TicketId,
    pub(crate) version: u64,
    pub(crate) title: String,
    pub(crate) venue: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) withdrawn_at: Option<Timestamp>,
}

/// An order that was paid or has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sale {
    pub(crate) order_id: OrderId,
    pub(crate) version: u64,
    pub(crate) status: OrderStatus,
    pub(crate) cancel_reason: Option<CancelReason>,
    pub(crate) buyer_id: UserId,
    pub(crate) ticket_id: TicketId,
    pub(crate) quantity: u32,
    pub(crate) refunded: u32,
    pub(crate) total: Money,
}

/// An admission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Admission {
    pub(crate) id: AdmissionId,
    pub(crate) version: u64,
    pub(crate) order_id: OrderId,
    pub(crate) ticket_id: TicketId,
    pub(crate) number: u32,
    pub(crate) of: u32,
    pub(crate) holder_id: UserId,
    pub(crate) state: AdmissionState,
    pub(crate) sealed_code: String,
}

impl From<&events::Account> for Account {
    fn from(account: &events::Account) -> Self {
        let is_deleted = account.status == AccountStatus::Deleted;
        Self {
            id: account.id,
            version: account.version,
            status: account.status,
            email: account.email.clone().filter(|_| !is_deleted),
            name: account.name.clone().filter(|_| !is_deleted),
            language: account.language,
            email_confirmed_at: account.email_confirmed_at,
        }
    }
}

impl From<&events::Ticket> for Listing {
    fn from(ticket: &events::Ticket) -> Self {
        // Releases up to 0.1 published the venue in the record alone.
        let recorded = ticket.record.as_ref().and_then(|record| record.venue.clone());
        Self {
            id: ticket.id,
            version: ticket.version,
            title: ticket.title.clone(),
            venue: ticket.venue.clone().or(recorded),
            time_zone: ticket.time_zone.clone(),
            starts_at: ticket.starts_at,
            withdrawn_at: ticket.withdrawn_at,
        }
    }
}

impl From<&events::Order> for Sale {
    fn from(order: &events::Order) -> Self {
        let refunded = order.after_sale.as_ref().map_or(0, |after| after.refunded_quantity);
        Self {
            order_id: order.id,
            version: order.version,
            status: order.status,
            cancel_reason: order.cancel_reason,
            buyer_id: order.buyer_id,
            ticket_id: order.ticket_id,
            quantity: order.quantity,
            refunded: refunded.min(order.quantity),
            total: order.total,
        }
    }
}

impl From<&events::Admission> for Admission {
    fn from(admission: &events::Admission) -> Self {
        Self {
            id: admission.id,
            version: admission.version,
            order_id: admission.order_id,
            ticket_id: admission.ticket_id,
            number: admission.number,
            of: admission.of,
            holder_id: admission.holder_id,
            state: admission.state,
            sealed_code: admission.sealed_code.clone(),
        }
    }
}

impl Sale {
    /// Whether the buyer has tickets.
    pub(crate) fn has_tickets(&self) -> bool {
        self.status == OrderStatus::Complete && self.refunded < self.quantity
    }
}
