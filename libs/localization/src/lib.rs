//! Texts in the language of the reader: messages, money, local times.
//!
//! Each user of this library has Fluent files of its own, one or more per language:
//!
//! ```
//! use std::sync::LazyLock;
//! use localization::Messages;
//! use values::Language;
//!
//! static MESSAGES: LazyLock<Messages> = LazyLock::new(|| {
//!     Messages::embedded(&[
//!         (Language::English, "places-left = { $count ->\n    [one] One ticket left\n   *[other] { $count } tickets left\n}"),
//!         (Language::German, "places-left = { $count ->\n    [one] Noch eine Karte\n   *[other] Noch { $count } Karten\n}"),
//!     ])
//! });
//! let texts = MESSAGES.in_language(Language::German);
//! assert_eq!(texts.text("places-left").with("count", 1200).to_string(), "Noch 1.200 Karten");
//! ```
//!
//! A test of each user calls [`verify`]: both languages have the same messages with the same variables, and the sources use
//! all of them and no others.

mod language;
mod local_time;
mod messages;
mod money;
mod text;
mod verification;

pub use language::preferred_language;
pub use local_time::{
    TimeZone, UnknownTimeZone, date, date_time, local_date_time, offset_date_time, parse_local_date_time, time,
};
pub use messages::{MalformedMessages, Messages, Texts};
pub use money::{MalformedAmount, decimal_amount, decimal_digits, format_money, format_number, parse_amount};
pub use text::{Text, Value};
pub use verification::verify;
