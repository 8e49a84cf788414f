use std::str::FromStr;

use jiff::{ZonedDateTime, civil, fmt::strtime, tz};
use values::{Language, Timestamp};

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimeZone(tz::TimeZone);

/// A text that names no time zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be the name of a time zone in the IANA database, such as Europe/Berlin")]
pub struct UnknownTimeZone;

impl TimeZone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(tz::TimeZone::UTC);

    /// Returns the time zone of a listing: UTC if it has none, or one that this release does not have.
    pub fn of_listing(name: Option<&str>) -> Self {
        name.and_then(|name| name.parse().ok()).unwrap_or(Self::UTC)
    }
}

impl FromStr for TimeZone {
    type Err = UnknownTimeZone;

    fn from_str(name: &str) -> Result<Self, UnknownTimeZone> {
        // `Etc/Unknown` is jiff's placeholder for a zone that cannot be determined.
        if name.eq_ignore_ascii_case("Etc/Unknown") {
            return Err(UnknownTimeZone);
        }
        tz::TimeZone::get(name).map(Self).map_err(|_| UnknownTimeZone)
    }
}

/// Writes a date: `Sat, 12 June 2027` in English, `Sa., 12. Juni 2027` in German.
pub fn date(language: Language, at: Timestamp, zone: &TimeZone) -> String {
    let local = local(at, zone);
    let weekday = WEEKDAYS[usize::from(local.weekday().to_monday_zero_offset().unsigned_abs())];
    let month = MONTHS[usize::from(local.month().unsigned_abs().saturating_sub(1))];
    let (day, year) = (local.day(), local.year());
    match language {
        Language::English => format!("{}, {day} {} {year}", weekday.0, month.0),
        Language::German => format!("{}., {day}. {} {year}", weekday.1, month.1),
    }
}

/// Writes a time of day with its zone: `20:00 CEST` in English, `20:00 Uhr MESZ` in German.
pub fn time(language: Language, at: Timestamp, zone: &TimeZone) -> String {
    let local = local(at, zone);
    let (hour, minute, zone) = (local.hour(), local.minute(), zone_name(language, &local));
    match language {
        Language::English => format!("{hour:02}:{minute:02} {zone}"),
        Language::German => format!("{hour:02}:{minute:02} Uhr {zone}"),
    }
}

/// Writes date and time: `Sat, 12 June 2027, 20:00 CEST` in English, `Sa., 12. Juni 2027, 20:00 Uhr MESZ` in German.
pub fn date_time(language: Language, at: Timestamp, zone: &TimeZone) -> String {
    format!("{}, {}", date(language, at, zone), time(language, at, zone))
}

/// Returns date and time with the offset (RFC 3339), for machines: `2027-06-12T20:00:00+02:00`.
pub fn offset_date_time(at: Timestamp, zone: &TimeZone) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%S%:z", &local(at, zone)).unwrap_or_default()
}

/// Returns date and time without the offset, as the value of an input of the type `datetime-local`: `2027-06-12T20:00`.
pub fn local_date_time(at: Timestamp, zone: &TimeZone) -> String {
    strtime::format("%Y-%m-%dT%H:%M", &local(at, zone)).unwrap_or_default()
}

/// Parses the value of an input of the type `datetime-local`. Of a time that occurs twice in the zone the first is returned,
/// and a time that is skipped is as much later as the clocks go forward. Returns `None` if it is malformed.
pub fn parse_local_date_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    // The format has no other parts: no zone, no offset.
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats
        .iter()
        .find_map(|format| civil::DateTime::strptime(format, text).ok())?;
    let at = zone.0.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// Abbreviations of the weekdays from Monday, in English and German.
const WEEKDAYS: [(&str, &str); 7] = [
    ("Mon", "Mo"),
    ("Tue", "Di"),
    ("Wed", "Mi"),
    ("Thu", "Do"),
    ("Fri", "Fr"),
    ("Sat", "Sa"),
    ("Sun", "So"),
];

/// The months, in English and German.
const MONTHS: [(&str, &str); 12] = [
    ("January", "Januar"),
    ("February", "Februar"),
    ("March", "März"),
    ("April", "April"),
    ("May", "Mai"),
    ("June", "Juni"),
    ("July", "Juli"),
    ("August", "August"),
    ("September", "September"),
    ("October", "Oktober"),
    ("November", "November"),
    ("December", "Dezember"),
];

/// Returns the local time. A time outside jiff's range of years is shown as its first or last.
fn local(at: Timestamp, zone: &TimeZone) -> ZonedDateTime {
    let limit = if at.millis() < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    };
    let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or(limit);
    at.to_zoned_datetime(zone.0.clone())
}

/// Returns the abbreviation of the zone. Zones without one have their offset: `UTC+4`.
fn zone_name(language: Language, local: &ZonedDateTime) -> String {
    let zone = local.time_zone().to_offset_info(local.timestamp());
    match (language, zone.abbreviation()) {
        (Language::German, "CET") => "MEZ".to_owned(),
        (Language::German, "CEST") => "MESZ".to_owned(),
        (_, name) if name.starts_with(['+', '-']) => format!("UTC{}", short_offset(name)),
        (_, name) => name.to_owned(),
    }
}

/// Shortens an offset: `+04` to `+4`, `-0330` to `-3:30`.
fn short_offset(name: &str) -> String {
    let (sign, digits) = name.split_at(1);
    let (hours, minutes) = digits.split_at_checked(2).unwrap_or((digits, ""));
    let hours = hours.strip_prefix('0').unwrap_or(hours);
    if minutes.is_empty() {
        format!("{sign}{hours}")
    } else {
        format!("{sign}{hours}:{minutes}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        name.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_time_is_local_to_its_zone_and_in_the_language() {
        for (utc, name, english, german) in [
            (
                "2027-06-12T18:00:00Z",
                "Europe/Berlin",
                "Sat, 12 June 2027, 20:00 CEST",
                "Sa., 12. Juni 2027, 20:00 Uhr MESZ",
            ),
            (
                "2027-12-31T23:30:00Z",
                "Europe/Berlin",
                "Sat, 1 January 2028, 00:30 CET",
                "Sa., 1. Januar 2028, 00:30 Uhr MEZ",
            ),
            (
                "2027-03-08T00:05:00Z",
                "America/New_York",
                "Sun, 7 March 2027, 19:05 EST",
                "So., 7. März 2027, 19:05 Uhr EST",
            ),
            (
                "2027-05-03T12:00:00Z",
                "Asia/Dubai",
                "Mon, 3 May 2027, 16:00 UTC+4",
                "Mo., 3. Mai 2027, 16:00 Uhr UTC+4",
            ),
            (
                "2027-05-03T12:00:00Z",
                "Asia/Kathmandu",
                "Mon, 3 May 2027, 17:45 UTC+5:45",
                "Mo., 3. Mai 2027, 17:45 Uhr UTC+5:45",
            ),
            (
                "2027-10-06T09:00:00Z",
                "UTC",
                "Wed, 6 October 2027, 09:00 UTC",
                "Mi., 6. Oktober 2027, 09:00 Uhr UTC",
            ),
        ] {
            assert_eq!(date_time(Language::English, at(utc), &zone(name)), english);
            assert_eq!(date_time(Language::German, at(utc), &zone(name)), german);
        }
    }

    #[test]
    fn machines_read_the_offset_and_forms_the_local_time() {
        let (berlin, time) = (zone("Europe/Berlin"), at("2027-06-12T18:00:00Z"));
        assert_eq!(offset_date_time(time, &berlin), "2027-06-12T20:00:00+02:00");
        assert_eq!(offset_date_time(time, &TimeZone::UTC), "2027-06-12T18:00:00+00:00");
        assert_eq!(local_date_time(time, &berlin), "2027-06-12T20:00");
        assert_eq!(parse_local_date_time("2027-06-12T20:00", &berlin), Some(time));
        assert_eq!(parse_local_date_time("2027-06-12T20:00:00", &berlin), Some(time));
    }

    #[test]
    fn a_local_time_that_is_skipped_or_occurs_twice_is_resolved() {
        let berlin = zone("Europe/Berlin");
        assert_eq!(
            parse_local_date_time("2027-03-28T02:30", &berlin),
            Some(at("2027-03-28T01:30:00Z"))
        );
        assert_eq!(
            parse_local_date_time("2027-10-31T02:30", &berlin),
            Some(at("2027-10-31T00:30:00Z"))
        );
    }

    #[test]
    fn a_malformed_local_time_is_refused() {
        for bad in [
            "",
            "2027-06-12",
            "2027-13-01T00:00",
            "2027-02-29T00:00",
            "2027-06-12T20:00Z",
            "2027-06-12T20:00[UTC]",
        ] {
            assert_eq!(parse_local_date_time(bad, &TimeZone::UTC), None, "{bad}");
        }
    }

    #[test]
    fn a_time_zone_is_one_of_the_iana_database() {
        for bad in [
            "",
            "Berlin",
            "+02:00",
            "Europe/Atlantis",
            "../etc/passwd",
            "Etc/Unknown",
            "CEST-2",
        ] {
            assert_eq!(bad.parse::<TimeZone>(), Err(UnknownTimeZone), "{bad}");
        }
        assert_eq!(TimeZone::of_listing(None), TimeZone::UTC);
        assert_eq!(TimeZone::of_listing(Some("Europe/Atlantis")), TimeZone::UTC);
        assert_eq!(TimeZone::of_listing(Some("Europe/Berlin")), zone("Europe/Berlin"));
    }

    #[test]
    fn a_time_beyond_the_range_of_years_is_written() {
        for millis in [i64::MIN, i64::MAX] {
            assert!(!date_time(Language::English, Timestamp::from_millis(millis), &TimeZone::UTC).is_empty());
        }
    }
}
