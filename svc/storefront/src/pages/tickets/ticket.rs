//! A ticket with its code.

use askama::Template;
use http::{HeaderValue, StatusCode, header};
use localization::TimeZone;
use values::{AdmissionId, EventId, Timestamp};

use super::state;
use crate::{
    api_client::{
        Anonymous,
        admissions::{self, Admission},
        tickets::{self, Ticket, TicketStatus},
    },
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, Visit},
};

#[derive(Template)]
#[template(path = "tickets/ticket.html")]
struct TicketView {
    page: Page,
    admission: Admission,
    /// Without it, where it cannot be had, the page shows less.
    listing: Option<Ticket>,
    title: String,
    zone: TimeZone,
    /// The id of the text of the state, and its class.
    badge: (&'static str, &'static str),
    explanation: Option<&'static str>,
    give: GiveForm,
    /// The key of the form that offers the ticket.
    key: String,
}

/// The form that offers the ticket to somebody else, as it was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct GiveForm {
    pub(super) email: String,
    pub(super) errors: FieldErrors,
    /// The id of the text that says why it was refused.
    pub(super) notice: Option<&'static str>,
}

impl TicketView {
    fn starts_at(&self) -> Option<Timestamp> {
        self.listing.as_ref().and_then(|listing| listing.starts_at)
    }

    /// Whether the ticket can be given to somebody else, as far as the page knows.
    fn can_be_given(&self) -> bool {
        let has_begun = matches!(
            self.listing.as_ref().map(|listing| listing.status),
            Some(TicketStatus::Begun | TicketStatus::Withdrawn)
        );
        self.admission.code.is_some() && !has_begun
    }
}

pub(super) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    respond(&visit, visit.parameter("id")?, StatusCode::OK, GiveForm::default()).await
}

/// Responds with the page of a ticket.
pub(super) async fn respond(visit: &Visit, id: AdmissionId, status: StatusCode, give: GiveForm) -> PageResult {
    let admission = admissions::get(visit.session(), id).await?;
    let listing = tickets::get(&Anonymous(&visit.app().api), admission.ticket_id)
        .await
        .ok();
    let mut page = visit.page("ticket-title");
    let title = match &listing {
        Some(listing) => listing.title.clone(),
        None => page.text("ticket-unnamed").to_string(),
    };
    page.title.clone_from(&title);
    let view = TicketView {
        page,
        zone: listing.as_ref().map_or(TimeZone::UTC, Ticket::zone),
        title,
        badge: state::badge(&admission),
        explanation: state::explanation(&admission),
        give,
        key: EventId::new(visit.now()).to_string(),
        listing,
        admission,
    };
    let mut response = visit.show_with(status, &view, &Policy::default())?;
    // The page has a code.
    let no_store = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}
