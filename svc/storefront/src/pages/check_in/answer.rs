//! What people at a door read within a second.

use localization::{TimeZone, date_time};

use crate::{
    api_client::{Refusal, check_ins::CheckIn},
    frame::Page,
};

/// The answer to a code.
pub(super) struct Answer {
    /// The name of its kind, which scripts use, too.
    pub(super) kind: &'static str,
    pub(super) class: &'static str,
    pub(super) heading: String,
    pub(super) explanation: String,
    /// Who, when and where.
    pub(super) detail: Option<String>,
}

/// Kind, class, and the ids of both texts.
type Texts = (&'static str, &'static str, &'static str, &'static str);

const GOOD: &str = "verdict--good";
const BAD: &str = "verdict--bad";
const WARN: &str = "verdict--warn";

/// Every answer. The kinds of refusals are those of the ticket service's problems.
const ANSWERS: [Texts; 17] = [
    ("admitted", GOOD, "check-in-admitted", "check-in-admitted-text"),
    (
        "admitted-offline",
        GOOD,
        "check-in-admitted",
        "check-in-admitted-offline-text",
    ),
    (
        "offline-typed",
        WARN,
        "check-in-offline-typed",
        "check-in-offline-typed-text",
    ),
    ("already-admitted", BAD, "check-in-already", "check-in-already-text"),
    ("admission-refunded", BAD, "check-in-refunded", "check-in-refunded-text"),
    ("admission-disputed", BAD, "check-in-disputed", "check-in-disputed-text"),
    ("admission-replaced", BAD, "check-in-replaced", "check-in-replaced-text"),
    ("other-listing", BAD, "check-in-other", "check-in-other-text"),
    ("ticket-withdrawn", BAD, "check-in-withdrawn", "check-in-withdrawn-text"),
    ("unknown-code", BAD, "check-in-unknown", "check-in-unknown-text"),
    ("malformed", WARN, "check-in-malformed", "check-in-malformed-text"),
    ("too-many", WARN, "check-in-too-many", "check-in-too-many-text"),
    ("undone", WARN, "check-in-undone", "check-in-undone-text"),
    (
        "not-admitted",
        WARN,
        "check-in-not-admitted",
        "check-in-not-admitted-text",
    ),
    ("undo-too-late", WARN, "check-in-too-late", "check-in-too-late-text"),
    ("offline", WARN, "check-in-offline", "check-in-offline-text"),
    ("closed", BAD, "check-in-closed", "check-in-closed-text"),
];

impl Answer {
    fn of(page: &Page, (kind, class, heading, explanation): Texts) -> Self {
        Self {
            kind,
            class,
            heading: page.text(heading).to_string(),
            explanation: page.text(explanation).to_string(),
            detail: None,
        }
    }

    /// Returns the answers for a script.
    pub(super) fn all(page: &Page) -> Vec<Self> {
        ANSWERS.into_iter().map(|texts| Self::of(page, texts)).collect()
    }

    /// Returns the answer of a kind; `None` if there is none.
    pub(super) fn find(page: &Page, kind: &str) -> Option<Self> {
        let texts = ANSWERS.into_iter().find(|texts| texts.0 == kind)?;
        Some(Self::of(page, texts))
    }

    /// Returns the answer that somebody is admitted.
    pub(super) fn admitted(page: &Page, check_in: &CheckIn) -> Option<Self> {
        let which = page.text("check-in-ticket").with("number", check_in.number);
        let which = which.with("of", check_in.of).to_string();
        Some(Self {
            detail: Some(match &check_in.holder {
                Some(holder) => format!("{holder} · {which}"),
                None => which,
            }),
            ..Self::find(page, "admitted")?
        })
    }

    /// Returns the answer to a refusal; `None` if it is about something else.
    pub(super) fn refused(page: &Page, refusal: &Refusal, zone: &TimeZone) -> Option<Self> {
        let kind = match refusal.status.as_u16() {
            422 => "malformed",
            429 => "too-many",
            _ => refusal.kind.as_str(),
        };
        let mut answer = Self::find(page, kind)?;
        if kind == "already-admitted" {
            answer.detail = refusal.used_at.map(|at| {
                let seller = || page.text("check-in-by-seller").to_string();
                let door = refusal.door.clone().unwrap_or_else(seller);
                format!("{} · {door}", date_time(page.language(), at, zone))
            });
        }
        Some(answer)
    }
}
