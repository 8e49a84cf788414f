//! The picture of a listing.

use askama::Template;
use http::StatusCode;
use values::TicketId;

use super::address::{listing_id, path};
use crate::{
    api_client::{
        ApiError, Refusal,
        listings::{self, Listing},
        tickets::TicketStatus,
    },
    forms::{FieldErrors, FormError, read_file},
    frame::{Failure, Page, PageResult, Policy, Visit},
};

#[derive(Template)]
#[template(path = "sell/image.html")]
struct ImageView {
    page: Page,
    path: String,
    listing: Listing,
    errors: FieldErrors,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let listing = listings::own(visit.session(), listing_id(&visit)?).await?;
    respond(&visit, listing, StatusCode::OK, None)
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    // Nobody else's file is received.
    let listing = listings::own(visit.session(), id).await?;
    let file = match read_file(visit.headers(), visit.body(), "image").await {
        Ok(file) => file,
        Err(FormError::Malformed) => return Err(Failure::Malformed),
        Err(FormError::TooLarge) => {
            let (status, text) = (StatusCode::PAYLOAD_TOO_LARGE, "sell-image-too-large");
            return respond(&visit, listing, status, Some(text));
        }
    };
    let Some(media_type) = media_type(&file) else {
        let text = if file.is_empty() {
            "sell-image-missing"
        } else {
            "sell-image-format"
        };
        return respond(&visit, listing, StatusCode::UNPROCESSABLE_ENTITY, Some(text));
    };
    match listings::set_image(visit.session(), id, media_type, file).await {
        Ok(()) => visit.redirect(&format!("{}/image", path(id))),
        Err(ApiError::Refused(refusal)) => refused(&visit, id, listing, *refusal),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn remove(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    listings::remove_image(visit.session(), id).await?;
    visit.redirect(&format!("{}/image", path(id)))
}

/// Redirects to the page of the picture, after a reload or after signing in.
pub(crate) async fn back(visit: Visit) -> PageResult {
    let id: TicketId = visit.parameter("id")?;
    visit.redirect(&format!("{}/image", path(id)))
}

fn refused(visit: &Visit, id: TicketId, listing: Listing, refusal: Refusal) -> PageResult {
    let text = match (refusal.kind.as_str(), refusal.status) {
        ("ticket-withdrawn", _) => return visit.redirect(&path(id)),
        ("image-limit", _) => "sell-image-limit",
        ("invalid-image", _) => "sell-image-damaged",
        (_, StatusCode::PAYLOAD_TOO_LARGE) => "sell-image-too-large",
        (_, StatusCode::UNSUPPORTED_MEDIA_TYPE) => "sell-image-format",
        (_, StatusCode::TOO_MANY_REQUESTS) => "sell-image-busy",
        _ => return Err(ApiError::Refused(Box::new(refusal)).into()),
    };
    respond(visit, listing, refusal.status, Some(text))
}

fn respond(visit: &Visit, listing: Listing, status: StatusCode, error: Option<&'static str>) -> PageResult {
    let path = path(listing.ticket.id);
    if listing.ticket.status == TicketStatus::Withdrawn {
        return visit.redirect(&path);
    }
    let page = visit.page("sell-image-title").about(&listing.ticket.title);
    let mut errors = FieldErrors::default();
    if let Some(error) = error {
        errors.add("image", page.text(error));
    }
    let view = ImageView {
        page,
        path,
        listing,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}

/// Returns the type of a picture by its first bytes: that which a browser states goes by the name of the file.
fn media_type(file: &[u8]) -> Option<&'static str> {
    match file {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}
