//! What needs the password and a code: renewing the recovery codes, and removing the second factor.

use askama::Template;
use http::StatusCode;

use super::{refused, second_factor::show_codes};
use crate::{
    api_client::{ApiError, account},
    forms::{FieldErrors, Form},
    frame::{Page, PageResult, Policy, Visit},
};

/// The form. The texts are ids.
struct Check {
    path: &'static str,
    heading: &'static str,
    explanation: &'static str,
    button: &'static str,
    is_danger: bool,
}

const RENEWAL: Check = Check {
    path: "/account/second-factor/recovery-codes",
    heading: "renew-title",
    explanation: "renew-explanation",
    button: "renew-link",
    is_danger: false,
};

const REMOVAL: Check = Check {
    path: "/account/second-factor/removal",
    heading: "remove-title",
    explanation: "remove-explanation",
    button: "remove-link",
    is_danger: true,
};

#[derive(Template)]
#[template(path = "account/check.html")]
struct CheckView {
    page: Page,
    check: &'static Check,
    errors: FieldErrors,
}

pub(crate) async fn show_renewal(visit: Visit) -> PageResult {
    show(&visit, &RENEWAL).await
}

pub(crate) async fn show_removal(visit: Visit) -> PageResult {
    show(&visit, &REMOVAL).await
}

pub(crate) async fn renew(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let errors = required(&visit, &form);
    if !errors.is_empty() {
        return respond(&visit, StatusCode::UNPROCESSABLE_ENTITY, &RENEWAL, errors);
    }
    let (password, code) = (form.raw("password"), form.trimmed("code"));
    match account::renew_recovery_codes(visit.session(), password, &code).await {
        Ok(codes) => show_codes(&visit, codes),
        Err(error) => refuse(&visit, &RENEWAL, error),
    }
}

pub(crate) async fn remove(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let errors = required(&visit, &form);
    if !errors.is_empty() {
        return respond(&visit, StatusCode::UNPROCESSABLE_ENTITY, &REMOVAL, errors);
    }
    let (password, code) = (form.raw("password"), form.trimmed("code"));
    match account::remove_second_factor(visit.session(), password, &code).await {
        Ok(()) => visit.redirect("/account/second-factor?removed=1"),
        Err(error) => refuse(&visit, &REMOVAL, error),
    }
}

/// Shows the form to those who have a second factor.
async fn show(visit: &Visit, check: &'static Check) -> PageResult {
    visit.require_sign_in()?;
    if !account::second_factor(visit.session()).await?.enabled {
        return visit.redirect("/account/second-factor");
    }
    respond(visit, StatusCode::OK, check, FieldErrors::default())
}

fn required(visit: &Visit, form: &Form) -> FieldErrors {
    let (mut errors, texts) = (FieldErrors::default(), visit.texts());
    if form.raw("password").is_empty() {
        errors.add("password", texts.text("password-required"));
    }
    if form.trimmed("code").is_empty() {
        errors.add("code", texts.text("code-required"));
    }
    errors
}

fn refuse(visit: &Visit, check: &'static Check, error: ApiError) -> PageResult {
    if error.is_status(StatusCode::CONFLICT) {
        return visit.redirect("/account/second-factor");
    }
    let mut errors = FieldErrors::default();
    let status = refused::field_errors(visit, error, "password", "", &mut errors)?;
    respond(visit, status, check, errors)
}

fn respond(visit: &Visit, status: StatusCode, check: &'static Check, errors: FieldErrors) -> PageResult {
    let view = CheckView {
        page: visit.page(check.heading),
        check,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}
