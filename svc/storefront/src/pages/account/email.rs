//! Changing the address: both addresses confirm by mail.

use askama::Template;
use http::StatusCode;

use super::refused;
use crate::{
    api_client::account,
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, Visit},
};

#[derive(Template)]
#[template(path = "account/email.html")]
struct EmailView {
    page: Page,
    email: String,
    errors: FieldErrors,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    respond(&visit, StatusCode::OK, String::new(), FieldErrors::default())
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let (email, password) = (form.trimmed("email"), form.raw("password"));
    let (mut errors, texts) = (FieldErrors::default(), visit.texts());
    if email.is_empty() {
        errors.add("email", texts.text("email-required"));
    }
    if password.is_empty() {
        errors.add("password", texts.text("password-required"));
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if errors.is_empty() {
        match account::request_email_change(visit.session(), &email, password).await {
            Ok(()) => return visit.redirect("/account?done=email"),
            Err(error) => status = refused::field_errors(&visit, error, "password", "", &mut errors)?,
        }
    }
    respond(&visit, status, email, errors)
}

fn respond(visit: &Visit, status: StatusCode, email: String, errors: FieldErrors) -> PageResult {
    let view = EmailView {
        page: visit.page("change-email-title"),
        email,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}
