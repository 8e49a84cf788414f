//! Printable passes.

use localization::TimeZone;
use passes::{Pass, SignedCode};
use values::Language;

use super::{listing::Listing, offer::ShortText, shown_admission::ShownAdmission, time_zone::TimeZoneName};

/// Returns the pass of an admission for a reader of this language.
pub(crate) fn pass(shown: &ShownAdmission, listing: &Listing, code: &SignedCode, language: Language) -> Pass {
    let (terms, state) = (&listing.state().terms, shown.admission.state());
    Pass {
        language,
        title: ShortText::as_str(&terms.title).to_owned(),
        starts_at: terms.starts_at,
        zone: TimeZone::of_listing(terms.time_zone.as_ref().map(TimeZoneName::as_str)),
        venue: terms.venue.as_ref().map(|venue| venue.as_str().to_owned()),
        holder: shown.holder(),
        number: state.number,
        of: state.of,
        qr: code.text(),
        short_code: code.secret.short_form(),
    }
}
