//! A ticket that somebody offers, by the link of a mail.
//!
//! The path of the page is a secret. A button accepts, so that programs which follow the links of a mail accept nothing.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;

use crate::{
    api_client::{
        Anonymous, ApiError,
        transfers::{self, OfferedTicket, TransferStatus, TransferToken},
    },
    frame::{Page, PageResult, Policy, ReturnPath, Visit, sign_in_path},
    pages::parts::Message,
};

#[derive(Template)]
#[template(path = "transfer.html")]
struct TransferView {
    page: Page,
    ticket: OfferedTicket,
    zone: TimeZone,
    is_signed_in: bool,
    /// The path of this page.
    path: String,
    sign_in: String,
    sign_up: String,
}

pub(super) async fn show(visit: Visit) -> PageResult {
    let Some(token) = token(&visit)? else {
        return show_message(&visit, StatusCode::NOT_FOUND, INVALID);
    };
    let ticket = match transfers::get(&Anonymous(&visit.app().api), &token).await {
        Ok(ticket) => ticket,
        Err(error) if is_unknown(&error) => return show_message(&visit, StatusCode::NOT_FOUND, INVALID),
        Err(error) => return Err(error.into()),
    };
    if let Some(message) = ended(ticket.status) {
        return show_message(&visit, StatusCode::OK, message);
    }
    let next = ReturnPath::parse(visit.uri_path());
    let view = TransferView {
        page: visit.page("transfer-title"),
        zone: TimeZone::of_listing(ticket.time_zone.as_deref()),
        ticket,
        is_signed_in: visit.session().is_signed_in(),
        path: next.as_str().to_owned(),
        sign_up: sign_in_path(&next).replacen("/signin", "/signup", 1),
        sign_in: sign_in_path(&next),
    };
    visit.show_with(StatusCode::OK, &view, &policy())
}

pub(super) async fn submit(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let Some(token) = token(&visit)? else {
        return show_message(&visit, StatusCode::NOT_FOUND, INVALID);
    };
    let form = visit.form().await?;
    let refused = match form.raw("answer") {
        "accept" => match transfers::accept(visit.session(), &token).await {
            Ok(id) => return visit.redirect(&format!("/tickets/{id}")),
            Err(error) => error,
        },
        "decline" => match transfers::decline(visit.session(), &token).await {
            Ok(()) => return show_message(&visit, StatusCode::OK, DECLINED),
            Err(error) => error,
        },
        _ => return show(visit).await,
    };
    if is_unknown(&refused) {
        return show_message(&visit, StatusCode::NOT_FOUND, INVALID);
    }
    let message = match &refused {
        error if error.is_kind("own-transfer") => OWN,
        error if error.is_kind("second-factor-required") => SECOND_FACTOR,
        error if error.is_kind("transfer-ended") => {
            let code = refused.refusal().and_then(|refusal| refusal.code.as_deref());
            match code {
                Some("accepted") => ACCEPTED,
                Some("declined") => DECLINED,
                Some("expired") => EXPIRED,
                _ => CANCELLED,
            }
        }
        _ => return Err(refused.into()),
    };
    let status = refused.refusal().map_or(StatusCode::CONFLICT, |refusal| refusal.status);
    show_message(&visit, status, message)
}

/// A message of the page: its heading, its explanation, and where the person can go on.
#[derive(Clone, Copy)]
struct Outcome {
    heading: &'static str,
    explanation: &'static str,
    links: &'static [(&'static str, &'static str)],
}

const HOME: (&str, &str) = ("error-home", "/");
const TICKETS: (&str, &str) = ("transfer-my-tickets", "/tickets");

const INVALID: Outcome = Outcome {
    heading: "transfer-unknown-title",
    explanation: "transfer-unknown",
    links: &[HOME],
};
const ACCEPTED: Outcome = Outcome {
    heading: "transfer-accepted-title",
    explanation: "transfer-accepted",
    links: &[TICKETS, HOME],
};
const DECLINED: Outcome = Outcome {
    heading: "transfer-declined-title",
    explanation: "transfer-declined",
    links: &[HOME],
};
const CANCELLED: Outcome = Outcome {
    heading: "transfer-cancelled-title",
    explanation: "transfer-cancelled",
    links: &[HOME],
};
const EXPIRED: Outcome = Outcome {
    heading: "transfer-expired-title",
    explanation: "transfer-expired",
    links: &[HOME],
};
const OWN: Outcome = Outcome {
    heading: "transfer-own-title",
    explanation: "transfer-own",
    links: &[TICKETS],
};
const SECOND_FACTOR: Outcome = Outcome {
    heading: "transfer-second-factor-title",
    explanation: "transfer-second-factor",
    links: &[("transfer-account", "/account/second-factor"), HOME],
};

/// Returns what the page says about an offer that has ended.
const fn ended(status: TransferStatus) -> Option<Outcome> {
    match status {
        TransferStatus::Offered => None,
        TransferStatus::Accepted => Some(ACCEPTED),
        TransferStatus::Declined => Some(DECLINED),
        TransferStatus::Expired => Some(EXPIRED),
        TransferStatus::Cancelled => Some(CANCELLED),
    }
}

fn show_message(visit: &Visit, status: StatusCode, outcome: Outcome) -> PageResult {
    let message = Message {
        heading: outcome.heading,
        explanation: outcome.explanation,
        hints: &[],
        email: String::new(),
        links: outcome.links,
    };
    message.show(visit, status, &policy())
}

fn token(visit: &Visit) -> Result<Option<TransferToken>, crate::frame::Failure> {
    Ok(TransferToken::parse(&visit.parameter::<String>("token")?))
}

/// Whether the service has no such offer.
fn is_unknown(error: &ApiError) -> bool {
    error.is_status(StatusCode::NOT_FOUND) || error.is_status(StatusCode::BAD_REQUEST)
}

fn policy() -> Policy {
    Policy::default().secret()
}
