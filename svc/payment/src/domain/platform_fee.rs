//! The platform's share of a sale.

use std::{fmt, str::FromStr};

use values::Currency;

/// A share of an amount, in hundredths of a percent: 250 is 2.5 %. At most 10000.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BasisPoints(u16);

/// The text or number is no share between 0 and 10000 basis points.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 0 to 10000 hundredths of a percent, such as 250 for 2.5 %")]
pub struct InvalidBasisPoints;

impl BasisPoints {
    /// 100 %.
    const WHOLE: u16 = 10_000;

    pub(crate) const fn get(self) -> u16 {
        self.0
    }

    /// Returns the fee on the remaining amount of a sale, rounded down to a payable amount of its currency, in the seller's
    /// favour. The fee on a negative amount is zero.
    pub(crate) fn fee_on(self, remaining: i64, currency: Currency) -> i64 {
        let exact = remaining.max(0) * i64::from(self.0) / i64::from(Self::WHOLE);
        exact - exact % currency.increment()
    }
}

impl TryFrom<i64> for BasisPoints {
    type Error = InvalidBasisPoints;

    fn try_from(number: i64) -> Result<Self, InvalidBasisPoints> {
        let points = u16::try_from(number).map_err(|_| InvalidBasisPoints)?;
        (points <= Self::WHOLE)
            .then_some(Self(points))
            .ok_or(InvalidBasisPoints)
    }
}

impl FromStr for BasisPoints {
    type Err = InvalidBasisPoints;

    fn from_str(text: &str) -> Result<Self, InvalidBasisPoints> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<i64>().map_err(|_| InvalidBasisPoints)?;
        if digits {
            Self::try_from(number)
        } else {
            Err(InvalidBasisPoints)
        }
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
            assert_eq!(points.fee_on(left, currency), fee, "{points} of {left} {currency}");
        }
    }

    #[test]
    fn more_than_the_whole_and_texts_that_are_no_number_are_refused() {
        for text in ["", "10001", "-1", "+1", "2.5", "99999999999999999999"] {
            assert_eq!(text.parse::<BasisPoints>(), Err(InvalidBasisPoints), "{text}");
        }
    }
}
