//! Decodes a file, and encodes its pixels anew.

use std::{fmt::Write, io::Cursor};

use image::{
    DynamicImage, ImageDecoder, Limits, Rgb, RgbImage,
    codecs::{
        jpeg::{JpegDecoder, JpegEncoder},
        png::PngDecoder,
        webp::WebPDecoder,
    },
    imageops::{self, FilterType},
    metadata::Orientation,
};
use sha2::{Digest, Sha256};

use crate::{Format, InvalidPicture, LARGE_WIDTH, MAX_PIXELS, SMALL_WIDTH};

/// The maximum size of the decoded pixels: four channels of eight bits.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 4;

/// The quality of the results, of 100.
const QUALITY: u8 = 82;

/// The height of a size is at most this multiple of its width.
const MAX_HEIGHT_TO_WIDTH: u32 = 2;

/// The number of bytes of the hash in its text.
const HASH_BYTES: usize = 16;

/// A picture in two sizes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// The large size.
    pub large: Jpeg,
    /// The small size.
    pub small: Jpeg,
    /// A SHA-256 of both, shortened to 128 bits, in hexadecimal digits.
    pub hash: String,
}

/// A JPEG.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Jpeg {
    /// The file.
    pub bytes: Vec<u8>,
    /// The number of pixels in a row.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
}

/// Converts a file that is announced as this format.
pub fn convert(file: &[u8], format: Format) -> Result<Picture, InvalidPicture> {
    format.check(file)?;
    let (image, orientation) = match format {
        Format::Jpeg => decode(JpegDecoder::new(Cursor::new(file)).map_err(damaged)?)?,
        Format::Png => {
            let mut limits = Limits::default();
            limits.max_alloc = Some(MAX_DECODED_BYTES);
            let decoder = PngDecoder::with_limits(Cursor::new(file), limits).map_err(damaged)?;
            if decoder.is_apng().map_err(damaged)? {
                return Err(InvalidPicture::Animated);
            }
            decode(decoder)?
        }
        Format::WebP => {
            let decoder = WebPDecoder::new(Cursor::new(file)).map_err(damaged)?;
            if decoder.has_animation() {
                return Err(InvalidPicture::Animated);
            }
            decode(decoder)?
        }
    };
    let pixels = upright(image, orientation);
    let large = encode(&pixels, LARGE_WIDTH)?;
    let small = encode(&pixels, SMALL_WIDTH)?;
    let hash = hash(&[&large.bytes, &small.bytes]);
    Ok(Picture { large, small, hash })
}

/// Decodes an image whose size is within the limits.
fn decode(mut decoder: impl ImageDecoder) -> Result<(DynamicImage, Orientation), InvalidPicture> {
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(InvalidPicture::TooLarge);
    }
    // What is wrong with the metadata is no fault of the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    Ok((image, orientation))
}

fn damaged(_: image::ImageError) -> InvalidPicture {
    InvalidPicture::Damaged
}

/// Returns the pixels on white, as the picture is to be seen, at most twice as large as needed.
fn upright(image: DynamicImage, orientation: Orientation) -> RgbImage {
    // Reduced coarsely first: later steps need up to four times the memory of their input. This is the longest side of a result.
    let most = LARGE_WIDTH * MAX_HEIGHT_TO_WIDTH;
    let mut image = if image.width() > most || image.height() > most {
        image.thumbnail(most, most)
    } else {
        image
    };
    image.apply_orientation(orientation);
    if image.color().has_alpha() {
        let pixels = image.into_rgba8();
        RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
            let [red, green, blue, alpha] = pixels.get_pixel(x, y).0;
            Rgb([red, green, blue].map(|channel| on_white(channel, alpha)))
        })
    } else {
        image.into_rgb8()
    }
}

/// Returns a channel of a transparent pixel on white.
fn on_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    let mixed = (channel * alpha + 255 * (255 - alpha) + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// Encodes the pixels in a size of at most this width.
fn encode(pixels: &RgbImage, max_width: u32) -> Result<Jpeg, InvalidPicture> {
    let (width, height) = fit(pixels.dimensions(), (max_width, max_width * MAX_HEIGHT_TO_WIDTH));
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    let written = if (width, height) == pixels.dimensions() {
        pixels.write_with_encoder(encoder)
    } else {
        imageops::resize(pixels, width, height, FilterType::CatmullRom).write_with_encoder(encoder)
    };
    written.map_err(damaged)?;
    Ok(Jpeg { bytes, width, height })
}

/// Returns the largest size of the same shape that fits, at most the size itself.
fn fit((width, height): (u32, u32), (max_width, max_height): (u32, u32)) -> (u32, u32) {
    let proportional = |length: u32, numerator: u32, denominator: u32| {
        let scaled = (u64::from(length) * u64::from(numerator) + u64::from(denominator) / 2) / u64::from(denominator);
        u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
    };
    let (mut width, mut height) = (width.max(1), height.max(1));
    if width > max_width {
        (width, height) = (max_width, proportional(height, max_width, width));
    }
    if height > max_height {
        (width, height) = (proportional(width, max_height, height), max_height);
    }
    (width, height)
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let mut text = String::new();
    for byte in hasher.finalize().iter().take(HASH_BYTES) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
