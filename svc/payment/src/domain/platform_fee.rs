//! What the platform gets of a sale.

use std::{fmt, str::FromStr};

use values::Currency;

/// Hundredths of a percent: 250 are 2.5 %. At most all of it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BasisPoints(u16);

/// A text or number that is no share of a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 0 to 10000 hundredths of a percent, such as 250 for 2.5 %")]
pub struct NoShare;

impl BasisPoints {
    /// The whole.
    const ALL: u16 = 10_000;

    pub(crate) const fn get(self) -> u16 {
        self.0
    }

    /// So much of an amount that is left of a sale, rounded down to what can be paid in its currency: in the seller's favour.
    /// Of less than nothing it is nothing.
    pub(crate) fn of(self, left: i64, currency: Currency) -> i64 {
        let exact = left.max(0) * i64::from(self.0) / i64::from(Self::ALL);
        exact - exact % currency.increment()
    }
}

impl TryFrom<i64> for BasisPoints {
    type Error = NoShare;

    fn try_from(number: i64) -> Result<Self, NoShare> {
        let points = u16::try_from(number).map_err(|_| NoShare)?;
        (points <= Self::ALL).then_some(Self(points)).ok_or(NoShare)
    }
}

impl FromStr for BasisPoints {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, NoShare> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<i64>().map_err(|_| NoShare)?;
        if digits { Self::try_from(number) } else { Err(NoShare) }
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_is_rounded_down_in_the_sellers_favour() {
        for (points, left, currency, fee) in [
            ("0", 1999, "usd", 0),
            ("250", 1999, "usd", 49),
            ("250", 2000, "usd", 50),
            ("10000", 1999, "usd", 1999),
            ("9999", 1, "usd", 0),
            ("250", -5, "usd", 0),
            ("250", 5120, "kwd", 120),
            ("9999", 5120, "kwd", 5110),
            ("10000", 5120, "kwd", 5120),
            ("250", 50_000, "isk", 1200),
        ] {
            let points = points.parse::<BasisPoints>().unwrap();
            let currency = currency.parse().unwrap();
            assert_eq!(points.of(left, currency), fee, "{points} of {left} {currency}");
        }
    }

    #[test]
    fn more_than_all_and_what_is_no_number_are_refused() {
        for text in ["", "10001", "-1", "+1", "2.5", "99999999999999999999"] {
            assert_eq!(text.parse::<BasisPoints>(), Err(NoShare), "{text}");
        }
    }
}
