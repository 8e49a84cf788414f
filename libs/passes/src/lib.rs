//! Admissions to show at the door: their codes, QR codes and printable pages.

mod base32;
mod code;
mod pdf;
mod png;

pub use code::{CodeKey, CodeSecret, MalformedCode, PublicKey, ScannedCode, SignedCode};
pub use pdf::{Label, MAX_PASSES, Pass, PdfError, pdf};
pub use png::{PngError, png};
pub use qr::svg;
