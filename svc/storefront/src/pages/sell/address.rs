//! The addresses of listings for their seller.

use values::TicketId;

use crate::frame::{Failure, PageResult, Visit};

/// Redirects to the page of a listing: the address of its forms is requested again after a reload, or after signing in.
pub(super) async fn back(visit: Visit) -> PageResult {
    let id: TicketId = visit.parameter("id")?;
    visit.redirect(&path(id))
}

/// Returns the path of the sales of a listing.
pub(super) fn path(id: TicketId) -> String {
    format!("/sell/{id}")
}

/// Returns the listing of the path, once the person seems to be signed in.
pub(super) fn listing_id(visit: &Visit) -> Result<TicketId, Failure> {
    visit.require_sign_in()?;
    visit.parameter("id")
}

/// Returns the path of a page of a list.
pub(super) fn path_at(path: &str, cursor: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("cursor", cursor)
        .finish();
    format!("{path}{separator}{query}")
}
