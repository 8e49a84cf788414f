//! Requesting a mail: to set a new password, or to confirm an address once more. The response is the same whether or not the
//! address has an account.

use askama::Template;
use http::StatusCode;

use crate::{
    api_client::{ApiError, account},
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, Visit},
    pages::parts::Message,
};

/// The mail that is requested. The texts are ids.
struct Request {
    path: &'static str,
    heading: &'static str,
    explanation: &'static str,
    sent: &'static str,
}

const CONFIRM: Request = Request {
    path: "/confirm",
    heading: "confirm-again-title",
    explanation: "confirm-again-explanation",
    sent: "confirm-again-sent",
};

const FORGOT: Request = Request {
    path: "/forgot",
    heading: "forgot-title",
    explanation: "forgot-explanation",
    sent: "forgot-sent",
};

#[derive(Template)]
#[template(path = "mails/request.html")]
struct RequestView {
    page: Page,
    request: &'static Request,
    email: String,
    errors: FieldErrors,
}

pub(crate) async fn show_confirm(visit: Visit) -> PageResult {
    show(&visit, &CONFIRM)
}

pub(crate) async fn show_forgot(visit: Visit) -> PageResult {
    show(&visit, &FORGOT)
}

pub(crate) async fn submit_confirm(visit: Visit) -> PageResult {
    let email = visit.form().await?.trimmed("email");
    let requested = match email.as_str() {
        "" => None,
        email => Some(account::request_confirmation(visit.session(), email).await),
    };
    respond(&visit, &CONFIRM, email, requested)
}

pub(crate) async fn submit_forgot(visit: Visit) -> PageResult {
    let email = visit.form().await?.trimmed("email");
    let requested = match email.as_str() {
        "" => None,
        email => Some(account::request_reset(visit.session(), email).await),
    };
    respond(&visit, &FORGOT, email, requested)
}

fn show(visit: &Visit, request: &'static Request) -> PageResult {
    let (email, errors) = (String::new(), FieldErrors::default());
    show_form(visit, StatusCode::OK, request, email, errors)
}

/// Responds to a form; `requested` is `None` if it has no address.
fn respond(
    visit: &Visit,
    request: &'static Request,
    email: String,
    requested: Option<Result<(), ApiError>>,
) -> PageResult {
    let texts = visit.texts();
    let (status, error) = match requested {
        Some(Ok(())) => return show_sent(visit, request, email),
        None => (StatusCode::UNPROCESSABLE_ENTITY, "email-required"),
        Some(Err(error)) if error.is_status(StatusCode::UNPROCESSABLE_ENTITY) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "email-malformed")
        }
        Some(Err(error)) if error.is_status(StatusCode::TOO_MANY_REQUESTS) => {
            (StatusCode::TOO_MANY_REQUESTS, "mail-too-many")
        }
        Some(Err(error)) => return Err(error.into()),
    };
    let mut errors = FieldErrors::default();
    errors.add("email", texts.text(error));
    show_form(visit, status, request, email, errors)
}

fn show_form(
    visit: &Visit,
    status: StatusCode,
    request: &'static Request,
    email: String,
    errors: FieldErrors,
) -> PageResult {
    let view = RequestView {
        page: visit.page(request.heading),
        request,
        email,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}

fn show_sent(visit: &Visit, request: &'static Request, email: String) -> PageResult {
    let message = Message {
        heading: "mail-sent-title",
        explanation: request.sent,
        hints: &["mail-hint"],
        email,
        links: if visit.session().is_signed_in() {
            &[("nav-account", "/account"), ("error-home", "/")]
        } else {
            &[("sign-in-link", "/signin")]
        },
    };
    message.show(visit, StatusCode::ACCEPTED, &Policy::default())
}
