//! The session of the person who visits: the cookies that auth has set, which pass through and are never stored here.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use token::{Cookie, DEVICE_COOKIE, REFRESH_COOKIE, SESSION_COOKIE};

use crate::api_client::{ApiClient, ApiError, ApiRequest, ApiResponse, Caller, Credentials, Service, auth};

/// The cookies of a person, and the calls with them.
pub(crate) struct Session {
    api: Arc<ApiClient>,
    client: IpAddr,
    user_agent: Option<HeaderValue>,
    jar: Mutex<Jar>,
    /// One refresh at a time.
    refreshing: tokio::sync::Mutex<()>,
}

/// Cookies that the browser sent, as changed by responses since.
#[derive(Default)]
struct Jar {
    /// By the names that the browser has them under.
    cookies: Vec<(String, String)>,
    /// What the response has to set.
    set: Vec<HeaderValue>,
    /// New tokens have been requested for this visit.
    is_refreshed: bool,
}

/// The cookies that are passed on. Others, which other programs on the same host may have set, are not.
const COOKIES: [Cookie; 3] = [SESSION_COOKIE, REFRESH_COOKIE, DEVICE_COOKIE];

/// The cookie that says that the person has a session, which is no secret. Browsers send it with a link of another site; the
/// refresh token they do not.
const HINT_COOKIE: &str = "ticketing_hint";

/// The seconds for which the hint is kept: as long as a session at most, 90 days.
const HINT_LIFETIME: u32 = 7_776_000;

/// Whether a browser that follows a link of another site, such as one in a mail, has kept back the tokens of the person. It
/// sends them if our own page leads to the same address.
pub(crate) fn are_tokens_kept_back(headers: &HeaderMap) -> bool {
    let is = |name: &str, values: &[&str]| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| values.contains(&value))
    };
    let has = |cookie: Cookie| cookie.value(headers).ok().flatten().is_some();
    is("sec-fetch-mode", &["navigate"])
        && is("sec-fetch-site", &["cross-site", "same-site"])
        && !has(SESSION_COOKIE)
        && !has(REFRESH_COOKIE)
        && token::cookie_value(headers, HINT_COOKIE).ok().flatten() == Some("1")
}

impl Session {
    /// Reads the cookies of a request. Those that cannot be read count as absent.
    pub(crate) fn new(api: Arc<ApiClient>, client: IpAddr, headers: &HeaderMap) -> Self {
        let mut jar = Jar::default();
        for cookie in COOKIES {
            for name in [cookie.name, cookie.plain_name] {
                let value = token::cookie_value(headers, name).ok().flatten();
                // What `Cookie::value` accepts: a plain name only from a browser that has none of ours over TLS.
                let is_accepted = cookie.value(headers).ok().flatten() == value;
                if let Some(value) = value.filter(|value| is_accepted && !value.is_empty()) {
                    jar.cookies.push((name.to_owned(), value.to_owned()));
                    break;
                }
            }
        }
        Self {
            api,
            client,
            user_agent: headers.get(header::USER_AGENT).cloned(),
            jar: Mutex::new(jar),
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    /// Whether the person has signed in. Whether the session still exists is known after a call.
    pub(crate) fn is_signed_in(&self) -> bool {
        let jar = self.jar();
        jar.has(SESSION_COOKIE) || jar.has(REFRESH_COOKIE)
    }

    /// Returns the address of the person.
    pub(crate) const fn client(&self) -> IpAddr {
        self.client
    }

    /// Relays the cookies that a response of auth sets.
    pub(crate) fn relay_cookies(&self, response: &ApiResponse) {
        let mut jar = self.jar();
        for value in response.headers.get_all(header::SET_COOKIE) {
            jar.store(value);
        }
    }

    /// Clears the tokens in the browser: the session is over.
    pub(crate) fn clear_tokens(&self) {
        self.jar().clear_tokens();
    }

    /// Takes the cookies that the response to the browser has to set.
    pub(crate) fn take_set_cookies(&self) -> Vec<HeaderValue> {
        std::mem::take(&mut self.jar().set)
    }

    /// Requests new tokens, which state what has changed of the account. Without success the person keeps the present ones.
    pub(crate) async fn renew(&self) {
        self.jar().is_refreshed = false;
        if let Err(error) = self.refresh().await {
            tracing::debug!(%error, "tokens were not renewed");
        }
    }

    /// Sets a cookie of a page.
    pub(crate) fn set_cookie(&self, cookie: HeaderValue) {
        self.jar().set.push(cookie);
    }

    /// Sends a request with the cookies as they are.
    async fn send_once(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        let cookies = self.jar().header_for(request.service());
        let credentials = Credentials {
            client: Some(self.client),
            cookies: cookies.as_deref(),
            // Only auth stores it.
            user_agent: self.user_agent.as_ref().filter(|_| request.service() == Service::Auth),
        };
        self.api.send(request, credentials).await
    }

    /// Requests new tokens, once for a visit. Without a session at auth the cookies are cleared.
    async fn refresh(&self) -> Result<(), ApiError> {
        let _one = self.refreshing.lock().await;
        if self.jar().is_refreshed || !self.jar().has(REFRESH_COOKIE) {
            return Ok(());
        }
        self.jar().is_refreshed = true;
        match self.send_once(auth::refresh()).await {
            Ok(response) => self.relay_cookies(&response),
            Err(error) if error.is_status(StatusCode::UNAUTHORIZED) => self.jar().clear_tokens(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends requests with the access token of the person, and gets a new one if it has expired.
impl Caller for Session {
    async fn send(&self, request: ApiRequest) -> Result<ApiResponse, ApiError> {
        // Requests to auth without a token, such as signing in, have no use for a new one.
        let needs_token = self.is_signed_in() && !request.is_for_anybody();
        if needs_token && !self.jar().has(SESSION_COOKIE) {
            self.refresh().await?;
        }
        let repeated = (needs_token && !self.jar().is_refreshed).then(|| request.clone());
        let result = self.send_once(request).await;
        match (result, repeated) {
            (Err(error), Some(repeated)) if error.is_status(StatusCode::UNAUTHORIZED) => {
                self.refresh().await?;
                self.send_once(repeated).await
            }
            (result, _) => result,
        }
    }
}

impl Jar {
    fn has(&self, cookie: Cookie) -> bool {
        let is_it = |(name, _): &(String, String)| name == cookie.name || name == cookie.plain_name;
        self.cookies.iter().any(is_it)
    }

    /// Returns the header with the cookies that a service needs: only auth gets more than the access token.
    fn header_for(&self, service: Service) -> Option<String> {
        let is_needed =
            |name: &str| service == Service::Auth || name == SESSION_COOKIE.name || name == SESSION_COOKIE.plain_name;
        let pairs = self.cookies.iter().filter(|(name, _)| is_needed(name));
        let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Sets or clears the hint that the person has a session.
    fn set_hint(&mut self, is_set: bool, is_secure: bool) {
        let (value, seconds) = if is_set { ("1", HINT_LIFETIME) } else { ("", 0) };
        let secure = if is_secure { "; Secure" } else { "" };
        let cookie = format!("{HINT_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        self.set.extend(HeaderValue::from_str(&cookie).ok());
    }

    /// Stores a cookie that a response sets or clears. Of several with one name, the one for all paths counts.
    fn store(&mut self, set_cookie: &HeaderValue) {
        self.set.push(set_cookie.clone());
        let Some((pair, attributes)) = set_cookie.to_str().ok().and_then(|text| text.split_once(';')) else {
            return;
        };
        let is_for_all_paths = attributes.split(';').any(|attribute| attribute.trim() == "Path=/");
        let Some((name, value)) = pair.split_once('=').filter(|_| is_for_all_paths) else {
            return;
        };
        if [REFRESH_COOKIE.name, REFRESH_COOKIE.plain_name].contains(&name) {
            self.set_hint(!value.is_empty(), name == REFRESH_COOKIE.name);
        }
        self.cookies.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    fn clear_tokens(&mut self) {
        for cookie in [SESSION_COOKIE, REFRESH_COOKIE] {
            for (name, secure) in [(cookie.name, "; Secure"), (cookie.plain_name, "")] {
                let had = self.cookies.iter().any(|(known, _)| known == name);
                let cleared = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
                if let Ok(cleared) = HeaderValue::from_str(&cleared)
                    && had
                {
                    self.set.push(cleared);
                }
                self.cookies.retain(|(known, _)| known != name);
            }
        }
        self.set_hint(false, false);
    }
}
