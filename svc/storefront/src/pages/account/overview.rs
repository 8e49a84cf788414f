//! The account: name and language, and what leads to the other pages.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::Language;

use super::refused;
use crate::{
    api_client::account::{self, SecondFactor},
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, Visit},
};

const PATH: &str = "/account";

#[derive(Template)]
#[template(path = "account/overview.html")]
struct OverviewView {
    page: Page,
    /// The id of the text that says what was done.
    notice: Option<&'static str>,
    email: String,
    is_confirmed: bool,
    name: String,
    language: String,
    sessions: usize,
    second_factor: SecondFactor,
    zone: TimeZone,
    errors: FieldErrors,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    respond(&visit, StatusCode::OK, None, FieldErrors::default()).await
}

/// Redirects from the addresses of forms, which are requested again after a reload or after signing in.
pub(crate) async fn back(visit: Visit) -> PageResult {
    visit.redirect(PATH)
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let (name, language) = (form.optional("name"), form.trimmed("language"));
    let mut errors = FieldErrors::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Ok(language) = language.parse::<Language>() {
        match account::change_profile(visit.session(), name.as_deref(), language).await {
            Ok(()) => {
                visit.keep_language_of_account(language);
                if visit.language() != language {
                    visit.forget_chosen_language();
                }
                return visit.redirect("/account?done=profile");
            }
            Err(error) => status = refused::field_errors(&visit, error, "name", "", &mut errors)?,
        }
    } else {
        errors.add("language", visit.texts().text("language-unknown"));
    }
    let entered = (name.unwrap_or_default(), language);
    respond(&visit, status, Some(entered), errors).await
}

/// Requests the mail that confirms the address once more.
pub(crate) async fn confirm(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let user = account::current(visit.session()).await?;
    match account::request_confirmation(visit.session(), &user.email).await {
        Ok(()) => visit.redirect("/account?done=mail"),
        Err(error) if error.is_status(StatusCode::TOO_MANY_REQUESTS) => visit.redirect("/account?done=no-mail"),
        Err(error) => Err(error.into()),
    }
}

/// Shows the account; `entered` are name and language of a form that was refused.
async fn respond(
    visit: &Visit,
    status: StatusCode,
    entered: Option<(String, String)>,
    errors: FieldErrors,
) -> PageResult {
    let session = visit.session();
    let (user, sessions, second_factor) = tokio::try_join!(
        account::current(session),
        account::sessions(session),
        account::second_factor(session)
    )?;
    // It may have been changed on another device.
    visit.keep_language_of_account(user.language);
    let known = || (user.name.clone().unwrap_or_default(), user.language.as_str().to_owned());
    let (name, language) = entered.unwrap_or_else(known);
    let view = OverviewView {
        page: visit.page("account-title"),
        notice: notice(visit),
        email: user.email.clone(),
        is_confirmed: user.email_confirmed,
        name,
        language,
        sessions: sessions.len(),
        second_factor,
        zone: TimeZone::UTC,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}

fn notice(visit: &Visit) -> Option<&'static str> {
    Some(match visit.query("done")?.as_str() {
        "profile" => "account-done-profile",
        "mail" => "account-done-mail",
        "no-mail" => "mail-too-many",
        "email" => "account-done-email",
        "password" => "account-done-password",
        "deletion-withdrawn" => "account-done-deletion-withdrawn",
        _ => return None,
    })
}
