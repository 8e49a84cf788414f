use jiff::tz::TimeZoneDatabase;

/// The name of a time zone of the IANA database, in its spelling there: `Europe/Berlin`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TimeZoneName(String);

/// A text that names no time zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be the name of a time zone in the IANA database, such as Europe/Berlin")]
pub(crate) struct UnknownTimeZone;

/// Entries of the database that stand for an unknown time zone.
const PLACEHOLDERS: [&str; 2] = ["Etc/Unknown", "Factory"];

impl TimeZoneName {
    /// The maximum length in characters. The longest name of the database has 32.
    pub(crate) const MAX_CHARS: usize = 64;

    /// Finds a time zone in the database that is part of the program; the case of letters does not matter.
    pub(crate) fn parse(name: &str) -> Result<Self, UnknownTimeZone> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| UnknownTimeZone)?;
        let name = zone.iana_name().ok_or(UnknownTimeZone)?;
        if PLACEHOLDERS.contains(&name) {
            return Err(UnknownTimeZone);
        }
        Ok(Self(name.to_owned()))
    }

    /// Wraps a name that was validated before it was stored.
    pub(crate) fn from_stored(name: String) -> Self {
        Self(name)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_zone_is_one_of_the_iana_database_in_its_spelling() {
        for (name, spelled) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("America/Argentina/ComodRivadavia", "America/Argentina/ComodRivadavia"),
            ("UTC", "UTC"),
            ("Etc/GMT+12", "Etc/GMT+12"),
            ("Asia/Kolkata", "Asia/Kolkata"),
        ] {
            assert_eq!(TimeZoneName::parse(name).unwrap().as_str(), spelled);
        }
        for bad in [
            "",
            " ",
            "Berlin",
            "Europe/Atlantis",
            "Europe/Berlin ",
            "CEST",
            "+02:00",
            "../../etc/passwd",
            "Etc/Unknown",
            "Factory",
            "Europe",
            "Europe/Berlin\0",
        ] {
            assert_eq!(TimeZoneName::parse(bad), Err(UnknownTimeZone), "{bad:?}");
        }
    }
}
