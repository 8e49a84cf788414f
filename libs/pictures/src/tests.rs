//! Real files, made here: what becomes of their pixels, and what is refused.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;

const RED: [u8; 3] = [220, 30, 30];
const BLUE: [u8; 3] = [30, 30, 220];

/// A picture whose left half is red and whose right half is blue.
fn halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| Rgb(if x < width / 2 { RED } else { BLUE }))
}

fn file(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn decoded(jpeg: &Jpeg) -> RgbImage {
    let image = image::load_from_memory_with_format(&jpeg.bytes, ImageFormat::Jpeg).unwrap();
    assert_eq!((image.width(), image.height()), (jpeg.width, jpeg.height));
    image.into_rgb8()
}

/// Asserts that a pixel has about this colour, as JPEG allows.
fn assert_pixel(image: &RgbImage, x: u32, y: u32, colour: [u8; 3]) {
    let pixel = image.get_pixel(x, y).0;
    let is_close = pixel
        .iter()
        .zip(colour)
        .all(|(is, expected)| is.abs_diff(expected) < 24);
    assert!(is_close, "{pixel:?} at {x}, {y} is not {colour:?}");
}

/// Inserts a segment behind the start of a JPEG.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// Returns EXIF data with an orientation and a place.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    [
        b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".as_slice(),
        &entry,
        b"\0\0\0\0",
        b"SECRET-PLACE",
    ]
    .concat()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_picture_of_each_format_becomes_two_jpegs_with_its_pixels() {
    for (format, announced) in [
        (ImageFormat::Jpeg, Format::Jpeg),
        (ImageFormat::Png, Format::Png),
        (ImageFormat::WebP, Format::WebP),
    ] {
        let picture = convert(&file(halves(2000, 1000), format), announced).unwrap();
        assert_eq!((picture.large.width, picture.large.height), (1600, 800));
        assert_eq!((picture.small.width, picture.small.height), (640, 320));
        for jpeg in [&picture.large, &picture.small] {
            let image = decoded(jpeg);
            assert_pixel(&image, 10, 10, RED);
            assert_pixel(&image, jpeg.width - 10, jpeg.height - 10, BLUE);
        }
        assert_eq!(picture.hash.len(), 32);
    }
    let small = convert(&file(halves(100, 50), ImageFormat::Png), Format::Png).unwrap();
    assert_eq!((small.large.width, small.small.width), (100, 100), "not enlarged");
    let other = convert(&file(halves(100, 51), ImageFormat::Png), Format::Png).unwrap();
    assert_ne!(small.hash, other.hash);
}

#[test]
fn the_orientation_is_applied_and_the_metadata_removed() {
    let plain = file(halves(80, 40), ImageFormat::Jpeg);
    for (orientation, size, first, last) in [
        (1, (80, 40), RED, BLUE),
        (3, (80, 40), BLUE, RED),
        // Turned clockwise: the left half is the upper one. And the other way.
        (6, (40, 80), RED, BLUE),
        (8, (40, 80), BLUE, RED),
        (99, (80, 40), RED, BLUE),
    ] {
        let photo = with_segment(&plain, 0xe1, &exif(orientation));
        let photo = with_segment(&photo, 0xfe, b"SECRET-COMMENT <script>");
        let picture = convert(&photo, Format::Jpeg).unwrap();
        assert_eq!((picture.large.width, picture.large.height), size, "{orientation}");
        let image = decoded(&picture.large);
        assert_pixel(&image, 4, 4, first);
        assert_pixel(&image, size.0 - 5, size.1 - 5, last);
        for jpeg in [&picture.large, &picture.small] {
            assert!(!contains(&jpeg.bytes, b"SECRET") && !contains(&jpeg.bytes, b"Exif"));
        }
    }
}

#[test]
fn transparent_pixels_become_white() {
    let image = RgbaImage::from_fn(64, 64, |x, _| {
        if x < 32 {
            Rgba([0, 0, 0, 0])
        } else {
            Rgba([RED[0], RED[1], RED[2], 255])
        }
    });
    for (format, announced) in [(ImageFormat::Png, Format::Png), (ImageFormat::WebP, Format::WebP)] {
        let picture = convert(&file(image.clone(), format), announced).unwrap();
        assert_pixel(&decoded(&picture.large), 4, 4, [255, 255, 255]);
        assert_pixel(&decoded(&picture.large), 60, 60, RED);
    }
}

#[test]
fn long_pictures_are_bounded_in_height_too() {
    let tall = convert(&file(halves(40, 9000), ImageFormat::Png), Format::Png).unwrap();
    assert_eq!(tall.large.height, 3200);
    assert_eq!(tall.small.height, 1280);
    let wide = convert(&file(halves(9000, 1), ImageFormat::Png), Format::Png).unwrap();
    assert_eq!((wide.large.width, wide.large.height), (1600, 1));
}

#[test]
fn a_file_of_another_format_than_announced_is_refused() {
    let png = file(halves(8, 8), ImageFormat::Png);
    let jpeg = file(halves(8, 8), ImageFormat::Jpeg);
    for (file, announced) in [
        (&*png, Format::Jpeg),
        (&*png, Format::WebP),
        (&*jpeg, Format::Png),
        (b"GIF89a\x01\0\x01\0", Format::Png),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Format::WebP),
        (b"", Format::Jpeg),
        (b"RIFF\x04\0\0\0WAVE", Format::WebP),
    ] {
        let refused = convert(file, announced).unwrap_err();
        assert!(matches!(refused, InvalidPicture::OtherFormat(_)), "{refused:?}");
    }
}

#[test]
fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
    for (format, announced) in [
        (ImageFormat::Jpeg, Format::Jpeg),
        (ImageFormat::Png, Format::Png),
        (ImageFormat::WebP, Format::WebP),
    ] {
        let whole = file(halves(64, 64), format);
        for end in 0..whole.len() {
            assert!(convert(&whole[..end], announced).is_err(), "{format:?} of {end} bytes");
        }
        let _ = convert(&whole, announced).unwrap();
    }
}

#[test]
fn data_behind_a_picture_is_refused_or_left_out() {
    let trailing = b"PK\x03\x04<script>alert(1)</script>";
    for (format, announced) in [(ImageFormat::Png, Format::Png), (ImageFormat::WebP, Format::WebP)] {
        let polyglot = [file(halves(8, 8), format), trailing.to_vec()].concat();
        assert_eq!(convert(&polyglot, announced), Err(InvalidPicture::Damaged));
    }
    let polyglot = [file(halves(8, 8), ImageFormat::Jpeg), trailing.to_vec()].concat();
    let picture = convert(&polyglot, Format::Jpeg).unwrap();
    assert!(!contains(&picture.large.bytes, b"script") && !contains(&picture.small.bytes, b"PK\x03\x04"));
}

/// Returns a PNG with chunks before its image data.
fn png_with(width: u32, height: u32, depth: u8, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut append = |kind: &[u8; 4], content: &[u8]| {
        png.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        let checked = [kind.as_slice(), content].concat();
        png.extend(&checked);
        png.extend(crc(&checked).to_be_bytes());
    };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, 6, 0, 0, 0]].concat();
    append(b"IHDR", &header);
    for (kind, content) in chunks {
        append(kind, content);
    }
    // An empty zlib stream.
    append(b"IDAT", &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]);
    append(b"IEND", &[]);
    png
}

/// The checksum of a chunk (<https://www.w3.org/TR/png-3/#D-CRCAppendix>).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    for (width, height, depth) in [
        (100_000, 100_000, 8),
        (6326, 6326, 8),
        (6000, 6000, 16),
        (u32::MAX >> 1, 1, 8),
    ] {
        let bomb = png_with(width, height, depth, &[]);
        let refused = convert(&bomb, Format::Png).unwrap_err();
        assert!(
            matches!(refused, InvalidPicture::TooLarge | InvalidPicture::Damaged),
            "{width} × {height}: {refused:?}"
        );
    }
    assert_eq!(
        convert(&png_with(6326, 6326, 8, &[]), Format::Png),
        Err(InvalidPicture::TooLarge)
    );
    // A JPEG that states 65,535 × 65,535 pixels: the height and width of its frame header.
    let mut jpeg = file(halves(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    assert_eq!(convert(&jpeg, Format::Jpeg), Err(InvalidPicture::TooLarge));
    // A JPEG with many scans.
    let jpeg = file(halves(8, 8), ImageFormat::Jpeg);
    let scan = jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let end = jpeg.len() - 2;
    let many = [&jpeg[..scan], &jpeg[scan..end].repeat(65), &jpeg[end..]].concat();
    assert_eq!(convert(&many, Format::Jpeg), Err(InvalidPicture::Damaged));
}

#[test]
fn animated_pictures_are_refused() {
    let apng = png_with(8, 8, 8, &[(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])]);
    assert_eq!(convert(&apng, Format::Png), Err(InvalidPicture::Animated));
    // An extended WebP with the flag of an animation, and one frame of a still one.
    let still = file(halves(8, 8), ImageFormat::WebP);
    let image = &still[12..];
    let frame_length = u32::try_from(16 + image.len()).unwrap().to_le_bytes();
    let frame = [
        b"ANMF",
        &frame_length[..],
        &[0; 6],
        &[7, 0, 0, 7, 0, 0],
        &[100, 0, 0, 0],
        image,
    ]
    .concat();
    let header = [b"VP8X", &10u32.to_le_bytes()[..], &[0x02, 0, 0, 0], &[7, 0, 0, 7, 0, 0]].concat();
    let control = [b"ANIM", &6u32.to_le_bytes()[..], &[0; 6]].concat();
    let content = [b"WEBP".as_slice(), &header, &control, &frame].concat();
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    let animated = [b"RIFF", &length[..], &content].concat();
    assert_eq!(convert(&animated, Format::WebP), Err(InvalidPicture::Animated));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_damage_makes_the_conversion_panic(
        which in 0..3usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let (format, announced) = [
            (ImageFormat::Jpeg, Format::Jpeg),
            (ImageFormat::Png, Format::Png),
            (ImageFormat::WebP, Format::WebP),
        ][which];
        let mut file = file(halves(24, 16), format);
        for (at, byte) in damage {
            let length = file.len();
            file[at.index(length)] = byte;
        }
        let _ = convert(&file, announced);
    }
}
