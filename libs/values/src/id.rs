use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use uuid::{Builder, Timestamp as UuidTime, Uuid, Version};

use crate::{Timestamp, openapi::string_type};

/// A text that is not a UUID in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID such as 01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e")]
pub struct MalformedId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// A UUID of version 7 (RFC 9562): ids sort by their time of creation.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Returns a new, unique id.
            pub fn new(now: Timestamp) -> Self {
                Self(next_uuid(now))
            }

            /// Returns an id that is not above any that is created at `now` or later.
            pub fn earliest(now: Timestamp) -> Self {
                Self(earliest_uuid(now))
            }

            /// Returns the 16 bytes of the UUID.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// Returns the id with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Returns the time of creation in whole milliseconds; `None` for a UUID of another version.
            pub fn created_at(self) -> Option<Timestamp> {
                created_at(self.0)
            }

            /// Returns whether the id is so recent that its resource may not be replicated to other services yet.
            pub fn is_recent(self, now: Timestamp) -> bool {
                self.created_at().is_some_and(|created_at| {
                    created_at.until(now) < MAX_RECENT_AGE && now.until(created_at) < MAX_RECENT_AGE
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse(text).map(Self)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.to_string().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.parse().map_err(|malformed: MalformedId| FromSqlError::Other(Box::new(malformed)))
            }
        }

        impl poem_openapi::types::Example for $name {
            fn example() -> Self {
                Self(Uuid::from_u128(0x0193_6f5e_8c1a_7c3e_9d2b_4f6a_8b0c_2d4e))
            }
        }

        string_type!($name, "string_uuid", Some("uuid"), "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e");
    )+};
}

ids! {
    /// A user account.
    UserId,
    /// A listing of identical tickets.
    TicketId,
    /// An order: tickets of one listing, held for or sold to one buyer.
    OrderId,
    /// A payment attempt for one order.
    PaymentId,
    /// A refund of tickets of one order.
    RefundId,
    /// An admission: the right of one person to enter the event of a listing once.
    AdmissionId,
    /// A door at which people are admitted to the event of a listing.
    DoorId,
    /// A scan of a code at a door, named by the device that scanned it.
    ScanId,
    /// A transfer of an admission to somebody else.
    TransferId,
    /// A mail about an account.
    MailId,
    /// A session: the refresh tokens of one signed-in device.
    SessionId,
    /// A message on the bus.
    EventId,
}

/// The age below which an id is recent. Clocks of the services may differ by no more.
const MAX_RECENT_AGE: Duration = Duration::from_secs(10);

/// The bits of the counter (RFC 9562, section 6.2, method 1). The topmost is zero at the start, which leaves room to count.
const COUNTER_BITS: u8 = 42;

/// The milliseconds whose counters are kept. Services in one process do not read the clock at the same moment, and those of
/// tests have clocks of their own.
const RECENT: usize = 64;

/// The ids of this process.
static IDS: Mutex<Sequence> = Mutex::new(Sequence::EMPTY);

/// The latest milliseconds of ids, and their counters. Within a millisecond the counter increases from a random start, so
/// that ids sort by creation. If the clock is set back, ids sort before earlier ones: they contain the time.
struct Sequence {
    /// The least recently used first.
    recent: [(u64, u64); RECENT],
}

impl Sequence {
    const EMPTY: Self = Self {
        recent: [(u64::MAX, 0); RECENT],
    };

    fn next(&mut self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.millis()).unwrap_or_default();
        let nanos = u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000;
        let count = self.count(millis);
        let time = UuidTime::from_unix_time(millis / 1000, nanos, count.into(), COUNTER_BITS);
        Uuid::new_v7(time)
    }

    /// Returns the next value of the counter of a millisecond.
    fn count(&mut self, millis: u64) -> u64 {
        let known = self.recent.iter().rposition(|(recent, _)| *recent == millis);
        let count = match known {
            Some(place) => self.recent[place].1 + 1,
            None => getrandom::u64().unwrap_or_default() >> 23,
        };
        // It takes the last place; a new millisecond replaces the first one.
        self.recent[known.unwrap_or(0)..].rotate_left(1);
        self.recent[RECENT - 1] = (millis, count);
        count
    }
}

fn next_uuid(now: Timestamp) -> Uuid {
    IDS.lock().unwrap_or_else(PoisonError::into_inner).next(now)
}

fn earliest_uuid(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

fn created_at(id: Uuid) -> Option<Timestamp> {
    (id.get_version() == Some(Version::SortRand)).then_some(())?;
    let millis = id.as_u128() >> 80;
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// Accepts the hyphenated form only, in either case, so that an id has one spelling.
fn parse(text: &str) -> Result<Uuid, MalformedId> {
    if text.len() != 36 {
        return Err(MalformedId);
    }
    Uuid::try_parse(text).map_err(|_| MalformedId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_their_time_of_creation() {
        let now = Timestamp::from_millis(1_700_000_000_123);
        // A sequence of its own: other tests create ids of other times.
        let mut sequence = Sequence::EMPTY;
        let ids: Vec<_> = (0..1000).map(|_| sequence.next(now)).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(created_at(ids[0]), Some(now));
        assert!(sequence.next(Timestamp::from_millis(1_700_000_000_124)) > ids[999]);
        assert!(
            sequence.next(Timestamp::from_millis(1_700_000_000_122)) < ids[0],
            "also when the clock is set back"
        );
    }

    #[test]
    fn ids_of_two_clocks_sort_by_their_time_of_creation() {
        let mut sequence = Sequence::EMPTY;
        let mut next = |millis| sequence.next(Timestamp::from_millis(millis));
        // One stands still, and the other one goes on.
        let ids: Vec<_> = (0..1000)
            .map(|n| [next(1_700_000_000_123), next(1_600_000_000_000 + n)])
            .collect();
        for clock in 0..2 {
            assert!(ids.windows(2).all(|pair| pair[0][clock] < pair[1][clock]));
        }
    }

    #[test]
    fn old_milliseconds_are_replaced() {
        let mut sequence = Sequence::EMPTY;
        for millis in 0..1000 {
            let id = sequence.next(Timestamp::from_millis(millis));
            assert_eq!(created_at(id), Some(Timestamp::from_millis(millis)));
        }
        assert!(sequence.recent.iter().all(|(millis, _)| (936..1000).contains(millis)));
    }

    #[test]
    fn the_earliest_id_of_a_time_divides_earlier_from_later_ids() {
        let at = Timestamp::from_millis(1_800_000_000_123);
        let earliest = OrderId::earliest(at);
        assert_eq!(earliest.created_at(), Some(at));
        for _ in 0..100 {
            assert!(OrderId::new(at - Duration::from_millis(1)) < earliest);
            assert!(OrderId::new(at) >= earliest);
        }
    }

    #[test]
    fn an_id_is_recent_for_a_few_seconds() {
        let now = Timestamp::from_millis(1_700_000_000_123);
        let id = TicketId::new(now);
        assert!(id.is_recent(now + Duration::from_secs(9)));
        assert!(!id.is_recent(now + Duration::from_secs(11)));
        let from_the_future: TicketId = "ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap();
        assert!(!from_the_future.is_recent(now));
    }

    #[test]
    fn one_id_has_one_spelling() {
        let id: TicketId = "01936F5E-8C1A-7C3E-9D2B-4F6A8B0C2D4E".parse().unwrap();
        assert_eq!(id.to_string(), "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e");
        for bad in [
            "",
            "42",
            "01936f5e8c1a7c3e9d2b4f6a8b0c2d4e",
            "{01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4}",
        ] {
            assert_eq!(bad.parse::<TicketId>(), Err(MalformedId), "{bad}");
        }
        let foreign: TicketId = "f47ac10b-58cc-4372-a567-0e02b2c3d479".parse().unwrap();
        assert_eq!(foreign.created_at(), None);
    }
}
