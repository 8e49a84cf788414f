use poem::{
    IntoResponse, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaResponses, Registry},
    types::Type,
};
use token::{ACCESS_TOKEN_LIFETIME, Cookie, DEVICE_COOKIE, SESSION_COOKIE};

use super::{delivery::Delivery, views::TokensView};
use crate::domain::{DEVICE_LIFETIME, TokenPair};

pub(super) use token::REFRESH_COOKIE;

/// So that a user who follows a link to our site is signed in.
const SESSION_SITE: &str = "Lax";

/// Pages of other sites cannot send the refresh token.
const REFRESH_SITE: &str = "Strict";

/// The attributes of the cookies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookies {
    /// Whether browsers send the cookies over TLS only (and to localhost).
    pub(super) secure: bool,
}

impl Cookies {
    /// Delivers tokens in the body or as cookies. Scripts cannot read the cookies, pages of other sites cannot send the
    /// refresh token.
    pub(super) fn deliver<R>(
        self,
        tokens: &TokenPair,
        delivery: Delivery,
        respond: impl FnOnce(TokensView) -> R,
    ) -> WithCookies<R> {
        let (view, cookies) = match delivery {
            Delivery::Json => (TokensView::with_tokens(tokens), Vec::new()),
            Delivery::Cookies => {
                let session = (tokens.access_token.as_str(), ACCESS_TOKEN_LIFETIME.as_secs());
                let refresh = (tokens.refresh_token.as_str(), tokens.refresh_lifetime.as_secs());
                let device = tokens.device_token.iter().map(|token| self.device(token));
                let cookies = self.cookies(session, refresh).into_iter().chain(device).collect();
                (TokensView::without_tokens(tokens), cookies)
            }
        };
        WithCookies {
            response: respond(view),
            cookies,
        }
    }

    /// Clears the cookies.
    pub(super) fn clear<R>(self, response: R) -> WithCookies<R> {
        WithCookies {
            response,
            cookies: self.cookies(("", 0), ("", 0)),
        }
    }

    /// Returns the cookies with these values and seconds, for all paths: pages send them, too. Those of releases up to 0.1 are
    /// cleared, which have the plain names and the paths of the API.
    fn cookies(self, session: (&str, u64), refresh: (&str, u64)) -> Vec<String> {
        let name = |cookie: Cookie| if self.secure { cookie.name } else { cookie.plain_name };
        let cleared = ("", 0);
        vec![
            self.cookie(name(SESSION_COOKIE), session, "/", SESSION_SITE),
            self.cookie(name(REFRESH_COOKIE), refresh, "/", REFRESH_SITE),
            self.cookie(SESSION_COOKIE.plain_name, cleared, "/api", SESSION_SITE),
            self.cookie(REFRESH_COOKIE.plain_name, cleared, "/api/v1/auth", REFRESH_SITE),
        ]
    }

    fn device(self, value: &str) -> String {
        self.cookie(self.device_cookie(), (value, DEVICE_LIFETIME.as_secs()), "/", "Strict")
    }

    /// Returns the name of the cookie by which a browser is recognised that has signed in before. With the prefix, browsers
    /// take it from this host over TLS only (RFC 6265bis, section 4.1.3.2).
    pub(super) const fn device_cookie(self) -> &'static str {
        if self.secure {
            DEVICE_COOKIE.name
        } else {
            DEVICE_COOKIE.plain_name
        }
    }

    fn cookie(self, name: &str, (value, seconds): (&str, u64), path: &str, same_site: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}")
    }
}

/// A response that sets or clears cookies, or leaves them as they are.
#[derive(Debug)]
pub(super) struct WithCookies<R> {
    response: R,
    cookies: Vec<String>,
}

impl<R> WithCookies<R> {
    /// Leaves the cookies as they are.
    pub(super) const fn unchanged(response: R) -> Self {
        Self {
            response,
            cookies: Vec::new(),
        }
    }
}

impl<R: IntoResponse> IntoResponse for WithCookies<R> {
    fn into_response(self) -> Response {
        let mut response = self.response.into_response();
        for cookie in self.cookies {
            // Always a valid header: tokens consist of letters, digits, '-', '_' and '.'.
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

impl<R: ApiResponse> ApiResponse for WithCookies<R> {
    fn meta() -> MetaResponses {
        let mut meta = R::meta();
        for response in &mut meta.responses {
            response.headers.push(MetaHeader {
                name: "Set-Cookie".to_owned(),
                description: Some(format!(
                    "`{}` and `{}`: set with the delivery `cookies`, cleared by signing out. \
                     `__Host-ticketing_device`, by which the browser is recognised for 400 days: set by signing up and in. All \
                     are HttpOnly.",
                    SESSION_COOKIE.name, REFRESH_COOKIE.name
                )),
                required: false,
                deprecated: false,
                schema: String::schema_ref(),
            });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }
}
