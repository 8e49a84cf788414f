//! Giving a ticket to somebody else, and taking it back.

use http::StatusCode;
use values::AdmissionId;

use super::ticket::{self, GiveForm};
use crate::{
    api_client::{ApiError, transfers},
    forms::FieldErrors,
    frame::{Failure, PageResult, Visit},
};

/// Leads to the page of the ticket, such as after signing in.
pub(super) async fn show(visit: Visit) -> PageResult {
    let id: AdmissionId = visit.parameter("id")?;
    visit.redirect(&path(id))
}

pub(super) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: AdmissionId = visit.parameter("id")?;
    let form = visit.form().await?;
    let (email, texts) = (form.trimmed("email"), visit.texts());
    let mut give = GiveForm {
        email: email.clone(),
        ..GiveForm::default()
    };
    if email.is_empty() {
        give.errors.add("email", texts.text("email-required"));
        return ticket::respond(&visit, id, StatusCode::UNPROCESSABLE_ENTITY, give).await;
    }
    let Err(refused) = transfers::offer(visit.session(), id, &email, form.raw("key")).await else {
        return visit.redirect(&path(id));
    };
    let (kind, status) = match &refused {
        ApiError::Refused(refusal) => (refusal.kind.as_str(), refusal.status),
        _ => return Err(refused.into()),
    };
    match (kind, status) {
        // The form was sent before with another address: the offer is on the page.
        ("already-offered" | "idempotency-key-reused", _) => give.notice = Some("give-already-offered"),
        ("admission-not-valid" | "event-begun" | "ticket-withdrawn", _) => give.notice = Some("give-not-valid"),
        ("address-not-confirmed", _) => give.notice = Some("give-unconfirmed"),
        (_, StatusCode::TOO_MANY_REQUESTS) => give.notice = Some("give-too-many"),
        (_, StatusCode::UNPROCESSABLE_ENTITY) => give.errors = errors(&visit, &refused),
        _ => return Err(refused.into()),
    }
    ticket::respond(&visit, id, status, give).await
}

pub(super) async fn take_back(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: AdmissionId = visit.parameter("id")?;
    match transfers::take_back(visit.session(), id).await {
        Ok(()) => visit.redirect(&path(id)),
        Err(error) if error.is_kind("transfer-ended") => {
            let give = GiveForm {
                notice: Some("give-accepted"),
                ..GiveForm::default()
            };
            match ticket::respond(&visit, id, StatusCode::CONFLICT, give).await {
                // Who has neither the ticket any more nor the order.
                Err(Failure::NotFound) => visit.redirect("/tickets"),
                shown => shown,
            }
        }
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => visit.redirect(&path(id)),
        Err(error) => Err(error.into()),
    }
}

fn path(id: AdmissionId) -> String {
    format!("/tickets/{id}#transfer")
}

fn errors(visit: &Visit, refused: &ApiError) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let is_own = refused
        .refusal()
        .is_some_and(|refusal| refusal.code.as_deref() == Some("own-address"));
    let text = if is_own { "give-own-address" } else { "email-malformed" };
    errors.add("email", visit.texts().text(text));
    errors
}
