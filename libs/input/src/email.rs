use std::fmt::Display;

use text::Email;

use crate::{CanonicalText, TextRule};

/// A pattern of a letter or digit of any script.
macro_rules! letter {
    () => {
        r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]"
    };
}

/// A pattern of a part of a domain: letters, digits and inner hyphens.
macro_rules! label {
    () => {
        concat!(
            letter!(),
            r"([^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]*",
            letter!(),
            ")?"
        )
    };
}

/// An email address.
#[derive(Clone, Copy, Debug)]
pub struct EmailAddress;

impl TextRule for EmailAddress {
    type Value = Email;
    const MAX_CHARS: usize = Email::MAX_BYTES;
    /// Parts between dots: of any characters before the @, of letters, digits and inner hyphens after it. The ideographic
    /// full stops count as dots in a domain.
    const PATTERN: Option<&'static str> = Some(concat!(
        r"^[^@\s.]+(\.[^@\s.]+)*@",
        label!(),
        r"([.\u3002\uff0e\uff61]",
        label!(),
        ")+$"
    ));
    const FORMAT: Option<&'static str> = Some("idn-email");

    fn parse(text: String) -> Result<Email, impl Display> {
        Email::parse(&text)
    }
}

impl CanonicalText for EmailAddress {
    fn canonical(value: &Email) -> Option<&str> {
        Some(value.as_str())
    }
}
