/// The picture of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Image {
    /// Names the files: other pixels have another hash.
    pub(crate) hash: String,
    /// The width of the large file in pixels.
    pub(crate) width: u32,
    /// The height of the large file in pixels.
    pub(crate) height: u32,
}

/// A file of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ImageSize {
    Large,
    Small,
}

impl ImageSize {
    /// Returns the smallest size that has this width, or else the large one.
    pub(crate) fn at_least(width: u32) -> Self {
        if width <= pictures::SMALL_WIDTH {
            Self::Small
        } else {
            Self::Large
        }
    }

    /// Returns its name in entity tags.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Small => "small",
        }
    }
}
