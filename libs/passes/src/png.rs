//! QR codes as PNG.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use qr::{Modules, Run};

/// Pixels of a module.
const PIXELS: u32 = 8;

/// A QR code cannot be drawn as PNG.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The text is too long.
    #[error(transparent)]
    TooLong(#[from] qr::TooLong),
    /// The image cannot be encoded.
    #[error("the image cannot be encoded: {0}")]
    Image(#[from] image::ImageError),
}

/// Returns a QR code as PNG, 8 pixels a module.
///
/// # Errors
///
/// The text is too long.
pub fn png(text: &str) -> Result<Vec<u8>, PngError> {
    let modules = Modules::encode(text)?;
    let size = modules.width_with_quiet_zone() * PIXELS;
    let mut image = GrayImage::from_pixel(size, size, Luma([255]));
    for Run { x, y, length } in modules.runs() {
        for row in 0..PIXELS {
            for column in 0..length * PIXELS {
                image.put_pixel(x * PIXELS + column, y * PIXELS + row, Luma([0]));
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
    fn a_picture_has_the_modules_of_the_code() {
        let modules = Modules::encode("T1:ABC").unwrap();
        let image = image::load_from_memory(&png("T1:ABC").unwrap()).unwrap().into_luma8();
        let size = 0..modules.width_with_quiet_zone();
        let all = size.clone().flat_map(|y| size.clone().map(move |x| (x, y)));
        let is_dark = |(x, y): &(u32, u32)| image.get_pixel(x * PIXELS, y * PIXELS).0 == [0];
        let runs = modules
            .runs()
            .flat_map(|run| (run.x..run.x + run.length).map(move |x| (x, run.y)));
        assert_eq!(all.filter(is_dark).collect::<Vec<_>>(), runs.collect::<Vec<_>>());
    }

    #[test]
    fn a_scanner_reads_the_text() {
        for text in [
            format!("T1:{}", "0123456789ABCDEFGHJKMNPQRS".repeat(7)[..180].to_owned()),
            "T1:Ä".to_owned(),
        ] {
            let image = image::load_from_memory(&png(&text).unwrap()).unwrap().into_luma8();
            let size = usize::try_from(image.width()).unwrap();
            let pixel = |x, y| image.as_raw()[y * size + x];
            let mut scanned = rqrr::PreparedImage::prepare_from_greyscale(size, size, pixel);
            let codes: Vec<_> = scanned
                .detect_grids()
                .iter()
                .map(|code| code.decode().unwrap().1)
                .collect();
            assert_eq!(codes, [text]);
        }
    }
}
