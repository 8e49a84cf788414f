//! The start of a period, as an argument of a command.

use std::{str::FromStr, time::Duration};

use values::Timestamp;

/// The start of a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// At this time.
    At(Timestamp),
    /// This long ago.
    Ago(Duration),
}

/// The text is neither a time nor a duration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a time such as 2027-06-01T00:00:00Z, or a duration such as 90m, 24h or 7d")]
pub struct MalformedSince;

impl Since {
    /// Returns the time, given the current one.
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(ago) => now - ago,
        }
    }
}

impl FromStr for Since {
    type Err = MalformedSince;

    fn from_str(text: &str) -> Result<Self, MalformedSince> {
        if let Ok(moment) = text.parse() {
            return Ok(Self::At(moment));
        }
        let (number, seconds) = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
            .into_iter()
            .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
            .ok_or(MalformedSince)?;
        let number: u32 = number.parse().map_err(|_| MalformedSince)?;
        Ok(Self::Ago(Duration::from_secs(u64::from(number) * seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_accepted() {
        let now: Timestamp = "2027-06-02T12:00:00Z".parse().unwrap();
        for (text, moment) in [
            ("2027-06-01T00:00:00Z", "2027-06-01T00:00:00Z"),
            ("36h", "2027-06-01T00:00:00Z"),
            ("90m", "2027-06-02T10:30:00Z"),
            ("2d", "2027-05-31T12:00:00Z"),
            ("30s", "2027-06-02T11:59:30Z"),
        ] {
            assert_eq!(
                text.parse::<Since>().unwrap().resolve(now),
                moment.parse().unwrap(),
                "{text}"
            );
        }
        for text in ["", "d", "1w", "-1h", "yesterday", "1.5h", "99999999999d"] {
            assert_eq!(text.parse::<Since>(), Err(MalformedSince), "{text}");
        }
    }
}
