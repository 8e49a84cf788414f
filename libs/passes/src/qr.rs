//! QR codes as SVG and PNG.

use std::{fmt::Write, io::Cursor};

use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, EcLevel, QrCode};

/// The quiet zone around the code, in modules (ISO/IEC 18004).
pub(crate) const QUIET_ZONE: u32 = 4;

/// Pixels of a module in a PNG.
const PIXELS: u32 = 8;

/// A QR code cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum QrError {
    /// The text is too long.
    #[error("the text does not fit a QR code: {0}")]
    TooLong(#[from] qrcode::types::QrError),
    /// The image cannot be encoded.
    #[error("the image cannot be encoded: {0}")]
    Image(#[from] image::ImageError),
}

/// The dark modules of a QR code, row by row.
pub(crate) struct Modules {
    /// The width of the code without the quiet zone.
    pub(crate) width: u32,
    is_dark: Vec<bool>,
}

impl Modules {
    /// Encodes a text at level M: 15 % of the code can be unreadable.
    pub(crate) fn encode(text: &str) -> Result<Self, QrError> {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)?;
        Ok(Self {
            width: u32::try_from(code.width()).unwrap_or_default(),
            is_dark: code.to_colors().into_iter().map(|color| color == Color::Dark).collect(),
        })
    }

    /// Returns the runs of dark modules in each row: column, row, length.
    pub(crate) fn runs(&self) -> Vec<(u32, u32, u32)> {
        let mut runs = Vec::new();
        let width = usize::try_from(self.width).unwrap_or_default().max(1);
        for (y, row) in (0..).zip(self.is_dark.chunks(width)) {
            let mut x = 0;
            for run in row.chunk_by(|left, right| left == right) {
                let length = u32::try_from(run.len()).unwrap_or_default();
                if run.first() == Some(&true) {
                    runs.push((x, y, length));
                }
                x += length;
            }
        }
        runs
    }
}

/// Returns a QR code as SVG: dark on white, in any colour scheme, because scanners expect that.
///
/// # Errors
///
/// The text is too long.
pub fn svg(text: &str) -> Result<String, QrError> {
    let modules = Modules::encode(text)?;
    let size = modules.width + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (x, y, length) in modules.runs() {
        let _ = write!(path, "M{} {}h{length}v1h-{length}z", x + QUIET_ZONE, y + QUIET_ZONE);
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

/// Returns a QR code as PNG, 8 pixels a module.
///
/// # Errors
///
/// The text is too long.
pub fn png(text: &str) -> Result<Vec<u8>, QrError> {
    let modules = Modules::encode(text)?;
    let size = (modules.width + 2 * QUIET_ZONE) * PIXELS;
    let mut image = GrayImage::from_pixel(size, size, Luma([255]));
    for (x, y, length) in modules.runs() {
        for row in 0..PIXELS {
            for column in 0..length * PIXELS {
                image.put_pixel(
                    (x + QUIET_ZONE) * PIXELS + column,
                    (y + QUIET_ZONE) * PIXELS + row,
                    Luma([0]),
                );
            }
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_code_of_an_admission_fits_version_8() {
        let text = format!("T1:{}", "Z".repeat(180));
        let modules = Modules::encode(&text).unwrap();
        assert_eq!(modules.width, 17 + 4 * 8);
    }

    #[test]
    fn svg_and_png_have_the_same_modules() {
        let modules = Modules::encode("T1:ABC").unwrap();
        let image = image::load_from_memory(&png("T1:ABC").unwrap()).unwrap().into_luma8();
        let dark = |x: u32, y: u32| image.get_pixel((x + QUIET_ZONE) * PIXELS, (y + QUIET_ZONE) * PIXELS).0 == [0];
        let svg = svg("T1:ABC").unwrap();
        for (x, y, length) in modules.runs() {
            assert!((x..x + length).all(|x| dark(x, y)));
            assert!(svg.contains(&format!("M{} {}h{length}v1", x + 4, y + 4)));
        }
        let count = modules.is_dark.iter().filter(|dark| **dark).count();
        let drawn = (0..modules.width).flat_map(|y| (0..modules.width).map(move |x| (x, y)));
        assert_eq!(drawn.filter(|(x, y)| dark(*x, *y)).count(), count);
    }
}
