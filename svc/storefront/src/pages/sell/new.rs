//! Creating a listing.

use std::fmt::Write;

use askama::Template;
use http::StatusCode;
use sha2::{Digest, Sha256};
use values::EventId;

use super::{
    address::path,
    entry::{Entry, add_refusal},
    zones::{CURRENCIES, ZONES},
};
use crate::{
    api_client::{
        ApiError,
        listings::{self, Offer},
    },
    forms::FieldErrors,
    frame::{Failure, Page, PageResult, Policy, Visit},
};

#[derive(Template)]
#[template(path = "sell/new.html")]
struct NewView {
    page: Page,
    entry: Entry,
    errors: FieldErrors,
    /// Makes a form that is sent twice create one listing.
    key: String,
    /// Title and price of a new listing can be changed.
    is_fixed: bool,
    /// The form was sent, but it is not known whether the listing was created.
    is_unavailable: bool,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    visit.show(&NewView {
        page: visit.page("sell-new-title"),
        entry: Entry::new(),
        errors: FieldErrors::default(),
        key: EventId::new(visit.now()).to_string(),
        is_fixed: false,
        is_unavailable: false,
    })
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let (page, entry) = (visit.page("sell-new-title"), Entry::of_form(&form));
    let mut errors = FieldErrors::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(offer) = entry.parse(&page, None, &mut errors) {
        match listings::create(visit.session(), &offer, &key(form.raw("key"), &offer)).await {
            Ok(listing) => return visit.redirect(&path(listing.ticket.id)),
            Err(ApiError::Refused(refusal)) if add_refusal(&page, &refusal, &mut errors) => status = refusal.status,
            Err(error) => match Failure::from(error) {
                Failure::Unavailable => status = StatusCode::SERVICE_UNAVAILABLE,
                failure => return Err(failure),
            },
        }
    }
    let view = NewView {
        entry,
        errors,
        key: form.raw("key").to_owned(),
        is_fixed: false,
        is_unavailable: status == StatusCode::SERVICE_UNAVAILABLE,
        page,
    };
    visit.show_with(status, &view, &Policy::default())
}

/// Returns the key of a listing: that of the form and its values. A form that is sent twice creates one listing; one that the
/// back button shows again, and that is sent with other values, creates another.
fn key(form: &str, offer: &Offer) -> String {
    // A struct of ours always serialises.
    let digest = Sha256::digest(serde_json::to_vec(offer).unwrap_or_default());
    let mut key = format!("{}.", form.chars().take(64).collect::<String>());
    for byte in digest.iter().take(16) {
        let _ = write!(key, "{byte:02x}");
    }
    key
}
