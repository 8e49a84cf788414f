//! Signing in: address and password, then a code if the account has a second factor.

mod begin;
mod challenge;
pub(super) mod code;

use askama::Template;
use begin::begin;
use http::StatusCode;

use crate::{
    api_client::{
        ApiError,
        auth::{self, SignedIn},
    },
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, ReturnPath, Visit},
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInView {
    page: Page,
    email: String,
    next: ReturnPath,
    /// The second step took too long.
    is_expired: bool,
    errors: FieldErrors,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let next = ReturnPath::parse(&visit.query("next").unwrap_or_default());
    if visit.session().is_signed_in() && next.is_home() {
        return visit.redirect("/");
    }
    visit.show(&SignInView {
        page: visit.page("sign-in-title"),
        email: String::new(),
        next,
        is_expired: visit.query("expired").is_some(),
        errors: FieldErrors::default(),
    })
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let form = visit.form().await?;
    let (email, next) = (form.trimmed("email"), ReturnPath::parse(form.raw("next")));
    let mut errors = FieldErrors::default();
    let texts = visit.texts();
    if email.is_empty() {
        errors.add("email", texts.text("email-required"));
    }
    if form.raw("password").is_empty() {
        errors.add("password", texts.text("password-required"));
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if errors.is_empty() {
        match auth::sign_in(visit.session(), &email, form.raw("password")).await {
            Ok(SignedIn::SignedIn(response)) => {
                begin(&visit, &response);
                return visit.redirect(next.as_str());
            }
            Ok(SignedIn::Challenged(challenge)) => {
                challenge::keep(&visit, &challenge);
                return visit.redirect(&code::path(&next, false));
            }
            Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::UNAUTHORIZED => {
                errors.add("password", texts.text("sign-in-wrong"));
            }
            Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::TOO_MANY_REQUESTS => {
                status = refusal.status;
                errors.add("password", texts.text("sign-in-too-many"));
            }
            Err(ApiError::Refused(refusal)) if refusal.status == StatusCode::UNPROCESSABLE_ENTITY => {
                errors.add("email", texts.text("email-malformed"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let view = SignInView {
        page: visit.page("sign-in-title"),
        email,
        next,
        is_expired: false,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}
