//! Admissions to show at the door: their codes, QR codes and printable pages.

mod base32;
mod code;
mod pass;
mod pdf;
mod png;

pub use code::{CodeKey, CodeSecret, MalformedCode, PublicKey, ScannedCode, SignedCode};
pub use pass::Pass;
pub use pdf::{MAX_PASSES, PdfError, pdf};
pub use png::{PngError, png};
pub use qr::svg;
