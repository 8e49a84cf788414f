//! The second step of signing in: a code of the authenticator, or a recovery code.

use askama::Template;
use http::StatusCode;

use super::{begin::begin, challenge};
use crate::{
    api_client::{ApiError, auth},
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, ReturnPath, Visit, sign_in_path},
};

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodeView {
    page: Page,
    next: ReturnPath,
    /// A recovery code is asked for.
    is_recovery: bool,
    /// The path of this page with the other kind of code.
    other: String,
    errors: FieldErrors,
}

/// Returns the path of this page.
pub(super) fn path(next: &ReturnPath, is_recovery: bool) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if is_recovery {
        query.append_pair("recovery", "1");
    }
    if !next.is_home() {
        query.append_pair("next", next.as_str());
    }
    let query = query.finish();
    let separator = if query.is_empty() { "" } else { "?" };
    format!("/signin/code{separator}{query}")
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let next = ReturnPath::parse(&visit.query("next").unwrap_or_default());
    if challenge::of(&visit).is_none() {
        return visit.redirect(&sign_in_path(&next));
    }
    let is_recovery = visit.query("recovery").is_some();
    respond(&visit, StatusCode::OK, next, is_recovery, FieldErrors::default())
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let form = visit.form().await?;
    let (next, is_recovery) = (ReturnPath::parse(form.raw("next")), form.is_checked("recovery"));
    let Some(challenge) = challenge::of(&visit) else {
        return start_again(&visit, &next);
    };
    let mut errors = FieldErrors::default();
    let texts = visit.texts();
    let code = form.trimmed("code");
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if code.is_empty() {
        errors.add("code", texts.text("code-required"));
    } else {
        match auth::prove_second_factor(visit.session(), &challenge, &code).await {
            Ok(response) => {
                begin(&visit, &response);
                challenge::clear(&visit);
                return visit.redirect(next.as_str());
            }
            Err(ApiError::Refused(refusal)) => match refusal.status {
                StatusCode::UNAUTHORIZED if refusal.kind == "invalid-challenge" => {
                    return start_again(&visit, &next);
                }
                StatusCode::UNAUTHORIZED | StatusCode::UNPROCESSABLE_ENTITY => {
                    errors.add("code", texts.text("code-wrong"));
                }
                StatusCode::TOO_MANY_REQUESTS => {
                    status = refusal.status;
                    errors.add("code", texts.text("code-too-many"));
                }
                _ => return Err(ApiError::Refused(refusal).into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    respond(&visit, status, next, is_recovery, errors)
}

/// Leads to the first step: the challenge has expired.
fn start_again(visit: &Visit, next: &ReturnPath) -> PageResult {
    challenge::clear(visit);
    let first = sign_in_path(next);
    let separator = if first.contains('?') { '&' } else { '?' };
    visit.redirect(&format!("{first}{separator}expired=1"))
}

fn respond(visit: &Visit, status: StatusCode, next: ReturnPath, is_recovery: bool, errors: FieldErrors) -> PageResult {
    let mut page = visit.page("sign-in-code-title");
    // So that a change of the language stays on this page after a form was sent.
    page.path = path(&next, is_recovery);
    let view = CodeView {
        page,
        other: path(&next, !is_recovery),
        next,
        is_recovery,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}
