//! Creating an account.

use askama::Template;
use http::StatusCode;
use values::EventId;

use crate::{
    api_client::{
        ApiError, Refusal,
        auth::{self, SignedUp},
    },
    forms::{FieldErrors, Form},
    frame::{Page, PageResult, Policy, ReturnPath, Visit, sign_in_path},
    pages::parts::{Message, refused_password},
};

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpView {
    page: Page,
    email: String,
    next: ReturnPath,
    /// Makes a form that is sent twice create one account.
    key: String,
    errors: FieldErrors,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let next = ReturnPath::parse(&visit.query("next").unwrap_or_default());
    if visit.session().is_signed_in() && next.is_home() {
        return visit.redirect("/");
    }
    visit.show(&SignUpView {
        page: visit.page("sign-up-title"),
        email: String::new(),
        next,
        key: EventId::new(visit.now()).to_string(),
        errors: FieldErrors::default(),
    })
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let form = visit.form().await?;
    let (email, next) = (form.trimmed("email"), ReturnPath::parse(form.raw("next")));
    let mut errors = check(&visit, &form);
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if errors.is_empty() {
        let (password, key) = (form.raw("password"), form.raw("key"));
        match auth::sign_up(visit.session(), &email, password, visit.language(), key).await {
            Ok(SignedUp::SignedIn(response)) => {
                visit.session().relay_cookies(&response);
                return visit.redirect(next.as_str());
            }
            Ok(SignedUp::Mailed) => return mailed(&visit, email, &next),
            Err(ApiError::Refused(refusal)) if add_refusal(&visit, &refusal, password, &mut errors) => {
                status = refusal.status;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let view = SignUpView {
        page: visit.page("sign-up-title"),
        email,
        next,
        key: EventId::new(visit.now()).to_string(),
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}

/// Says that the outcome is in a mail: the marketplace does not reveal whether an address has an account.
/// The link in the mail does not lead to `next`, so a person who came for a ticket or an event is told how to get back to it.
fn mailed(visit: &Visit, email: String, next: &ReturnPath) -> PageResult {
    let hints: &[_] = if next.as_str().starts_with("/transfers/") {
        &["sign-up-mailed-transfer", "mail-hint"]
    } else if next.as_str().starts_with("/events/") {
        &["sign-up-mailed-event", "mail-hint"]
    } else {
        &["mail-hint"]
    };
    let sign_in = sign_in_path(next);
    let message = Message {
        heading: "sign-up-mailed-title",
        explanation: "sign-up-mailed",
        hints,
        email,
        links: &[("sign-in-link", sign_in.as_str()), ("confirm-again-link", "/confirm")],
    };
    message.show(visit, StatusCode::ACCEPTED, &Policy::default())
}

fn check(visit: &Visit, form: &Form) -> FieldErrors {
    let (mut errors, texts) = (FieldErrors::default(), visit.texts());
    if form.trimmed("email").is_empty() {
        errors.add("email", texts.text("email-required"));
    }
    if form.raw("password").is_empty() {
        errors.add("password", texts.text("password-required"));
    }
    errors
}

/// Adds what the service refused; false if the form has nothing to do with it.
fn add_refusal(visit: &Visit, refusal: &Refusal, password: &str, errors: &mut FieldErrors) -> bool {
    let texts = visit.texts();
    match (refusal.kind.as_str(), refusal.status) {
        ("email-taken", _) => errors.add("email", texts.text("email-taken")),
        (_, StatusCode::TOO_MANY_REQUESTS) => errors.add("email", texts.text("sign-up-too-many")),
        (_, StatusCode::UNPROCESSABLE_ENTITY) => {
            for problem in &refusal.errors {
                match problem.field.as_str() {
                    "email" => errors.add("email", texts.text("email-malformed")),
                    "password" => errors.add("password", texts.text(refused_password(password))),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    !errors.is_empty()
}
