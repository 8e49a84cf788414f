use localization::{TimeZone, date_time};
use passes::{Label, MAX_PASSES, Pass, PdfError, ScannedCode};

use super::{
    links::{Keys, SealedText, open},
    wording::MESSAGES,
};
use crate::domain::{Admission, Material};

/// The files with tickets that a mail has at most: mail servers limit the size of mails. The page of the order has all tickets.
const MAX_FILES: usize = 3;

/// A file that is attached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) media_type: &'static str,
    pub(crate) content: Vec<u8>,
}

/// Tickets cannot be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotPrint {
    /// A code cannot be decrypted.
    #[error(transparent)]
    Sealed(#[from] SealedText),
    /// The document cannot be written.
    #[error("the tickets cannot be printed: {0}")]
    Pdf(#[from] PdfError),
}

/// Returns the tickets of a mail as printable files.
pub(super) fn attachments(material: &Material, keys: &Keys) -> Result<Vec<Attachment>, CannotPrint> {
    let files = material.admissions.chunks(MAX_PASSES).take(MAX_FILES).enumerate();
    files
        .map(|(index, admissions)| {
            let passes = admissions.iter().map(|admission| pass(material, admission, keys));
            let content = passes::pdf(&passes.collect::<Result<Vec<_>, _>>()?)?;
            let name = if index == 0 {
                "tickets.pdf".to_owned()
            } else {
                format!("tickets-{}.pdf", index + 1)
            };
            Ok(Attachment {
                name,
                media_type: "application/pdf",
                content,
            })
        })
        .collect()
}

fn pass(material: &Material, admission: &Admission, keys: &Keys) -> Result<Pass, CannotPrint> {
    const WHAT: &str = "code";
    let purpose = events::Admission::code_purpose(admission.id);
    let opened = open(&keys.admission, &purpose, &admission.sealed_code, WHAT)?;
    let qr = String::from_utf8(opened).map_err(|_| SealedText::Malformed(WHAT))?;
    let scanned = ScannedCode::parse(&qr).map_err(|_| SealedText::Malformed(WHAT))?;
    let texts = MESSAGES.in_language(material.language);
    let mut labels = Vec::new();
    let mut add = |name: localization::Text<'_>, text: String| {
        labels.push(Label {
            name: name.to_string(),
            text,
        });
    };
    if let Some(listing) = &material.listing {
        if let Some(starts_at) = listing.starts_at {
            let zone = TimeZone::of_listing(listing.time_zone.as_deref());
            add(texts.text("label-time"), date_time(material.language, starts_at, &zone));
        }
        if let Some(venue) = &listing.venue {
            add(texts.text("label-venue"), venue.clone());
        }
    }
    let holder = material.name.clone().unwrap_or_else(|| material.address.clone());
    add(texts.text("label-holder"), holder);
    let number = texts
        .text("ticket-number")
        .with("number", admission.number)
        .with("of", admission.of);
    add(texts.text("label-ticket"), number.to_string());
    Ok(Pass {
        title: material
            .listing
            .as_ref()
            .map(|listing| listing.title.clone())
            .unwrap_or_default(),
        labels,
        qr,
        short_code: scanned.secret().short_form(),
        note: texts.text("ticket-note").to_string(),
    })
}
