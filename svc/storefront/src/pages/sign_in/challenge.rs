//! The challenge between the two steps of a sign-in: a cookie for the pages below `/signin` alone, which no script reads.

use http::HeaderValue;

use crate::{api_client::auth::Challenge, frame::Visit};

const COOKIE: &str = "ticketing_challenge";

/// Keeps the challenge in the browser for as long as it is valid.
pub(super) fn keep(visit: &Visit, challenge: &Challenge) {
    set(visit, &challenge.challenge, challenge.expires_in);
}

/// Removes the challenge: it was used, or is not valid any more.
pub(super) fn clear(visit: &Visit) {
    set(visit, "", 0);
}

/// Returns the challenge that the browser has.
pub(super) fn of(visit: &Visit) -> Option<String> {
    let found = token::cookie_value(visit.headers(), COOKIE).ok().flatten();
    found.filter(|value| !value.is_empty()).map(ToOwned::to_owned)
}

fn set(visit: &Visit, value: &str, seconds: u64) {
    let secure = if visit.app().public_url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!("{COOKIE}={value}; Path=/signin; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    // A challenge has letters, digits, '.', '-' and '_'.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        visit.session().set_cookie(cookie);
    }
}
