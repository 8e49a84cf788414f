//! The memory that the largest allowed picture takes. The only test of its process, so that the peak is that of the conversion.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, io::Cursor};

use image::{ImageFormat, Rgba, RgbaImage};
use pictures::{Format, MAX_PIXELS, convert};

/// Returns a value of the process in MiB, by its name in `/proc/self/status`.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_conversion_needs_little_more_than_the_decoded_pixels() {
    let side = u32::try_from(MAX_PIXELS.isqrt()).unwrap();
    let mut file = Cursor::new(Vec::new());
    let pixels = RgbaImage::from_pixel(side, side, Rgba([220, 30, 30, 128]));
    pixels.write_to(&mut file, ImageFormat::Png).unwrap();
    drop(pixels);
    let before = memory("VmRSS");
    // Resets the peak: https://docs.kernel.org/filesystems/proc.html
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let picture = convert(file.get_ref(), Format::Png).unwrap();
    assert_eq!((picture.large.width, picture.small.width), (1600, 640));
    let needed = memory("VmHWM") - before;
    let decoded = MAX_PIXELS * 4 / 1024 / 1024;
    assert!((decoded..decoded + 96).contains(&needed), "{needed} MiB");
}
