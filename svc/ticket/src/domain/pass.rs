//! Printable passes.

use localization::{TimeZone, date_time};
use passes::{Label, Pass, SignedCode};
use values::Language;

use super::{listing::Listing, offer::ShortText, shown_admission::ShownAdmission, time_zone::TimeZoneName};

/// Returns the pass of an admission.
pub(crate) fn pass(shown: &ShownAdmission, listing: &Listing, code: &SignedCode) -> Pass {
    let (terms, state) = (&listing.state().terms, shown.admission.state());
    let label = |name: &str, text: String| Label {
        name: name.to_owned(),
        text,
    };
    let zone = TimeZone::of_listing(terms.time_zone.as_ref().map(TimeZoneName::as_str));
    let starts_at = terms
        .starts_at
        .map(|at| label("Begins", date_time(Language::English, at, &zone)));
    let venue = terms
        .venue
        .as_ref()
        .map(|venue| label("Venue", venue.as_str().to_owned()));
    let holder = shown.holder().map(|holder| label("Holder", holder));
    let number = label(
        "Ticket",
        format!("{} of {}, order {}", state.number, state.of, state.order_id),
    );
    Pass {
        title: ShortText::as_str(&terms.title).to_owned(),
        labels: [starts_at, venue, holder, Some(number)].into_iter().flatten().collect(),
        qr: code.text(),
        short_code: code.secret.short_form(),
        note: "Admits one person, once. Anyone with this code can use it: show it at the door only.".to_owned(),
    }
}
