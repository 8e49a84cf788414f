//! Changing a listing.

use askama::Template;
use http::StatusCode;
use values::TicketId;

use super::{
    address::{listing_id, path},
    differences::{Difference, differences},
    entry::{Entry, add_refusal},
    zones::{CURRENCIES, ZONES},
};
use crate::{
    api_client::{
        ApiError,
        listings::{self, Listing},
        tickets::TicketStatus,
    },
    forms::FieldErrors,
    frame::{Failure, Page, PageResult, Policy, Visit},
};

#[derive(Template)]
#[template(path = "sell/edit.html")]
struct EditView {
    page: Page,
    path: String,
    title: String,
    entry: Entry,
    errors: FieldErrors,
    /// The version that the form changes.
    etag: String,
    /// Tickets are held or sold, so title and price cannot be changed.
    is_fixed: bool,
    /// How the listing differs from the form, after it was changed elsewhere meanwhile.
    stale: Option<Vec<Difference>>,
    /// The form was sent, but it is not known whether it is saved.
    is_unavailable: bool,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    let listing = listings::own(visit.session(), id).await?;
    if listing.ticket.status == TicketStatus::Withdrawn {
        return visit.redirect(&path(id));
    }
    let entry = Entry::of_ticket(&listing.ticket);
    let page = visit.page("sell-edit-title").about(&listing.ticket.title);
    visit.show(&view(
        page,
        &listing,
        entry,
        FieldErrors::default(),
        listing.etag.clone(),
    ))
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    let form = visit.form().await?;
    let (entry, etag) = (Entry::of_form(&form), form.raw("etag").to_owned());
    let listing = match listings::own(visit.session(), id).await.map_err(Failure::from) {
        Ok(listing) => listing,
        Err(Failure::Unavailable) => return without_listing(&visit, id, entry, etag),
        Err(failure) => return Err(failure),
    };
    let page = visit.page("sell-edit-title").about(&listing.ticket.title);
    let mut errors = FieldErrors::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(offer) = entry.parse(&page, Some(&listing.ticket), &mut errors) {
        match listings::change(visit.session(), id, &offer, &etag).await {
            Ok(_) => return visit.redirect(&path(id)),
            Err(ApiError::Refused(refusal)) if refusal.kind == "ticket-withdrawn" => {
                return visit.redirect(&path(id));
            }
            Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::PRECONDITION_FAILED => {
                let listing = listings::get(visit.session(), id).await?;
                let stale = differences(&page, &entry, &Entry::of_ticket(&listing.ticket));
                let view = EditView {
                    stale: Some(stale),
                    ..view(page, &listing, entry, errors, listing.etag.clone())
                };
                return visit.show_with(StatusCode::CONFLICT, &view, &Policy::default());
            }
            Err(ApiError::Refused(refusal)) if add_refusal(&page, &refusal, &mut errors) => status = refusal.status,
            Err(error) => match Failure::from(error) {
                Failure::Unavailable => status = StatusCode::SERVICE_UNAVAILABLE,
                failure => return Err(failure),
            },
        }
    }
    let view = EditView {
        is_unavailable: status == StatusCode::SERVICE_UNAVAILABLE,
        ..view(page, &listing, entry, errors, etag)
    };
    visit.show_with(status, &view, &Policy::default())
}

/// Shows the form again while the ticket service does not respond: with the title that was entered, and all fields open.
fn without_listing(visit: &Visit, id: TicketId, entry: Entry, etag: String) -> PageResult {
    let view = EditView {
        page: visit.page("sell-edit-title").about(&entry.title),
        path: path(id),
        title: entry.title.clone(),
        entry,
        errors: FieldErrors::default(),
        etag,
        is_fixed: false,
        stale: None,
        is_unavailable: true,
    };
    visit.show_with(StatusCode::SERVICE_UNAVAILABLE, &view, &Policy::default())
}

fn view(page: Page, listing: &Listing, entry: Entry, errors: FieldErrors, etag: String) -> EditView {
    EditView {
        path: path(listing.ticket.id),
        title: listing.ticket.title.clone(),
        is_fixed: is_fixed(listing),
        entry,
        errors,
        etag,
        stale: None,
        is_unavailable: false,
        page,
    }
}

fn is_fixed(listing: &Listing) -> bool {
    listing.ticket.held + listing.ticket.sold > 0
}
