//! What a database that was put back from a backup has forgotten.

use values::Timestamp;

/// What may be forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Amnesia {
    /// Since when payments may have begun that are not here.
    pub(crate) since: Timestamp,
    /// Since when they are looked for.
    pub(crate) began_at: Timestamp,
}
