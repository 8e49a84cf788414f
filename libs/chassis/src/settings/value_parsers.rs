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
    T: FromStr<Err: Display> + PartialOrd + Display + Clone,
{
    move |text| {
        let number = parsed(text)?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(format!("must be {} to {}", range.start(), range.end()))
        }
    }
}

/// Returns a parser of numbers that are not below `least`.
pub fn at_least<T>(least: T) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr<Err: Display> + PartialOrd + Display + Clone,
{
    move |text| {
        let number = parsed(text)?;
        if number >= least {
            Ok(number)
        } else {
            Err(format!("must be at least {least}"))
        }
    }
}

/// Returns a parser of whole seconds within a range.
pub fn seconds(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    let number = in_range(range);
    move |text| number(text).map(Duration::from_secs)
}
