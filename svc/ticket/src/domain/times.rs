//! The times of an offer: they have to be in the future and to fit together.

use values::Timestamp;

use super::{offer::Terms, sale_period::InvalidTime};

/// The times of an offer that are invalid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, thiserror::Error)]
#[error("times of the offer are invalid")]
pub(crate) struct InvalidTimes {
    pub(crate) starts_at: Option<InvalidTime>,
    pub(crate) refundable_until: Option<InvalidTime>,
    pub(crate) sales_begin: Option<InvalidTime>,
    pub(crate) sales_end: Option<InvalidTime>,
}

/// Checks that a new time, if there is one, is in the future.
pub(crate) fn ensure_future(time: Option<Timestamp>, now: Timestamp) -> Result<(), InvalidTime> {
    if time.is_some_and(|time| time <= now) {
        Err(InvalidTime::Past)
    } else {
        Ok(())
    }
}

/// Checks that new times are in the future, and that the times of the sale fit together.
///
/// Times in the past may stay: the description of yesterday's concert can still be corrected. The begin of the sale may be in
/// the past: the tickets are on sale at once.
pub(super) fn check_times(terms: &Terms, present: Option<&Terms>, now: Timestamp) -> Result<(), InvalidTimes> {
    let check_new = |time: fn(&Terms) -> Option<Timestamp>| {
        let new = time(terms).filter(|new| present.and_then(time) != Some(*new));
        ensure_future(new, now)
    };
    let (sale, starts_at) = (terms.sale, terms.starts_at);
    let invalid = InvalidTimes {
        starts_at: check_new(|terms| terms.starts_at).err(),
        refundable_until: check_new(|terms| terms.refunds.refundable_until).err(),
        sales_begin: sale.check_begin(starts_at).err(),
        sales_end: check_new(|terms| terms.sale.end).and(sale.check_end(starts_at)).err(),
    };
    if invalid == InvalidTimes::default() {
        Ok(())
    } else {
        Err(invalid)
    }
}
