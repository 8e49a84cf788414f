use localization::TimeZone;
use passes::{MAX_PASSES, Pass, PdfError, ScannedCode};

use super::links::{Keys, SealedText, open};
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
    let listing = material.listing.as_ref();
    Ok(Pass {
        language: material.language,
        title: listing.map(|listing| listing.title.clone()).unwrap_or_default(),
        starts_at: listing.and_then(|listing| listing.starts_at),
        zone: TimeZone::of_listing(listing.and_then(|listing| listing.time_zone.as_deref())),
        venue: listing.and_then(|listing| listing.venue.clone()),
        holder: Some(material.name.clone().unwrap_or_else(|| material.address.clone())),
        number: admission.number,
        of: admission.of,
        qr,
        short_code: scanned.secret().short_form(),
    })
}
