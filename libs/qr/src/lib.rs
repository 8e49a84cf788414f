//! QR codes as modules and as SVG.

use std::fmt::Write;

use qrcodegen::{DataTooLong, QrCode, QrCodeEcc};

/// The quiet zone around the code, in modules (ISO/IEC 18004).
pub const QUIET_ZONE: u32 = 4;

/// The text does not fit a QR code.
#[derive(Debug, thiserror::Error)]
#[error("the text does not fit a QR code: {0}")]
pub struct TooLong(#[from] DataTooLong);

/// The dark modules of a QR code, row by row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Modules {
    width: u32,
    is_dark: Vec<bool>,
}

/// A horizontal run of dark modules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// The column of the first module.
    pub x: u32,
    /// The row.
    pub y: u32,
    /// The number of modules.
    pub length: u32,
}

impl Modules {
    /// Encodes a text at level M or a higher one that fits the same size: at least 15 % of the code can be unreadable.
    ///
    /// # Errors
    ///
    /// The text is too long.
    pub fn encode(text: &str) -> Result<Self, TooLong> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium)?;
        let width = code.size();
        let positions = (0..width).flat_map(|y| (0..width).map(move |x| (x, y)));
        Ok(Self {
            width: width.unsigned_abs(),
            is_dark: positions.map(|(x, y)| code.get_module(x, y)).collect(),
        })
    }

    /// Returns the width of the code without the quiet zone.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Returns the width of the code with the quiet zone on both sides.
    #[must_use]
    pub const fn width_with_quiet_zone(&self) -> u32 {
        self.width + 2 * QUIET_ZONE
    }

    /// Returns the runs of dark modules, row by row. Their positions are those in the code with its quiet zone.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        let width = usize::try_from(self.width).unwrap_or_default().max(1);
        (QUIET_ZONE..).zip(self.is_dark.chunks(width)).flat_map(|(y, row)| {
            let mut next = QUIET_ZONE;
            row.chunk_by(|left, right| left == right).filter_map(move |run| {
                let (x, length) = (next, u32::try_from(run.len()).unwrap_or_default());
                next += length;
                (run.first() == Some(&true)).then_some(Run { x, y, length })
            })
        })
    }
}

/// Returns a QR code as SVG without a size: dark on white, in any colour scheme, because scanners expect that.
///
/// # Errors
///
/// The text is too long.
pub fn svg(text: &str) -> Result<String, TooLong> {
    let modules = Modules::encode(text)?;
    let size = modules.width_with_quiet_zone();
    let mut path = String::new();
    for Run { x, y, length } in modules.runs() {
        let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_code_of_an_admission_fits_version_8() {
        let text = format!("T1:{}", "Z".repeat(180));
        let modules = Modules::encode(&text).unwrap();
        assert_eq!(modules.width(), 17 + 4 * 8);
    }

    #[test]
    fn runs_and_svg_have_the_dark_modules() {
        let text = "otpauth://totp/Ticketing:ada%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Ticketing";
        let modules = Modules::encode(text).unwrap();
        let (code, svg) = (
            QrCode::encode_text(text, QrCodeEcc::Medium).unwrap(),
            svg(text).unwrap(),
        );
        let mut dark = Vec::new();
        for Run { x, y, length } in modules.runs() {
            assert!(svg.contains(&format!("M{x} {y}h{length}v1h-{length}z")));
            dark.extend((x..x + length).map(|x| (x, y)));
        }
        let size = 0..modules.width();
        let expected: Vec<_> = size
            .clone()
            .flat_map(|y| size.clone().map(move |x| (x, y)))
            .filter(|(x, y)| code.get_module(x.cast_signed(), y.cast_signed()))
            .map(|(x, y)| (x + QUIET_ZONE, y + QUIET_ZONE))
            .collect();
        assert_eq!(dark, expected);
    }

    #[test]
    fn a_text_that_no_code_holds_is_an_error() {
        assert!(svg(&"a".repeat(3_000)).is_err());
    }
}
