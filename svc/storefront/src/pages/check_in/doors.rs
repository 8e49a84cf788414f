//! The doors of a listing, for its seller.

use std::time::Duration;

use askama::Template;
use http::{HeaderValue, StatusCode, header};
use localization::{TimeZone, local_date_time, parse_local_date_time};
use values::{DoorId, TicketId, Timestamp};

use super::keys::{key_with, new_key};
use crate::{
    api_client::{
        Anonymous, ApiError, Refusal,
        check_ins::{self, Door},
        tickets::{self, Ticket},
    },
    forms::FieldErrors,
    frame::{Failure, Page, PageResult, Policy, Visit},
};

/// How long after the start of an event a new door is open, unless the seller enters something else.
const OPEN_AFTER_START: Duration = Duration::from_hours(12);

/// The longest time that is suggested: a token is valid for a year at most.
const LONGEST_SUGGESTION: Duration = Duration::from_hours(360 * 24);

#[derive(Template)]
#[template(path = "check_in/doors.html")]
struct DoorsView {
    page: Page,
    id: TicketId,
    title: String,
    zone: TimeZone,
    now: Timestamp,
    doors: Vec<Door>,
    /// The name and the address of a new door.
    created: Option<(String, String)>,
    name: String,
    expires_at: String,
    errors: FieldErrors,
    key: String,
}

/// What the seller has entered, or what is suggested.
#[derive(Default)]
struct Entered {
    name: String,
    expires_at: Option<String>,
}

pub(super) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: TicketId = visit.parameter("id")?;
    let listing = tickets::get(&Anonymous(&visit.app().api), id).await?;
    let entered = Entered::default();
    respond(&visit, listing, StatusCode::OK, None, entered, FieldErrors::default()).await
}

/// Redirects from the address of a form to its page, after a reload or after signing in.
pub(super) async fn back(visit: Visit) -> PageResult {
    let id: TicketId = visit.parameter("id")?;
    visit.redirect(&path(id))
}

fn path(id: TicketId) -> String {
    format!("/sell/{id}/doors")
}

pub(super) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: TicketId = visit.parameter("id")?;
    let form = visit.form().await?;
    let listing = tickets::get(&Anonymous(&visit.app().api), id).await?;
    let (name, entered_at) = (form.trimmed("name"), form.trimmed("expires-at"));
    let expires_at = parse_local_date_time(&entered_at, &listing.zone());
    let (mut errors, texts) = (FieldErrors::default(), visit.texts());
    if name.is_empty() {
        errors.add("name", texts.text("door-name-required"));
    }
    if expires_at.is_none() {
        errors.add("expires-at", texts.text("door-expiry-invalid"));
    }
    let entered = Entered {
        name,
        expires_at: Some(entered_at),
    };
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    let Some(expires_at) = expires_at.filter(|_| errors.is_empty()) else {
        return respond(&visit, listing, invalid, None, entered, errors).await;
    };
    let key = key_with(form.raw("key"), &format!("{expires_at} {}", entered.name));
    match check_ins::create_door(visit.session(), id, &entered.name, expires_at, &key).await {
        Ok(door) => {
            let token = door.token.unwrap_or_default();
            let address = format!("{}/door#{id}.{token}", visit.app().public_url);
            let created = Some((door.name, address));
            let entered = Entered::default();
            respond(&visit, listing, StatusCode::CREATED, created, entered, errors).await
        }
        Err(ApiError::Refused(refusal)) if add_refusal(&visit, &refusal, &mut errors) => {
            respond(&visit, listing, refusal.status, None, entered, errors).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn revoke(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: TicketId = visit.parameter("id")?;
    let form = visit.form().await?;
    let door: DoorId = form.parsed("door").ok_or(Failure::Malformed)?;
    match check_ins::revoke_door(visit.session(), id, door).await {
        Ok(()) => visit.redirect(&path(id)),
        // It was revoked before, by a second click or in another tab.
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => visit.redirect(&path(id)),
        Err(error) => Err(error.into()),
    }
}

/// Adds what the service refused; false if the form has nothing to do with it.
fn add_refusal(visit: &Visit, refusal: &Refusal, errors: &mut FieldErrors) -> bool {
    let texts = visit.texts();
    if refusal.kind == "too-many-doors" {
        errors.add("name", texts.text("door-too-many"));
    }
    for problem in &refusal.errors {
        match problem.field.as_str() {
            "name" => errors.add("name", texts.text("door-name-invalid")),
            "expiresAt" => errors.add("expires-at", texts.text("door-expiry-invalid")),
            _ => {}
        }
    }
    !errors.is_empty()
}

async fn respond(
    visit: &Visit,
    listing: Ticket,
    status: StatusCode,
    created: Option<(String, String)>,
    entered: Entered,
    errors: FieldErrors,
) -> PageResult {
    let doors = check_ins::doors(visit.session(), listing.id).await?;
    let (zone, now) = (listing.zone(), visit.now());
    let begins_at = listing.starts_at.filter(|at| *at > now).unwrap_or(now);
    let suggested = (begins_at + OPEN_AFTER_START).min(now + LONGEST_SUGGESTION);
    let view = DoorsView {
        page: visit.page("doors-title").about(&listing.title),
        id: listing.id,
        title: listing.title,
        doors,
        created,
        name: entered.name,
        expires_at: entered.expires_at.unwrap_or_else(|| local_date_time(suggested, &zone)),
        errors,
        key: new_key(visit),
        zone,
        now,
    };
    let mut response = visit.show_with(status, &view, &Policy::default())?;
    // The page may have a token.
    let no_store = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}
