//! Which amounts Stripe charges in which currency (<https://docs.stripe.com/currencies>).

use crate::error::StripeError;

/// The presentment currencies.
const SUPPORTED: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp \
    byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd \
    hnl hrk htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd \
    mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf \
    sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd \
    xof xpf yer zar zmw";

/// The currencies without minor units, and those with three digits of them.
const WITHOUT_DECIMALS: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
const WITH_THREE_DECIMALS: &str = "bhd jod kwd omr tnd";

/// The minimum amount in minor units, and its text in the error.
const MINIMUM: &[(&str, i64, &str)] = &[
    ("usd", 50, "$0.50 usd"),
    ("aed", 200, "2.00 aed"),
    ("aud", 50, "$0.50 aud"),
    ("bgn", 100, "1.00 bgn"),
    ("brl", 50, "R$0.50 brl"),
    ("cad", 50, "$0.50 cad"),
    ("chf", 50, "0.50 chf"),
    ("czk", 1500, "15.00 czk"),
    ("dkk", 250, "2.50 dkk"),
    ("eur", 50, "€0.50 eur"),
    ("gbp", 30, "£0.30 gbp"),
    ("hkd", 400, "$4.00 hkd"),
    ("huf", 17_500, "175.00 huf"),
    ("inr", 50, "₹0.50 inr"),
    ("jpy", 50, "¥50 jpy"),
    ("mxn", 1000, "$10.00 mxn"),
    ("myr", 200, "RM2.00 myr"),
    ("nok", 300, "3.00 nok"),
    ("nzd", 50, "$0.50 nzd"),
    ("pln", 200, "2.00 pln"),
    ("ron", 200, "2.00 ron"),
    ("sek", 300, "3.00 sek"),
    ("sgd", 50, "$0.50 sgd"),
    ("thb", 1000, "10.00 thb"),
];

/// Currencies of three decimals, whose amounts are multiples of ten.
const THREE_DECIMALS: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];

/// Currencies that are written with two decimals, which are always 00.
const ZERO_DECIMALS: &[&str] = &["isk", "ugx"];

/// Eight digits, in any minor unit.
const MAXIMUM: i64 = 99_999_999;

/// Parses a currency code, in any case. Returns it in lower case, as Stripe shows it.
pub(crate) fn parse(text: &str) -> Result<String, StripeError> {
    let currency = text.to_lowercase();
    if SUPPORTED.split_whitespace().any(|supported| supported == currency) {
        return Ok(currency);
    }
    let supported = SUPPORTED.split_whitespace().collect::<Vec<_>>().join(", ");
    let message = format!("Invalid currency: {currency}. Stripe currently supports these currencies: {supported}");
    Err(StripeError::invalid("currency", message))
}

/// Fails unless an amount can be charged in a currency.
pub(crate) fn check(amount: i64, currency: &str) -> Result<(), StripeError> {
    let minimum = MINIMUM.iter().find(|(name, ..)| *name == currency);
    if let Some((_, minimum, text)) = minimum
        && amount < *minimum
    {
        return Err(StripeError::amount(
            "amount_too_small",
            "amount",
            format!("Amount must be at least {text}"),
        ));
    }
    if amount > MAXIMUM {
        let message = format!("Amount must be no more than {MAXIMUM} minor units of {currency}");
        return Err(StripeError::amount("amount_too_large", "amount", message));
    }
    check_divisible(amount, currency)
}

/// Fails unless the last digits of an amount are allowed in a currency, for charges and refunds.
pub(crate) fn check_divisible(amount: i64, currency: &str) -> Result<(), StripeError> {
    if THREE_DECIMALS.contains(&currency) && amount % 10 != 0 {
        let message = format!("Invalid integer: {amount} must end in 0: {currency} is charged in multiples of ten");
        return Err(StripeError::invalid_integer("amount", message));
    }
    if ZERO_DECIMALS.contains(&currency) && amount % 100 != 0 {
        // https://support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds
        let message = format!(
            "Invalid amount. Currency {} has become effectively zero-decimal and charged amounts must be evenly divisible by \
             100. See https://stripe.com/docs/currencies#special-cases for more information.",
            currency.to_uppercase()
        );
        let code = "invalid_charge_amount_no_decimal_compatible";
        return Err(StripeError::amount(code, "amount", message));
    }
    Ok(())
}

/// Returns an amount as a cardholder reads it, such as `19.99 USD`.
pub(crate) fn display(amount: i64, currency: &str) -> String {
    let is_in = |list: &str| list.split(' ').any(|code| code == currency);
    let digits = match () {
        () if is_in(WITHOUT_DECIMALS) => 0,
        () if is_in(WITH_THREE_DECIMALS) => 3,
        () => 2,
    };
    let code = currency.to_uppercase();
    if digits == 0 {
        return format!("{amount} {code}");
    }
    let unit = 10_i64.pow(digits);
    let width = usize::try_from(digits).unwrap_or_default();
    format!("{}.{:0width$} {code}", amount / unit, amount % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(amount: i64, currency: &str) -> Option<String> {
        check(amount, currency).err().and_then(|error| error.body.code)
    }

    #[test]
    fn every_currency_has_its_own_minimum() {
        assert_eq!(code(49, "usd").as_deref(), Some("amount_too_small"));
        assert_eq!(code(50, "usd"), None);
        assert_eq!(code(30, "gbp"), None);
        assert_eq!(code(49, "jpy").as_deref(), Some("amount_too_small"));
        assert_eq!(code(100_000_000, "usd").as_deref(), Some("amount_too_large"));
    }

    #[test]
    fn the_last_digits_of_currencies_without_small_coins_are_zero() {
        assert_eq!(code(1005, "kwd").as_deref(), Some("parameter_invalid_integer"));
        assert_eq!(
            (code(1010, "kwd"), code(17_501, "huf"), code(1234, "twd")),
            (None, None, None)
        );
        let fraction = Some("invalid_charge_amount_no_decimal_compatible");
        assert_eq!((code(50_010, "isk").as_deref(), code(50_000, "isk")), (fraction, None));
        assert_eq!(code(200_050, "ugx").as_deref(), fraction);
    }

    #[test]
    fn an_unknown_currency_is_refused_and_case_does_not_matter() {
        assert_eq!(parse("USD").unwrap(), "usd");
        assert_eq!(parse("zzz").unwrap_err().body.param.as_deref(), Some("currency"));
    }

    #[test]
    fn an_amount_is_shown_in_the_unit_that_people_use() {
        assert_eq!(display(1999, "usd"), "19.99 USD");
        assert_eq!(display(5, "eur"), "0.05 EUR");
        assert_eq!(display(500, "jpy"), "500 JPY");
        assert_eq!(display(1230, "kwd"), "1.230 KWD");
    }
}
