//! The open sessions: ending one, or all others.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::SessionId;

use crate::{
    api_client::account::{self, OpenSession},
    frame::{Failure, Page, PageResult, Visit},
};

const PATH: &str = "/account/sessions";

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsView {
    page: Page,
    /// The id of the text that says what was done.
    notice: Option<&'static str>,
    sessions: Vec<OpenSession>,
    zone: TimeZone,
}

impl SessionsView {
    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let sessions = account::sessions(visit.session()).await?;
    visit.show(&SessionsView {
        page: visit.page("sessions-title"),
        notice: visit.query("done").map(|_| "sessions-done"),
        sessions,
        zone: TimeZone::UTC,
    })
}

/// Redirects from the addresses of forms, which are requested again after a reload or after signing in.
pub(crate) async fn back(visit: Visit) -> PageResult {
    visit.redirect(PATH)
}

pub(crate) async fn end(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: SessionId = visit.form().await?.parsed("session").ok_or(Failure::Malformed)?;
    match account::end_session(visit.session(), id).await {
        Ok(()) => {}
        // It has ended meanwhile.
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => {}
        Err(error) => return Err(error.into()),
    }
    visit.redirect("/account/sessions?done=1")
}

pub(crate) async fn end_others(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    account::end_other_sessions(visit.session()).await?;
    visit.redirect("/account/sessions?done=1")
}
