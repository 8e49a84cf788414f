use values::Timestamp;

/// The time in which a listing is on sale. Whatever it is, the sale ends with the start of the event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SalePeriod {
    /// `None`: at once.
    pub(crate) begin: Option<Timestamp>,
    /// `None`: with the start of the event.
    pub(crate) end: Option<Timestamp>,
}

/// Where a listing is in its sale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SalePhase {
    /// The sale has not begun.
    Before,
    Open,
    /// The sale has ended, before the event begins.
    Ended,
    /// The event has begun.
    EventBegun,
}

/// A time of an offer that is invalid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum InvalidTime {
    #[error("must be in the future")]
    Past,
    #[error("must be before salesEnd")]
    NotBeforeSalesEnd,
    #[error("must be before startsAt")]
    NotBeforeStart,
    #[error("must not be after startsAt")]
    AfterStart,
}

impl SalePeriod {
    /// Returns the phase of a sale that also ends at `starts_at`.
    pub(crate) fn phase(self, starts_at: Option<Timestamp>, now: Timestamp) -> SalePhase {
        let has_come = |time: Option<Timestamp>| time.is_some_and(|time| time <= now);
        if has_come(starts_at) {
            SalePhase::EventBegun
        } else if has_come(self.end) {
            SalePhase::Ended
        } else if self.begin.is_none() || has_come(self.begin) {
            SalePhase::Open
        } else {
            SalePhase::Before
        }
    }

    /// Checks that the sale begins before it ends, and before the event.
    pub(crate) fn check_begin(self, starts_at: Option<Timestamp>) -> Result<(), InvalidTime> {
        let is_before = |later: Option<Timestamp>| match (self.begin, later) {
            (Some(begin), Some(later)) => begin < later,
            _ => true,
        };
        if !is_before(self.end) {
            return Err(InvalidTime::NotBeforeSalesEnd);
        }
        if !is_before(starts_at) {
            return Err(InvalidTime::NotBeforeStart);
        }
        Ok(())
    }

    /// Checks that the sale ends with the start of the event at the latest.
    pub(crate) fn check_end(self, starts_at: Option<Timestamp>) -> Result<(), InvalidTime> {
        match (self.end, starts_at) {
            (Some(end), Some(start)) if end > start => Err(InvalidTime::AfterStart),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + minute * 60_000)
    }

    #[test]
    fn a_sale_is_open_from_its_begin_until_its_end_or_the_start_of_the_event() {
        let sale = |begin: Option<i64>, end: Option<i64>| SalePeriod {
            begin: begin.map(at),
            end: end.map(at),
        };
        for (sale, start, minute, phase) in [
            (sale(None, None), None, 0, SalePhase::Open),
            (sale(Some(1), None), None, 0, SalePhase::Before),
            (sale(Some(1), None), None, 1, SalePhase::Open),
            (sale(Some(1), Some(2)), Some(3), 0, SalePhase::Before),
            (sale(Some(1), Some(2)), Some(3), 1, SalePhase::Open),
            (sale(Some(1), Some(2)), Some(3), 2, SalePhase::Ended),
            (sale(Some(1), Some(2)), Some(3), 3, SalePhase::EventBegun),
            (sale(None, Some(3)), Some(3), 3, SalePhase::EventBegun),
            (sale(None, Some(2)), None, 2, SalePhase::Ended),
        ] {
            assert_eq!(
                sale.phase(start.map(at), at(minute)),
                phase,
                "{sale:?} {start:?} {minute}"
            );
        }
    }

    #[test]
    fn a_sale_begins_before_it_ends_and_ends_with_the_start_at_the_latest() {
        let check = |begin: Option<i64>, end: Option<i64>, start: Option<i64>| {
            let sale = SalePeriod {
                begin: begin.map(at),
                end: end.map(at),
            };
            (
                sale.check_begin(start.map(at)).err(),
                sale.check_end(start.map(at)).err(),
            )
        };
        assert_eq!(check(None, None, Some(0)), (None, None));
        assert_eq!(check(Some(1), Some(2), Some(2)), (None, None));
        assert_eq!(
            check(Some(2), Some(2), None),
            (Some(InvalidTime::NotBeforeSalesEnd), None)
        );
        assert_eq!(check(Some(3), None, Some(3)), (Some(InvalidTime::NotBeforeStart), None));
        assert_eq!(check(None, Some(4), Some(3)), (None, Some(InvalidTime::AfterStart)));
    }
}
