//! Withdrawing a listing, after its consequences are shown.

use askama::Template;
use http::StatusCode;

use super::address::{listing_id, path};
use crate::{
    api_client::{
        listings::{self, Listing},
        tickets::TicketStatus,
    },
    frame::{Page, PageResult, Policy, Visit},
};

#[derive(Template)]
#[template(path = "sell/withdraw.html")]
struct WithdrawView {
    page: Page,
    path: String,
    listing: Listing,
    /// The listing was changed after its consequences were shown.
    is_stale: bool,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    respond(&visit, StatusCode::OK).await
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    let form = visit.form().await?;
    match listings::withdraw(visit.session(), id, form.raw("etag")).await {
        Ok(()) => visit.redirect(&path(id)),
        Err(error) if error.is_status(StatusCode::PRECONDITION_FAILED) => respond(&visit, StatusCode::CONFLICT).await,
        Err(error) => Err(error.into()),
    }
}

async fn respond(visit: &Visit, status: StatusCode) -> PageResult {
    let id = listing_id(visit)?;
    let listing = listings::own(visit.session(), id).await?;
    if listing.ticket.status == TicketStatus::Withdrawn {
        return visit.redirect(&path(id));
    }
    let view = WithdrawView {
        page: visit.page("sell-withdraw-title").about(&listing.ticket.title),
        path: path(id),
        listing,
        is_stale: status != StatusCode::OK,
    };
    visit.show_with(status, &view, &Policy::default())
}
