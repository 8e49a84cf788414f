/// The value of a JSON number that is meant to be a whole number, whatever its notation: `100`, `100.0` and `1e2` are
/// equal, and `-0` is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// A whole number.
    Whole(i64),
    /// A whole number that no 64 bits hold.
    TooLarge,
    /// A number with a fraction.
    Fraction,
}

impl Number {
    /// Returns the value of a number in the grammar of JSON (RFC 8259, section 6).
    pub(crate) fn parse(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Self::Whole(0);
        }
        let exponent = exponent_of(exponent);
        let zeros_removed = digits.len() - digits.trim_end_matches('0').len();
        let shift = exponent
            .saturating_sub(length(fraction.len()))
            .saturating_add(length(zeros_removed));
        let Ok(zeros) = usize::try_from(shift) else {
            return Self::Fraction;
        };
        // 19 digits hold every i64.
        if zeros.saturating_add(significant.len()) > 19 {
            return Self::TooLarge;
        }
        let sign = if is_negative { "-" } else { "" };
        let number = format!("{sign}{significant}{}", "0".repeat(zeros)).parse();
        number.map_or(Self::TooLarge, Self::Whole)
    }
}

/// Returns an exponent; one that is out of range has the same effect as the nearest that is not.
fn exponent_of(text: &str) -> i64 {
    let extreme = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    text.strip_prefix('+').unwrap_or(text).parse().unwrap_or(extreme)
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_whole_number_is_one_by_its_value() {
        for (text, number) in [
            ("0", Number::Whole(0)),
            ("-0", Number::Whole(0)),
            ("0.000e99999999999999999999", Number::Whole(0)),
            ("1.0", Number::Whole(1)),
            ("1e2", Number::Whole(100)),
            ("1E+2", Number::Whole(100)),
            ("1500e-2", Number::Whole(15)),
            ("12.50e1", Number::Whole(125)),
            ("-7.00", Number::Whole(-7)),
            ("9223372036854775807", Number::Whole(i64::MAX)),
            ("-9223372036854775808", Number::Whole(i64::MIN)),
            ("9223372036854775808", Number::TooLarge),
            ("18446744073709551615", Number::TooLarge),
            ("1e400", Number::TooLarge),
            ("-1e400", Number::TooLarge),
            ("1e99999999999999999999", Number::TooLarge),
            ("1.5", Number::Fraction),
            ("1e-400", Number::Fraction),
            ("1e-99999999999999999999", Number::Fraction),
            ("19.99", Number::Fraction),
        ] {
            assert_eq!(Number::parse(text), number, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_notation_of_a_number_has_its_value(number: i64, zeros in 0..30_usize) {
            let noughts = "0".repeat(zeros);
            for text in [format!("{number}"), format!("{number}.0{noughts}"), format!("{number}{noughts}e-{zeros}"), format!("{number}.{noughts}0E+0")] {
                prop_assert_eq!(Number::parse(&text), Number::Whole(number), "{}", text);
            }
        }
    }
}
