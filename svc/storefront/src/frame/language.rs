//! The language of pages: the one that a person chose on a page, else that of the account, else the one that the browser prefers.

use http::{HeaderMap, HeaderValue, header};
use localization::preferred_language;
use values::Language;

/// The cookie with the choice. It is no secret, and no script needs it.
const CHOICE: &str = "ticketing_language";

/// The cookie with the language of the account that signed in.
const OF_ACCOUNT: &str = "ticketing_account_language";

/// The seconds for which both are kept: a year.
const LIFETIME: u32 = 31_536_000;

/// Returns the language of a request that does not choose one.
pub(super) fn language_of(headers: &HeaderMap) -> Language {
    let kept = |name: &str| token::cookie_value(headers, name).ok().flatten()?.parse().ok();
    let preferred = || {
        let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        Some(preferred_language(accepted))
    };
    kept(CHOICE)
        .or_else(|| kept(OF_ACCOUNT))
        .or_else(preferred)
        .unwrap_or_default()
}

/// Returns the cookie that keeps the choice, or removes it.
pub(super) fn choice_cookie(language: Option<Language>) -> Option<HeaderValue> {
    cookie(CHOICE, language)
}

/// Returns the cookie that keeps the language of the account, or removes it.
pub(super) fn account_cookie(language: Option<Language>) -> Option<HeaderValue> {
    cookie(OF_ACCOUNT, language)
}

fn cookie(name: &str, language: Option<Language>) -> Option<HeaderValue> {
    let (value, seconds) = language.map_or(("", 0), |language| (language.as_str(), LIFETIME));
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&cookie).ok()
}
