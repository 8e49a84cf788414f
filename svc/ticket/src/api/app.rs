//! What the handlers share.

use db::Db;
use sale_limits::SaleLimits;
use values::Clock;

use super::cached_reads::CachedReads;

/// The state that the operations share.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    /// The limits that the order service enforces, to show.
    pub(crate) limits: SaleLimits,
    pub(crate) reads: CachedReads,
}
