//! Changing the password. All other sessions end.

use askama::Template;
use http::StatusCode;

use super::refused;
use crate::{
    api_client::account,
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, Visit},
};

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordView {
    page: Page,
    errors: FieldErrors,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    respond(&visit, StatusCode::OK, FieldErrors::default())
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let (current, new) = (form.raw("current"), form.raw("password"));
    let (mut errors, texts) = (FieldErrors::default(), visit.texts());
    if current.is_empty() {
        errors.add("current", texts.text("password-required"));
    }
    if new.is_empty() {
        errors.add("password", texts.text("new-password-required"));
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if errors.is_empty() {
        match account::change_password(visit.session(), current, new).await {
            Ok(()) => return visit.redirect("/account?done=password"),
            Err(error) => status = refused::field_errors(&visit, error, "current", new, &mut errors)?,
        }
    }
    respond(&visit, status, errors)
}

fn respond(visit: &Visit, status: StatusCode, errors: FieldErrors) -> PageResult {
    let view = PasswordView {
        page: visit.page("account-password-title"),
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}
