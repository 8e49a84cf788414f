//! What the operations answer, and why they refuse: with which statuses and headers.

use poem_openapi::{ApiResponse, payload::Json};
use problem::statuses;
use values::Timestamp;

use crate::{
    dto::TicketDto,
    listing::Listing,
    tag::{Condition, Tag},
};

/// A ticket may be kept by the client, but what is left of it changes at any time (RFC 9111, section 5.2.2.4).
const REVALIDATE: &str = "no-cache";

#[derive(ApiResponse)]
pub(crate) enum Created {
    /// The ticket is on sale.
    #[oai(status = 201)]
    Created(
        Json<TicketDto>,
        /// Where the ticket is.
        #[oai(header = "Location")]
        String,
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
#[expect(clippy::large_enum_variant, reason = "one lives as long as one answer takes")]
pub(crate) enum Read {
    /// The ticket.
    #[oai(status = 200)]
    Fresh(
        Json<TicketDto>,
        /// The state of the ticket, for `If-None-Match` and `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// `no-cache`: keep it, but ask before using it again.
        #[oai(header = "Cache-Control")]
        String,
    ),
    /// The ticket is as it was when the client saw the state of `If-None-Match`.
    #[oai(status = 304)]
    Seen(
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
        /// `no-cache`: keep it, but ask before using it again.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum Changed {
    /// The ticket as it is now.
    #[oai(status = 200)]
    Changed(
        Json<TicketDto>,
        /// The state of the ticket.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum Withdrawn {
    /// The ticket is withdrawn, now or before.
    #[oai(status = 204)]
    Withdrawn,
}

impl Created {
    pub(crate) fn of(listing: Listing, now: Timestamp) -> Self {
        let location = format!("/api/v1/tickets/{}", listing.id);
        let tag = Tag::of(&listing, now).to_string();
        Self::Created(Json(TicketDto::of(listing, now)), location, tag)
    }
}

impl Read {
    /// The listing, unless the client `has` this state of it.
    pub(crate) fn of(listing: Listing, has: Option<&Condition>, now: Timestamp) -> Self {
        let tag = Tag::of(&listing, now);
        if has.is_some_and(|has| has.has(tag)) {
            return Self::Seen(tag.to_string(), REVALIDATE.to_owned());
        }
        Self::Fresh(
            Json(TicketDto::of(listing, now)),
            tag.to_string(),
            REVALIDATE.to_owned(),
        )
    }
}

impl Changed {
    pub(crate) fn of(listing: Listing, now: Timestamp) -> Self {
        let tag = Tag::of(&listing, now).to_string();
        Self::Changed(Json(TicketDto::of(listing, now)), tag)
    }
}

statuses! {
    /// Why no ticket was put on sale.
    pub(crate) CreateTicketProblem {
        422 => "A field is missing, unknown or has a value that cannot be, or the idempotency key came with another body.",
    }
}

statuses! {
    /// Why no tickets are listed.
    pub(crate) ListTicketsProblem {
        400 => "A parameter is malformed, or the cursor belongs to another query; the answer names it.",
    }
}

statuses! {
    /// Why a ticket is not shown.
    pub(crate) GetTicketProblem {
        404 => "There is no such ticket.",
    }
}

statuses! {
    /// Why a ticket is not changed.
    pub(crate) ChangeTicketProblem {
        403 => "Only its seller can change a ticket.",
        404 => "There is no such ticket.",
        409 => "`ticket-withdrawn`, `ticket-reserved` or `quantity-reserved`: what is held and sold forbids the change.",
        412 => "It was changed since the state that If-Match names.",
    }
}

statuses! {
    /// Why a ticket is not withdrawn.
    pub(crate) WithdrawTicketProblem {
        403 => "Only its seller can withdraw a ticket.",
        404 => "There is no such ticket.",
        412 => "It was changed since the state that If-Match names.",
    }
}
