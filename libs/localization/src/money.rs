use values::{Currency, Language, Money};

/// Writes an amount with the digits of its currency, by the habits of the language: `€1,234.50` in English, `1.234,50 €` in
/// German. The spaces within do not break.
pub fn format_money(language: Language, money: Money) -> String {
    let currency = money.currency;
    let number = format_amount(language, money.amount, currency);
    match (language, symbol(currency)) {
        (Language::English, Some(symbol)) => format!("{symbol}{number}"),
        (Language::English, None) => format!("{}{NO_BREAK}{number}", code(currency)),
        (Language::German, Some(symbol)) => format!("{number}{NO_BREAK}{symbol}"),
        (Language::German, None) => format!("{number}{NO_BREAK}{}", code(currency)),
    }
}

/// Writes an amount as a decimal number for machines, with all digits that the currency counts: `1234.50`.
pub fn decimal_amount(money: Money) -> String {
    let minor = minor_digits(money.currency);
    let digits = format!("{:0>width$}", money.amount.unsigned_abs(), width = minor + 1);
    let (whole, fraction) = digits.split_at(digits.len() - minor);
    let sign = if money.amount < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// Writes a whole number with groups of three digits: `1,234` in English, `1.234` in German.
pub fn format_number(language: Language, number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let grouped = group(&digits, separators(language).0);
    if number < 0 {
        format!("\u{2212}{grouped}")
    } else {
        grouped
    }
}

/// Returns the number of digits after the decimal separator that people write in a currency.
///
/// Amounts of the Icelandic krona and the Ugandan shilling count hundredths, but have no fractions.
pub fn decimal_digits(currency: Currency) -> usize {
    match currency.code() {
        "isk" | "jpy" | "ugx" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    }
}

/// A text that is no amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be an amount such as 19.99, with at most {digits} digits after the decimal separator")]
pub struct MalformedAmount {
    digits: usize,
}

/// Parses an amount as a form has it, `19.99` or `19,99`, without groups of digits.
///
/// # Errors
///
/// The text is no such number, or has more digits after the decimal separator than the currency.
pub fn parse_amount(text: &str, currency: Currency) -> Result<Money, MalformedAmount> {
    let digits = decimal_digits(currency);
    let malformed = MalformedAmount { digits };
    let text = text.trim();
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) || fraction.len() > digits {
        return Err(malformed);
    }
    let minor = format!("{whole}{fraction:0<width$}", width = minor_digits(currency));
    let amount = minor.parse().map_err(|_| malformed)?;
    Ok(Money { amount, currency })
}

const NO_BREAK: char = '\u{a0}';

fn code(currency: Currency) -> String {
    currency.code().to_ascii_uppercase()
}

/// Returns the symbol of a currency, where readers of both languages know it.
fn symbol(currency: Currency) -> Option<&'static str> {
    Some(match currency.code() {
        "aud" => "A$",
        "brl" => "R$",
        "cad" => "CA$",
        "eur" => "€",
        "gbp" => "£",
        "hkd" => "HK$",
        "inr" => "₹",
        "jpy" => "¥",
        "mxn" => "MX$",
        "nzd" => "NZ$",
        "usd" => "$",
        _ => return None,
    })
}

/// Returns what separates groups of digits, and what separates the fraction.
const fn separators(language: Language) -> (char, char) {
    match language {
        Language::English => (',', '.'),
        Language::German => ('.', ','),
    }
}

/// Returns the number of decimal digits that an amount counts.
fn minor_digits(currency: Currency) -> usize {
    match currency.code() {
        "jpy" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    }
}

fn format_amount(language: Language, amount: i64, currency: Currency) -> String {
    let (group_separator, decimal_separator) = separators(language);
    let minor = minor_digits(currency);
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = minor + 1);
    let (whole, fraction) = digits.split_at(digits.len() - minor);
    // A fraction that the currency does not have is shown nevertheless: the amount is never rounded.
    let hidden = decimal_digits(currency) == 0 && fraction.bytes().all(|digit| digit == b'0');
    let mut text = group(whole, group_separator);
    if !fraction.is_empty() && !hidden {
        text.push(decimal_separator);
        text.push_str(fraction);
    }
    if amount < 0 { format!("\u{2212}{text}") } else { text }
}

/// Separates groups of three digits, from the right.
fn group(digits: &str, separator: char) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, currency: &str) -> Money {
        let currency = currency.parse().unwrap();
        Money { amount, currency }
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency_and_the_separators_of_the_language() {
        for (amount, currency, english, german) in [
            (1999, "usd", "$19.99", "19,99\u{a0}$"),
            (123_456_789, "eur", "€1,234,567.89", "1.234.567,89\u{a0}€"),
            (5, "eur", "€0.05", "0,05\u{a0}€"),
            (0, "gbp", "£0.00", "0,00\u{a0}£"),
            (1999, "jpy", "¥1,999", "1.999\u{a0}¥"),
            (5120, "kwd", "KWD\u{a0}5.120", "5,120\u{a0}KWD"),
            (700_000, "isk", "ISK\u{a0}7,000", "7.000\u{a0}ISK"),
            (700_050, "isk", "ISK\u{a0}7,000.50", "7.000,50\u{a0}ISK"),
            (2550, "chf", "CHF\u{a0}25.50", "25,50\u{a0}CHF"),
            (-2550, "eur", "€\u{2212}25.50", "\u{2212}25,50\u{a0}€"),
            (
                i64::MIN,
                "jpy",
                "¥\u{2212}9,223,372,036,854,775,808",
                "\u{2212}9.223.372.036.854.775.808\u{a0}¥",
            ),
        ] {
            assert_eq!(format_money(Language::English, money(amount, currency)), english);
            assert_eq!(format_money(Language::German, money(amount, currency)), german);
        }
    }

    #[test]
    fn an_amount_for_machines_has_neither_groups_nor_a_symbol() {
        for (amount, currency, expected) in [
            (123_450, "eur", "1234.50"),
            (5, "usd", "0.05"),
            (0, "usd", "0.00"),
            (1999, "jpy", "1999"),
            (5120, "kwd", "5.120"),
            (-2550, "chf", "-25.50"),
        ] {
            assert_eq!(decimal_amount(money(amount, currency)), expected);
        }
    }

    #[test]
    fn an_amount_is_parsed_as_it_is_written_without_groups() {
        for (text, currency, amount) in [
            ("19.99", "eur", 1999),
            (" 19,9 ", "eur", 1990),
            ("19", "eur", 1900),
            ("19.", "eur", 1900),
            ("0", "eur", 0),
            ("1999", "jpy", 1999),
            ("5.12", "kwd", 5120),
            ("7000", "isk", 700_000),
        ] {
            assert_eq!(
                parse_amount(text, currency.parse().unwrap()),
                Ok(money(amount, currency)),
                "{text}"
            );
        }
        for (text, currency) in [
            ("", "eur"),
            (".5", "eur"),
            ("-1", "eur"),
            ("+1", "eur"),
            ("1e3", "eur"),
            ("1.999", "eur"),
            ("1,234.50", "eur"),
            ("1 000", "eur"),
            ("1.0", "jpy"),
            ("7000.5", "isk"),
            ("99999999999999999999", "eur"),
            ("١٩", "eur"),
        ] {
            assert!(parse_amount(text, currency.parse().unwrap()).is_err(), "{text}");
        }
    }
}
