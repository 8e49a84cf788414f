//! The structure of a file: whether it is complete and has one picture, checked before anything is decoded.
//!
//! The decoders accept files that end too early, and fill the rest with grey.

use crate::InvalidPicture;

/// A format of files that are accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// PNG (<https://www.w3.org/TR/png-3/>).
    Png,
    /// WebP (RFC 9649).
    WebP,
}

/// The maximum number of scans of a JPEG: those of cameras and programs have about ten.
const MAX_SCANS: u32 = 64;

impl Format {
    /// Returns its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
        }
    }

    /// Checks that a file has this format and is complete.
    pub(crate) fn check(self, file: &[u8]) -> Result<(), InvalidPicture> {
        let has_format = match self {
            Self::Jpeg => file.starts_with(b"\xff\xd8\xff"),
            Self::Png => file.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::WebP => file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP"),
        };
        if !has_format {
            return Err(InvalidPicture::OtherFormat(self.name()));
        }
        let is_complete = match self {
            Self::Jpeg => is_complete_jpeg(file),
            Self::Png => is_complete_png(file),
            Self::WebP => is_complete_webp(file),
        };
        if is_complete == Some(true) {
            Ok(())
        } else {
            Err(InvalidPicture::Damaged)
        }
    }
}

/// Whether the segments of a JPEG and its scans lead to the end of the picture. `None` if the file ends before.
fn is_complete_jpeg(file: &[u8]) -> Option<bool> {
    let mut rest = file.get(2..)?;
    let mut scans = 0;
    loop {
        let [0xff, marker, after @ ..] = rest else { return None };
        match marker {
            // Fill bytes before a marker.
            0xff => rest = rest.get(1..)?,
            // The end of the image.
            0xd9 => return Some(scans > 0),
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => rest = after,
            _ => {
                let length = u16::from_be_bytes([*after.first()?, *after.get(1)?]);
                rest = after.get(usize::from(length).max(2)..)?;
                // A scan has entropy-coded data behind its header.
                if *marker == 0xda {
                    scans += 1;
                    if scans > MAX_SCANS {
                        return Some(false);
                    }
                    rest = rest.get(end_of_scan(rest)?..)?;
                }
            }
        }
    }
}

/// Returns the position of the marker behind entropy-coded data. In it, 0xff is followed by 0, or begins a restart marker.
fn end_of_scan(data: &[u8]) -> Option<usize> {
    data.windows(2)
        .position(|pair| matches!(pair, [0xff, marker] if !matches!(marker, 0x00 | 0xd0..=0xd7)))
}

/// Whether the chunks of a PNG lead to its end chunk, and the file ends there. `None` if it ends before.
fn is_complete_png(file: &[u8]) -> Option<bool> {
    let mut rest = file.get(8..)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        // The content, and its checksum.
        rest = after.get(length.checked_add(4)?..)?;
        if kind == b"IEND" {
            return Some(rest.is_empty());
        }
    }
}

/// Whether a WebP is as long as it states, padded to an even length. `None` if it is shorter.
fn is_complete_webp(file: &[u8]) -> Option<bool> {
    let (length, _) = file.get(4..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let end = length.checked_add(8)?;
    let rest = file.get(end..)?;
    Some(rest.is_empty() || (end % 2 == 1 && rest == [0]))
}
