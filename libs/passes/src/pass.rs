//! The texts of a printed admission, in the language of its reader.

use std::sync::LazyLock;

use localization::{Messages, TimeZone, date_time};
use values::{Language, Timestamp};

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| Messages::embedded(&FILES));

const FILES: [(Language, &str); 2] = [
    (Language::English, include_str!("../texts/en.ftl")),
    (Language::German, include_str!("../texts/de.ftl")),
];

/// An admission to print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pass {
    /// The language of the reader.
    pub language: Language,
    /// The title of the listing.
    pub title: String,
    /// When the event begins.
    pub starts_at: Option<Timestamp>,
    /// The time zone of the venue.
    pub zone: TimeZone,
    /// The venue.
    pub venue: Option<String>,
    /// The name of the holder, or else the address.
    pub holder: Option<String>,
    /// Which ticket of its order it is, from 1.
    pub number: u32,
    /// The number of tickets of the order.
    pub of: u32,
    /// The text of the QR code.
    pub qr: String,
    /// The code for typing.
    pub short_code: String,
}

impl Pass {
    /// Returns what is known of time, venue, holder and number of the ticket, each with its label.
    pub(crate) fn facts(&self) -> Vec<(String, String)> {
        let texts = MESSAGES.in_language(self.language);
        let time = self.starts_at.map(|at| date_time(self.language, at, &self.zone));
        let number = texts.text("ticket-number").with("number", self.number);
        let facts = [
            ("label-time", time),
            ("label-venue", self.venue.clone()),
            ("label-holder", self.holder.clone()),
            ("label-ticket", Some(number.with("of", self.of).to_string())),
        ];
        facts
            .into_iter()
            .filter_map(|(label, text)| Some((texts.text(label).to_string(), text?)))
            .collect()
    }

    /// Returns the sentence below the code.
    pub(crate) fn note(&self) -> String {
        MESSAGES.in_language(self.language).text("ticket-note").to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_message_exists_in_both_languages_and_is_used() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(localization::verify(&FILES, &sources).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_pass_is_in_the_language_of_its_reader() {
        let pass = Pass {
            language: Language::German,
            title: "Concert".to_owned(),
            starts_at: Some("2027-06-12T18:00:00Z".parse().unwrap()),
            zone: "Europe/Berlin".parse().unwrap(),
            venue: None,
            holder: Some("Ada Lovelace".to_owned()),
            number: 1,
            of: 2,
            qr: "T1:".to_owned(),
            short_code: String::new(),
        };
        let facts = [
            ("Wann", "Sa., 12. Juni 2027, 20:00 Uhr MESZ"),
            ("Inhaber", "Ada Lovelace"),
            ("Karte", "1 von 2"),
        ]
        .map(|(label, text)| (label.to_owned(), text.to_owned()));
        assert_eq!(pass.facts(), facts);
        assert!(pass.note().starts_with("Lässt eine Person ein"));
        let english = Pass {
            language: Language::English,
            ..pass
        };
        assert_eq!(english.facts()[2], ("Ticket".to_owned(), "1 of 2".to_owned()));
    }
}
