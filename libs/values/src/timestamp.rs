use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::openapi::string_type;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z; in JSON RFC 3339 with milliseconds, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

/// A text that is not a time in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time in RFC 3339, such as 2027-06-01T19:30:00Z")]
pub struct MalformedTimestamp;

impl Timestamp {
    /// Returns the time `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z, as in a JWT (RFC 7519, `NumericDate`).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the time from `self` until `later`; zero if `later` is in the past.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or_default())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).map_err(|_| fmt::Error)?;
        let (date, time) = (at.date(), at.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}

impl FromStr for Timestamp {
    type Err = MalformedTimestamp;

    fn from_str(text: &str) -> Result<Self, MalformedTimestamp> {
        // The parser accepts any separator, but the grammar of RFC 3339 has one (section 5.6), as has JSON Schema.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(MalformedTimestamp);
        }
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| MalformedTimestamp)?;
        let at = at.checked_to_offset(UtcOffset::UTC).ok_or(MalformedTimestamp)?;
        // RFC 3339 has years of four digits.
        if !(0..=9999).contains(&at.year()) {
            return Err(MalformedTimestamp);
        }
        i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000))
            .map(Self)
            .map_err(|_| MalformedTimestamp)
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

string_type!(
    Timestamp,
    "string_date-time",
    Some("date-time"),
    "2027-06-01T19:30:00.000Z"
);

/// A source of the current time: the system's, or a manual one for tests.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<ManualTime>),
}

#[derive(Debug)]
struct ManualTime {
    now: AtomicI64,
    elapsed: AtomicI64,
}

impl Clock {
    /// Returns the system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Returns a clock that stands at `start` until it is advanced. Clones share its time.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(ManualTime {
            now: AtomicI64::new(start.0),
            elapsed: AtomicI64::new(0),
        })))
    }

    /// Returns the current time. It may be set back, by an operator or by time synchronisation.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(time) => Timestamp(time.now.load(Ordering::SeqCst)),
        }
    }

    /// Returns the time since the process first called it, or since the creation of a manual clock. It is never set back: for
    /// periods that are measured in memory.
    pub fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Source::System => START.elapsed(),
            Source::Manual(time) => {
                let millis = time.elapsed.load(Ordering::SeqCst);
                Duration::from_millis(millis.unsigned_abs())
            }
        }
    }

    /// Advances a manual clock; has no effect on the system's.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(time) = &self.0 {
            time.now.fetch_add(millis(by), Ordering::SeqCst);
            time.elapsed.fetch_add(millis(by), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock back, as an operator may set the system's: no time elapses. Has no effect on the system's.
    pub fn set_back(&self, by: Duration) {
        if let Source::Manual(time) = &self.0 {
            time.now.fetch_sub(millis(by), Ordering::SeqCst);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the system's clock is read"
)]
fn system_now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(millis(since))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_timestamp_is_written_as_rfc_3339_in_utc() {
        let at: Timestamp = "2027-06-01T21:30:00.5+02:00".parse().unwrap();
        assert_eq!(at.to_string(), "2027-06-01T19:30:00.500Z");
        for bad in [
            "",
            "tomorrow",
            "2027-06-01",
            "2027-13-01T00:00:00Z",
            "2027-06-01T19:30:00",
            "2027-06-01 19:30:00Z",
            "2027-06-01x19:30:00Z",
            "2027-06-01T19:30:00+24:00",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(MalformedTimestamp), "{bad}");
        }
    }

    #[test]
    fn a_manual_clock_advances_for_all_its_clones() {
        let clock = Clock::manual(Timestamp::from_millis(1000));
        let other = clock.clone();
        clock.advance(Duration::from_secs(2));
        assert_eq!(other.now(), Timestamp::from_millis(3000));
        assert_eq!(other.now().until(Timestamp::from_millis(2000)), Duration::ZERO);
        clock.set_back(Duration::from_secs(1));
        assert_eq!(other.now(), Timestamp::from_millis(2000));
        assert_eq!(other.elapsed(), Duration::from_secs(2), "no time is taken back");
    }

    proptest! {
        #[test]
        fn every_timestamp_survives_formatting_and_parsing(millis in -62_167_219_200_000_i64..=253_402_300_799_999) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(at.to_string().parse(), Ok(at));
        }
    }
}
