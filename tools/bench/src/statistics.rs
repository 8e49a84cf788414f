//! Minimum, median and maximum of repetitions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Converts a count. Counts of a measurement are far below the 2^53 up to which the conversion is exact.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "exact for counts below 2^53"
)]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// Minimum, median and maximum.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// The lowest value.
    pub min: f64,
    /// The value in the middle; of an even number of values the mean of the two in the middle.
    pub median: f64,
    /// The highest value.
    pub max: f64,
}

impl Spread {
    /// Returns the spread of values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2)?;
        let lower = sorted.get((sorted.len() - 1) / 2)?;
        Some(Self {
            min: *sorted.first()?,
            median: f64::midpoint(*lower, *middle),
            max: *sorted.last()?,
        })
    }

    /// Returns the distance of minimum and maximum as a part of the median.
    pub fn relative_width(&self) -> f64 {
        if self.median == 0.0 {
            return 0.0;
        }
        (self.max - self.min) / self.median.abs()
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, median, max) = (number(self.min), number(self.median), number(self.max));
        if min == max {
            return write!(f, "**{median}**");
        }
        write!(f, "{min} / **{median}** / {max}")
    }
}

/// Returns the median of values; NaN if there are none.
pub fn median(values: &[f64]) -> f64 {
    Spread::of(values).map_or(f64::NAN, |spread| spread.median)
}

/// Formats a value with about three significant digits, and thousands apart.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => return "0".to_owned(),
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.01 => 3,
        _ => 5,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (index, character) in whole.chars().enumerate() {
        let follows = whole.len() - index;
        if index > 0 && follows.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(character);
    }
    if fraction.is_empty() {
        grouped
    } else {
        format!("{grouped}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_value_in_the_middle_whatever_the_order() {
        let spread = Spread::of(&[30.0, 10.0, 20.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (10.0, 20.0, 30.0));
        assert_eq!(Spread::of(&[4.0, 2.0]), Spread::of(&[2.0, 3.0, 4.0]));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn a_number_is_written_with_about_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.002_345, "0.00234"),
            (0.0523, "0.052"),
            (3.456, "3.46"),
            (34.56, "34.6"),
            (345.6, "346"),
            (91_212.4, "91,212"),
            (1_234_567.0, "1,234,567"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
