//! The second factor: its status, enrolling it, confirming it.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;

use super::refused;
use crate::{
    api_client::account::{self, SecondFactor},
    forms::FieldErrors,
    frame::{Page, PageResult, Policy, Visit},
};

const PATH: &str = "/account/second-factor";

/// The maximum number of characters of a secret.
const MAX_SECRET: usize = 64;

#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct StatusView {
    page: Page,
    /// The id of the text that says what was done.
    notice: Option<&'static str>,
    status: SecondFactor,
    zone: TimeZone,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "account/enrolment.html")]
struct EnrolmentView {
    page: Page,
    secret: String,
    /// The picture and the link that authenticators read: once, right after the enrolment.
    link: Option<Link>,
    errors: FieldErrors,
}

struct Link {
    uri: String,
    /// The QR code, as an address that contains its data.
    picture: String,
}

#[derive(Template)]
#[template(path = "account/codes.html")]
pub(super) struct CodesView {
    page: Page,
    codes: Vec<String>,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    respond(&visit, StatusCode::OK, FieldErrors::default()).await
}

/// Redirects from the addresses of forms, which are requested again after a reload or after signing in.
pub(crate) async fn back(visit: Visit) -> PageResult {
    visit.redirect(PATH)
}

/// Shows the secret for the authenticator, once, and the form with the code that confirms it.
pub(crate) async fn enrol(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let mut errors = FieldErrors::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if form.raw("password").is_empty() {
        errors.add("password", visit.texts().text("password-required"));
    } else {
        match account::enrol(visit.session(), form.raw("password")).await {
            Ok(enrolment) => {
                let link = Link {
                    uri: enrolment.uri,
                    picture: data_url(&enrolment.qr_svg),
                };
                return show_enrolment(&visit, StatusCode::OK, enrolment.secret, Some(link), errors);
            }
            Err(error) if error.is_status(StatusCode::CONFLICT) => return visit.redirect(PATH),
            Err(error) => status = refused::field_errors(&visit, error, "password", "", &mut errors)?,
        }
    }
    respond(&visit, status, errors).await
}

/// Confirms the second factor by a code, and shows the recovery codes, once.
pub(crate) async fn confirm(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let code = form.trimmed("code");
    let mut errors = FieldErrors::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if code.is_empty() {
        errors.add("code", visit.texts().text("code-required"));
    } else {
        match account::confirm_second_factor(visit.session(), &code).await {
            Ok(codes) => {
                // The access token states how the person has signed in.
                visit.session().renew().await;
                return show_codes(&visit, codes);
            }
            Err(error) if error.is_status(StatusCode::CONFLICT) => return visit.redirect(PATH),
            Err(error) => status = refused::field_errors(&visit, error, "code", "", &mut errors)?,
        }
    }
    let secret = form.trimmed("secret");
    let is_secret = secret.len() <= MAX_SECRET && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let secret = if is_secret { secret } else { String::new() };
    show_enrolment(&visit, status, secret, None, errors)
}

/// Shows recovery codes, which no page shows again.
pub(super) fn show_codes(visit: &Visit, codes: Vec<String>) -> PageResult {
    visit.show(&CodesView {
        page: visit.page("codes-title"),
        codes,
    })
}

async fn respond(visit: &Visit, status: StatusCode, errors: FieldErrors) -> PageResult {
    let view = StatusView {
        page: visit.page("second-factor-title"),
        notice: visit.query("removed").map(|_| "second-factor-removed"),
        status: account::second_factor(visit.session()).await?,
        zone: TimeZone::UTC,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}

fn show_enrolment(
    visit: &Visit,
    status: StatusCode,
    secret: String,
    link: Option<Link>,
    errors: FieldErrors,
) -> PageResult {
    let view = EnrolmentView {
        page: visit.page("enrol-title"),
        secret,
        link,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}

/// Returns an SVG picture as an address. A browser runs no script of a picture.
fn data_url(svg: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(svg.as_bytes()).collect();
    format!("data:image/svg+xml,{}", encoded.replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_an_address_without_characters_of_markup() {
        assert_eq!(
            data_url("<svg a=\"1 + 2\"/>"),
            "data:image/svg+xml,%3Csvg%20a%3D%221%20%2B%202%22%2F%3E"
        );
    }
}
