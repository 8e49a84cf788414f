use std::{
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use askama::Template;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use localization::Texts;
use poem::{Body, Response};
use values::{Language, Timestamp};

use super::{
    App, CachedPage, Failure, Page, PageResult, Policy, ReturnPath, Slot,
    html::html,
    language::{account_cookie, choice_cookie, language_of},
};
use crate::{
    forms::{Form, FormError},
    session::Session,
    texts::texts,
};

/// The beginning of the summary of errors above a form, in `templates/fields.html`.
const FORM_ERRORS: &str = "<div data-form-errors ";

const TITLE: &str = "<title>";

/// When a browser may request an export again that was refused because of others.
const EXPORT_RETRY_AFTER: Duration = Duration::from_secs(10);

/// One request of a person. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Inner>);

struct Inner {
    app: Arc<App>,
    session: Session,
    language: Language,
    /// Whether the language was chosen by this request.
    is_language_chosen: bool,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    parameters: Mutex<Vec<(&'static str, String)>>,
    body: Mutex<Option<Body>>,
    /// Whether the form that was sent has a key.
    has_key: AtomicBool,
}

impl Visit {
    pub(super) fn new(app: Arc<App>, session: Session, method: Method, uri: Uri, headers: HeaderMap) -> Self {
        let chosen = query_value(&uri, "lang").and_then(|code| code.parse().ok());
        let language = chosen.unwrap_or_else(|| language_of(&headers));
        Self(Arc::new(Inner {
            app,
            session,
            language,
            is_language_chosen: chosen.is_some(),
            method,
            uri,
            headers,
            parameters: Mutex::default(),
            body: Mutex::default(),
            has_key: AtomicBool::default(),
        }))
    }

    /// Sets what the route has found.
    pub(super) fn routed(&self, parameters: Vec<(&'static str, String)>, body: Body) {
        *lock(&self.0.parameters) = parameters;
        *lock(&self.0.body) = Some(body);
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    /// Returns the session of the person, for calls of services.
    pub(crate) fn session(&self) -> &Session {
        &self.0.session
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.app.clock.now()
    }

    pub(crate) fn language(&self) -> Language {
        self.0.language
    }

    pub(crate) fn texts(&self) -> Texts<'static> {
        texts(self.0.language)
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    pub(crate) fn method(&self) -> &Method {
        &self.0.method
    }

    /// Returns a parameter of the path, such as an id. A malformed one is a 404: nothing is at such an address.
    pub(crate) fn parameter<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let parameters = lock(&self.0.parameters);
        let found = parameters.iter().find(|(known, _)| *known == name);
        let value = found.and_then(|(_, value)| value.parse().ok());
        value.ok_or(Failure::NotFound)
    }

    /// Returns a parameter of the query; `None` if it is absent or empty.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        query_value(&self.0.uri, name).filter(|value| !value.is_empty())
    }

    /// Returns the form that was sent.
    pub(crate) async fn form(&self) -> Result<Form, Failure> {
        let form = Form::read(&self.0.headers, self.body()).await;
        let form = form.map_err(|error| match error {
            FormError::TooLarge => Failure::TooLarge,
            FormError::Malformed => Failure::Malformed,
        })?;
        self.0.has_key.store(!form.raw("key").is_empty(), Ordering::Relaxed);
        Ok(form)
    }

    /// Whether the form that was sent has a key, so that it has one effect if it is sent again.
    pub(super) fn has_key(&self) -> bool {
        self.0.has_key.load(Ordering::Relaxed)
    }

    /// Takes the body.
    pub(crate) fn body(&self) -> Body {
        lock(&self.0.body).take().unwrap_or_default()
    }

    /// Returns the path without the query.
    pub(crate) fn uri_path(&self) -> &str {
        self.0.uri.path()
    }

    /// Returns path and query, without the choice of the language.
    pub(crate) fn path(&self) -> String {
        let query: Vec<_> = self.0.uri.query().unwrap_or_default().split('&').collect();
        let query: Vec<_> = query
            .into_iter()
            .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="))
            .collect();
        // A browser takes an address that begins with two slashes for another site.
        let path = format!("/{}", self.0.uri.path().trim_start_matches('/'));
        if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    /// Returns the layout of a page with this title.
    pub(crate) fn page(&self, title: &'static str) -> Page {
        let mut page = Page::new(
            self.texts(),
            self.path(),
            self.0.session.is_signed_in(),
            self.0.app.public_url.clone(),
        );
        page.title = page.text(title).to_string();
        page
    }

    /// Responds with a page.
    pub(crate) fn show(&self, view: &impl Template) -> PageResult {
        self.show_with(StatusCode::OK, view, &Policy::default())
    }

    /// Responds with a page that needs another policy, or has another status.
    pub(crate) fn show_with(&self, status: StatusCode, view: &impl Template, policy: &Policy) -> PageResult {
        Ok(html(status, self.render(view)?, policy))
    }

    /// Responds with a page that everybody sees alike who has the same language, and is signed in or not. It is rendered at most
    /// once in a second for each `key`, which has what else it depends on.
    pub(crate) async fn show_cached(
        &self,
        key: &str,
        render: impl Future<Output = Result<(StatusCode, String), Failure>>,
    ) -> PageResult {
        let (language, is_signed_in) = (self.language(), self.session().is_signed_in());
        let key = format!("{language} {is_signed_in} {key}");
        let render = async {
            let (status, html) = render.await?;
            Ok(CachedPage {
                status,
                html: html.into(),
            })
        };
        let page = self.app().cache.get_or_render(key, self.now(), render).await?;
        let mut response = html(page.status, page.html.clone(), &Policy::default());
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-language"));
        Ok(response)
    }

    /// Renders a page. If it shows errors of a form, its title begins with that.
    pub(crate) fn render(&self, view: &impl Template) -> Result<String, Failure> {
        let mut page = view.render().map_err(|error| {
            tracing::error!(%error, path = self.0.uri.path(), "template failed");
            Failure::Internal
        })?;
        if page.contains(FORM_ERRORS)
            && let Some(start) = page.find(TITLE)
        {
            let prefix = format!("{} ", self.texts().text("error-in-form"));
            page.insert_str(start + TITLE.len(), &prefix);
        }
        Ok(page)
    }

    /// Redirects to a page of ours, which the browser requests with GET.
    pub(crate) fn redirect(&self, path: &str) -> PageResult {
        if HeaderValue::from_str(path).is_err() {
            tracing::error!(from = self.0.uri.path(), "redirect to a path that no header can have");
            return Err(Failure::Internal);
        }
        Ok(see_other(path))
    }

    /// Fails unless the person seems to be signed in, so that a page without a call does not pretend.
    pub(crate) fn require_sign_in(&self) -> Result<(), Failure> {
        if self.0.session.is_signed_in() {
            Ok(())
        } else {
            Err(Failure::SignInFirst)
        }
    }

    /// Returns the slot of an export, which is held until it is sent. Fails if too many are being sent.
    pub(crate) fn begin_export(&self) -> Result<Slot, Failure> {
        let slot = self.0.app.exports.take(self.0.session.client());
        slot.ok_or(Failure::TooManyRequests(Some(EXPORT_RETRY_AFTER)))
    }

    /// Redirects to the sign-in page, which returns here. After a form was sent, it returns to the page of the form.
    pub(super) fn redirect_to_sign_in(&self) -> Response {
        let next = ReturnPath::parse(&self.path());
        see_other(&sign_in_path(&next))
    }

    /// Shows pages in the language of the account from now on, where the person has not chosen another one on a page.
    pub(crate) fn keep_language_of_account(&self, language: Language) {
        self.set_cookie(account_cookie(Some(language)));
    }

    /// Deletes the cookie with the language of the account, which was signed out.
    pub(crate) fn forget_language_of_account(&self) {
        self.set_cookie(account_cookie(None));
    }

    /// Deletes the cookie with the choice that was made on a page: the person has saved another language for the account since.
    pub(crate) fn forget_chosen_language(&self) {
        self.set_cookie(choice_cookie(None));
    }

    fn set_cookie(&self, cookie: Option<HeaderValue>) {
        if let Some(cookie) = cookie {
            self.0.session.set_cookie(cookie);
        }
    }

    /// Adds what every response has: cookies, the headers that protect browsers.
    pub(super) fn finish(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        for cookie in self.0.session.take_set_cookies() {
            headers.append(header::SET_COOKIE, cookie);
        }
        if self.0.is_language_chosen
            && let Some(cookie) = choice_cookie(Some(self.0.language))
        {
            headers.append(header::SET_COOKIE, cookie);
        }
        Policy::default().set(headers);
        response
    }
}

/// Returns the path of the sign-in page that returns to `next`.
pub(crate) fn sign_in_path(next: &ReturnPath) -> String {
    if next.is_home() {
        "/signin".to_owned()
    } else {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next.as_str())
            .finish();
        format!("/signin?{query}")
    }
}

pub(super) fn see_other(path: &str) -> Response {
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, path)
        .finish()
}

fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
