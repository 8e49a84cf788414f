//! What the handlers share.

use db::Db;
use poem_openapi::Tags;
use sale_limits::SaleLimits;
use values::Clock;

use super::{cached_reads::CachedReads, code_attempts::CodeAttempts, picture_queue::PictureQueue, rendering::Renderer};
use crate::{domain::Codes, metrics::CheckInCounters};

/// The state that the operations share.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    /// The limits that the order service enforces, to show.
    pub(crate) limits: SaleLimits,
    /// Whether sellers must have confirmed their email address.
    pub(crate) requires_confirmed_address: bool,
    pub(crate) reads: CachedReads,
    /// The keys of codes.
    pub(crate) codes: Codes,
    pub(crate) renderer: Renderer,
    pub(crate) code_attempts: CodeAttempts,
    pub(crate) check_ins: CheckInCounters,
    pub(crate) pictures: PictureQueue,
}

/// The groups of the operations in the API reference.
#[derive(Tags)]
pub(super) enum Tag {
    /// Listings of tickets.
    Tickets,
    /// Tickets in the hand: codes, QR codes, printable pages, transfers.
    Admissions,
}
