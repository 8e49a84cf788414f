//! The time zones and currencies that the form of a listing offers to choose from.

/// Names in the IANA database. Others are entered as text.
pub(crate) const ZONES: [&str; 44] = [
    "Europe/Amsterdam",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/Bucharest",
    "Europe/Budapest",
    "Europe/Copenhagen",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Oslo",
    "Europe/Paris",
    "Europe/Prague",
    "Europe/Rome",
    "Europe/Stockholm",
    "Europe/Vienna",
    "Europe/Warsaw",
    "Europe/Zurich",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Toronto",
    "America/Vancouver",
    "Asia/Bangkok",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Kolkata",
    "Asia/Kuala_Lumpur",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Melbourne",
    "Australia/Sydney",
    "Pacific/Auckland",
    "UTC",
];

/// The codes of all currencies that the marketplace charges.
pub(crate) const CURRENCIES: [&str; 30] = [
    "aed", "aud", "bhd", "brl", "cad", "chf", "czk", "dkk", "eur", "gbp", "hkd", "huf", "inr", "isk", "jod", "jpy",
    "kwd", "mxn", "myr", "nok", "nzd", "omr", "pln", "ron", "sek", "sgd", "thb", "tnd", "ugx", "usd",
];

/// Whether the list has a zone.
pub(crate) fn is_offered(name: &str) -> bool {
    ZONES.contains(&name)
}

#[cfg(test)]
mod tests {
    use localization::TimeZone;
    use values::Currency;

    use super::*;

    #[test]
    fn every_choice_exists() {
        for name in ZONES {
            assert!(name.parse::<TimeZone>().is_ok(), "{name}");
        }
        for code in CURRENCIES {
            assert!(code.parse::<Currency>().is_ok(), "{code}");
        }
    }
}
