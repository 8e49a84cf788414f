//! Check-in for the seller.

use std::time::Duration;

use askama::Template;
use futures_util::future::join;
use http::{HeaderValue, StatusCode, header};
use localization::TimeZone;
use values::{AdmissionId, TicketId, Timestamp};

use super::{
    answer::Answer,
    keys::{key_with, new_key},
};
use crate::{
    api_client::{
        Anonymous, ApiError,
        check_ins::{self, CheckIn, CheckIns, Conflict},
        tickets,
    },
    frame::{Failure, Page, PageResult, Policy, Visit},
};

/// The number of check-ins on the page.
const RECENT: u32 = 20;

/// How long a check-in can be undone.
const UNDO_WINDOW: Duration = Duration::from_mins(10);

#[derive(Template)]
#[template(path = "check_in/check_in.html")]
struct CheckInView {
    page: Page,
    id: TicketId,
    title: String,
    zone: TimeZone,
    now: Timestamp,
    state: CheckIns,
    answer: Option<Answer>,
    key: String,
}

impl CheckInView {
    fn can_undo(&self, check_in: &CheckIn) -> bool {
        !check_in.is_void && check_in.used_at + UNDO_WINDOW > self.now
    }

    /// Returns why a ticket should not have admitted, in a few words.
    fn reason(&self, conflict: &Conflict) -> String {
        Answer::find(&self.page, &conflict.reason).map_or_else(String::new, |answer| answer.heading)
    }

    /// Returns the name of a door, or that it was the seller.
    fn door(&self, door: Option<&String>) -> String {
        door.cloned()
            .unwrap_or_else(|| self.page.text("check-in-by-seller").to_string())
    }

    /// Returns the ids of the texts of the numbers, and the numbers.
    const fn counts(&self) -> [(&'static str, u64); 3] {
        let CheckIns {
            issued, admitted, void, ..
        } = self.state;
        let open = issued.saturating_sub(admitted).saturating_sub(void);
        [
            ("check-in-count-admitted", admitted),
            ("check-in-count-open", open),
            ("check-in-count-void", void),
        ]
    }

    fn path(&self) -> String {
        path(self.id)
    }
}

/// What a page has to answer.
enum Outcome {
    Nothing,
    Admitted(CheckIn),
    Kind(&'static str),
    Failed(ApiError),
}

fn path(id: TicketId) -> String {
    format!("/sell/{id}/check-in")
}

pub(super) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id = visit.parameter("id")?;
    respond(&visit, id, Outcome::Nothing).await
}

/// Redirects from the address of a form to its page, after a reload or after signing in.
pub(super) async fn back(visit: Visit) -> PageResult {
    let id: TicketId = visit.parameter("id")?;
    visit.redirect(&path(id))
}

pub(super) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: TicketId = visit.parameter("id")?;
    let form = visit.form().await?;
    let code = form.trimmed("code");
    if code.is_empty() {
        return respond(&visit, id, Outcome::Kind("malformed")).await;
    }
    let key = key_with(form.raw("key"), &code);
    let outcome = match check_ins::check_in(visit.session(), id, &code, &key).await {
        Ok(check_in) => Outcome::Admitted(check_in),
        Err(error) => Outcome::Failed(error),
    };
    respond(&visit, id, outcome).await
}

pub(super) async fn undo(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: TicketId = visit.parameter("id")?;
    let form = visit.form().await?;
    let admission: AdmissionId = form.parsed("admission").ok_or(Failure::Malformed)?;
    let outcome = match check_ins::undo(visit.session(), id, admission).await {
        Ok(()) => Outcome::Kind("undone"),
        Err(error) => Outcome::Failed(error),
    };
    respond(&visit, id, outcome).await
}

async fn respond(visit: &Visit, id: TicketId, outcome: Outcome) -> PageResult {
    let anonymous = Anonymous(&visit.app().api);
    let (state, listing) = join(
        check_ins::list(visit.session(), id, RECENT),
        tickets::get(&anonymous, id),
    )
    .await;
    let (state, listing) = (state?, listing?);
    let zone = listing.zone();
    let page = visit.page("check-in-title").about(&listing.title);
    let (answer, status) = match outcome {
        Outcome::Nothing => (None, StatusCode::OK),
        Outcome::Admitted(check_in) => (Answer::admitted(&page, &check_in), StatusCode::OK),
        Outcome::Kind(kind) => {
            let status = if kind == "malformed" {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::OK
            };
            (Answer::find(&page, kind), status)
        }
        Outcome::Failed(error) => {
            let answer = error.refusal().and_then(|refusal| {
                let answer = Answer::refused(&page, refusal, &zone)?;
                Some((answer, refusal.status))
            });
            let Some((answer, status)) = answer else {
                return Err(error.into());
            };
            (Some(answer), status)
        }
    };
    let view = CheckInView {
        page: page.with_script("scanner.js").with_script("check-in.js"),
        id,
        title: listing.title,
        zone,
        now: visit.now(),
        state,
        answer,
        key: new_key(visit),
    };
    let mut response = visit.show_with(status, &view, &Policy::default().with_camera())?;
    let no_store = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}
