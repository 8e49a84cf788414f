//! Setting a new password, by the link of a mail.

use askama::Template;
use http::StatusCode;

use super::link;
use crate::{
    api_client::{ApiError, account},
    forms::FieldErrors,
    frame::{Page, PageResult, Visit},
    pages::parts::{Message, refused_password},
};

#[derive(Template)]
#[template(path = "mails/reset.html")]
struct ResetView {
    page: Page,
    errors: FieldErrors,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    respond(&visit, StatusCode::OK, FieldErrors::default())
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let token: String = visit.parameter("token")?;
    let form = visit.form().await?;
    let password = form.raw("password");
    let (mut errors, texts) = (FieldErrors::default(), visit.texts());
    if password.is_empty() {
        errors.add("password", texts.text("new-password-required"));
        return respond(&visit, StatusCode::UNPROCESSABLE_ENTITY, errors);
    }
    match account::reset_password(visit.session(), &token, password).await {
        Ok(()) => {
            // The session of this browser has ended, if it was one of the same account.
            visit.session().renew().await;
            let message = Message {
                heading: "reset-done-title",
                explanation: "reset-done",
                hints: &[],
                email: String::new(),
                links: &[("sign-in-link", "/signin")],
            };
            link::show_done(&visit, message)
        }
        Err(error) if link::is_invalid(&error) => {
            link::show_invalid(&visit, &[("forgot-again-link", "/forgot"), ("sign-in-link", "/signin")])
        }
        Err(ApiError::Refused(refusal)) => {
            match refusal.status {
                StatusCode::UNPROCESSABLE_ENTITY => errors.add("password", texts.text(refused_password(password))),
                StatusCode::TOO_MANY_REQUESTS => errors.add("password", texts.text("too-busy")),
                _ => return Err(ApiError::Refused(refusal).into()),
            }
            respond(&visit, refusal.status, errors)
        }
        Err(error) => Err(error.into()),
    }
}

fn respond(visit: &Visit, status: StatusCode, errors: FieldErrors) -> PageResult {
    let view = ResetView {
        page: visit.page("reset-title"),
        errors,
    };
    visit.show_with(status, &view, &link::policy())
}
