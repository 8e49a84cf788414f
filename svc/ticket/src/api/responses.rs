//! Responses of the operations: statuses and headers.

use poem_openapi::{ApiResponse, payload::Json};
use problem::problem_responses;
use sale_limits::SaleLimits;
use values::Timestamp;

use super::{cached_reads::RenderedTicket, rendered::Rendered, views::TicketView};
use crate::domain::{EntityTag, EntityTagCondition, Listing};

/// Clients may store a ticket but must revalidate it, since its availability changes at any time (RFC 9111, section
/// 5.2.2.4).
const CACHE_CONTROL: &str = "no-cache";

#[derive(ApiResponse)]
pub(crate) enum TicketCreated {
    /// The ticket is on sale.
    #[oai(status = 201)]
    Created(
        Json<TicketView>,
        /// The path of the ticket.
        #[oai(header = "Location")]
        String,
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum TicketRead {
    /// The ticket.
    #[oai(status = 200)]
    Modified(
        Rendered<TicketView>,
        /// The state of the ticket, for `If-None-Match` and `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// `no-cache`: store it, but revalidate it before each use.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The ticket is in the state that `If-None-Match` names.
    #[oai(status = 304)]
    NotModified(
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
        /// `no-cache`: store it, but revalidate it before each use.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum TicketChanged {
    /// The changed ticket.
    #[oai(status = 200)]
    Changed(
        Json<TicketView>,
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum TicketWithdrawn {
    /// The ticket is withdrawn.
    #[oai(status = 204)]
    Withdrawn,
}

impl TicketCreated {
    pub(crate) fn new(listing: Listing, limits: SaleLimits, now: Timestamp) -> Self {
        let location = format!("/api/v1/tickets/{}", listing.id());
        let tag = EntityTag::new(&listing, limits, now).to_string();
        Self::Created(Json(TicketView::single(listing, limits, now)), location, tag)
    }
}

impl TicketRead {
    /// Returns the ticket, or 304 if the client has its state.
    pub(crate) fn new(ticket: RenderedTicket, known: Option<&EntityTagCondition>) -> Self {
        let cache_control = CACHE_CONTROL.to_owned();
        if known.is_some_and(|known| known.matches(&ticket.tag)) {
            Self::NotModified(ticket.tag, cache_control)
        } else {
            Self::Modified(ticket.body, ticket.tag, cache_control)
        }
    }
}

impl TicketChanged {
    pub(crate) fn new(listing: Listing, limits: SaleLimits, now: Timestamp) -> Self {
        let tag = EntityTag::new(&listing, limits, now).to_string();
        Self::Changed(Json(TicketView::single(listing, limits, now)), tag)
    }
}

problem_responses! {
    /// Why a ticket was not created.
    pub(crate) CreateTicketProblem {
        403 => "`address-not-confirmed`, or a cookie came with a write from another site.",
        409 => "`account-closing`: you have requested the deletion of your account.",
        422 => "A field is missing, unknown or invalid, or the idempotency key was used with another body.",
    }
}

problem_responses! {
    /// Why tickets are not listed.
    pub(crate) ListTicketsProblem {
        400 => "A parameter is malformed, or the cursor belongs to another query; the response names it.",
        401 => "`seller=me` or `state=withdrawn`, and not signed in.",
        403 => "Only their seller finds withdrawn tickets.",
    }
}

problem_responses! {
    /// Why a ticket is not shown.
    pub(crate) GetTicketProblem {
        404 => "There is no such ticket.",
    }
}

problem_responses! {
    /// Why a ticket is not changed.
    pub(crate) ChangeTicketProblem {
        403 => "Only its seller can change a ticket.",
        404 => "There is no such ticket.",
        409 => "`ticket-withdrawn`, `ticket-reserved` or `quantity-reserved`: the tickets held and sold do not allow the change. \
                `account-closing`: you have requested the deletion of your account.",
        412 => "The ticket was changed since the state that If-Match names.",
    }
}

problem_responses! {
    /// Why a ticket is not withdrawn.
    pub(crate) WithdrawTicketProblem {
        403 => "Only its seller can withdraw a ticket.",
        404 => "There is no such ticket.",
        409 => "`account-closing`: you have requested the deletion of your account.",
        412 => "The ticket was changed since the state that If-Match names.",
    }
}
