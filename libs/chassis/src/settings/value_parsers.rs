//! Value parsers of typed settings. White space around a value is ignored: variables from files often end with a line
//! break.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

/// Parses a value with its `FromStr`.
pub fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|error: T::Err| error.to_string())
}

/// Returns a parser of numbers within a range.
pub fn in_range<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("must be a number, {} to {}", range.start(), range.end()))
    }
}

/// Returns a parser of numbers that are not below `least`.
pub fn at_least<T>(least: T) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.trim().parse().ok().filter(|number| *number >= least);
        number.ok_or_else(|| format!("must be a number, at least {least}"))
    }
}

/// Returns a parser of whole seconds within a range.
pub fn seconds(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    let number = in_range(range);
    move |text| number(text).map(Duration::from_secs)
}

/// Returns a parser of values that are separated by commas. Its error contains that of every invalid value.
///
/// The field's type is `::std::vec::Vec<T>`: clap takes a plain `Vec<T>` for a flag that may be repeated, and stops at its
/// first invalid value.
pub fn list_of<T>(parse: fn(&str) -> Result<T, String>) -> impl Fn(&str) -> Result<Vec<T>, String> + Clone {
    move |text| {
        let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        let (valid, invalid): (Vec<_>, Vec<_>) = texts.map(parse).partition(Result::is_ok);
        if invalid.is_empty() {
            Ok(valid.into_iter().flatten().collect())
        } else {
            let errors: Vec<_> = invalid.into_iter().filter_map(Result::err).collect();
            Err(errors.join("; "))
        }
    }
}
