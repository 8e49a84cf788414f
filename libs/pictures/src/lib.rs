//! Pictures that users upload: decoded within limits, reduced to their pixels, encoded anew. See `README.md`.

mod convert;
mod file;

pub use convert::{Jpeg, Picture, convert};
pub use file::Format;

/// The maximum number of pixels of a file.
pub const MAX_PIXELS: u64 = 40_000_000;

/// The maximum width of the large size.
pub const LARGE_WIDTH: u32 = 1600;

/// The maximum width of the small size.
pub const SMALL_WIDTH: u32 = 640;

/// Why a file is not converted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidPicture {
    /// It has another format than announced, or none that is supported.
    #[error("the file is not the {0} that it is announced as")]
    OtherFormat(&'static str),
    /// It has too many pixels.
    #[error("the picture has more than 40 megapixels, or too many colours for its size")]
    TooLarge,
    /// It has several frames.
    #[error("the picture is animated")]
    Animated,
    /// It ends too early, has data after its end, or is damaged.
    #[error("the file is incomplete or damaged")]
    Damaged,
}

#[cfg(test)]
mod tests;
