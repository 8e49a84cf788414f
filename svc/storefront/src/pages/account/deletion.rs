//! Deleting the account.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::Timestamp;

use super::refused;
use crate::{
    api_client::{
        ApiError,
        account::{self, DeletionObstacle, DeletionStatus},
    },
    forms::FieldErrors,
    frame::{Failure, Page, PageResult, Policy, Visit},
};

const PATH: &str = "/account/deletion";

/// Where a request leads to: a session that has ended there means that the account is deleted.
const REQUESTED_PATH: &str = "/account/deletion?requested=1";

/// For how long the result is looked for before the page is sent, and how often: services decide within a second, as a rule.
const WAIT: Duration = Duration::from_secs(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

const ORDERS: Link = Link("/orders", "deletion-link-orders");
const SALES: Link = Link("/sell", "deletion-link-sales");

#[derive(Template)]
#[template(path = "account/deletion.html")]
struct DeletionView {
    page: Page,
    /// Services have not decided yet.
    is_waiting: bool,
    /// The account is active again, but a service that refused something has not received that yet.
    is_reopening: bool,
    refused: Option<Refused>,
    zone: TimeZone,
    needs_code: bool,
    errors: FieldErrors,
}

/// A request that was refused.
struct Refused {
    requested_at: Timestamp,
    obstacles: Vec<Obstacle>,
}

/// What prevents the deletion: the id of a text, and the pages where it is settled.
struct Obstacle {
    text: &'static str,
    links: &'static [Link],
}

/// A path and the id of a text.
struct Link(&'static str, &'static str);

#[derive(Template)]
#[template(path = "account/deleted.html")]
struct DeletedView {
    page: Page,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let is_requested = visit.query("requested").is_some();
    let shown = async {
        visit.require_sign_in()?;
        respond(&visit, StatusCode::OK, FieldErrors::default()).await
    };
    match shown.await {
        Err(Failure::SignInFirst) if is_requested => visit.show(&DeletedView {
            page: visit.page("deleted-title"),
        }),
        shown => shown,
    }
}

pub(crate) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let form = visit.form().await?;
    let (password, code) = (form.raw("password"), form.optional("code"));
    let mut errors = FieldErrors::default();
    if password.is_empty() {
        errors.add("password", visit.texts().text("password-required"));
        return respond(&visit, StatusCode::UNPROCESSABLE_ENTITY, errors).await;
    }
    if let Err(error) = account::request_deletion(visit.session(), password, code.as_deref()).await {
        let status = refused::field_errors(&visit, error, "password", "", &mut errors)?;
        return respond(&visit, status, errors).await;
    }
    wait_for_decision(&visit).await;
    visit.redirect(REQUESTED_PATH)
}

/// Withdraws the request, unless it is decided meanwhile.
pub(crate) async fn withdraw(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    match account::withdraw_deletion(visit.session()).await {
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => visit.redirect(PATH),
        Err(error) if error.is_status(StatusCode::UNAUTHORIZED) => visit.redirect(REQUESTED_PATH),
        Err(error) => Err(error.into()),
        _ => visit.redirect("/account?done=deletion-withdrawn"),
    }
}

/// Redirects from the address of the form that withdraws.
pub(crate) async fn back(visit: Visit) -> PageResult {
    visit.redirect(PATH)
}

async fn wait_for_decision(visit: &Visit) {
    let is_decided = async {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            match account::deletion(visit.session()).await {
                Ok(Some(deletion)) if deletion.status == DeletionStatus::Requested => {}
                _ => return,
            }
        }
    };
    // The page says that it is not decided yet.
    let _ = tokio::time::timeout(WAIT, is_decided).await;
}

async fn respond(visit: &Visit, status: StatusCode, errors: FieldErrors) -> PageResult {
    let session = visit.session();
    let found: Result<_, ApiError> = tokio::try_join!(account::deletion(session), account::second_factor(session));
    let (deletion, second_factor) = found?;
    let is_waiting = deletion
        .as_ref()
        .is_some_and(|deletion| deletion.status == DeletionStatus::Requested);
    let view = DeletionView {
        page: visit.page("deletion-title"),
        is_waiting,
        is_reopening: !is_waiting && visit.query("refused").is_some(),
        refused: deletion.filter(|_| !is_waiting).map(|deletion| Refused {
            requested_at: deletion.requested_at,
            obstacles: deletion.obstacles.into_iter().map(obstacle).collect(),
        }),
        zone: TimeZone::UTC,
        needs_code: second_factor.enabled,
        errors,
    };
    visit.show_with(status, &view, &Policy::default())
}

fn obstacle(obstacle: DeletionObstacle) -> Obstacle {
    let (text, links): (_, &[_]) = match obstacle {
        DeletionObstacle::OpenOrders => ("deletion-open-orders", &[ORDERS, SALES]),
        DeletionObstacle::OpenListings => ("deletion-open-listings", &[SALES]),
        DeletionObstacle::OpenRefunds => ("deletion-open-refunds", &[ORDERS, SALES]),
        DeletionObstacle::OpenDisputes => ("deletion-open-disputes", &[ORDERS, SALES]),
        DeletionObstacle::Balance => ("deletion-balance", &[Link("/sell/balance", "deletion-link-balance")]),
        DeletionObstacle::OpenTransfers => ("deletion-open-transfers", &[Link("/tickets", "deletion-link-tickets")]),
        DeletionObstacle::Other => ("deletion-other", &[]),
    };
    Obstacle { text, links }
}
