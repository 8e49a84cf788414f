use std::{fmt, str::FromStr};

use poem_openapi::Object;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::openapi::string_type;

/// The largest amount of one charge, in minor units: eight digits
/// ([Stripe: currencies](https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)).
pub const MAX_AMOUNT: i64 = 99_999_999;

/// An ISO 4217 currency in which tickets can be priced, written in lower case as Stripe writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: &'static str,
    minimum: i64,
    increment: i64,
}

/// A text that is not the code of a supported currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a supported ISO 4217 currency in lower case, such as usd or eur")]
pub struct UnknownCurrency;

/// The reason why a card cannot be charged with an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotChargeable {
    /// The amount is too small or too large.
    #[error("must be 0, or a whole number from {least} to {MAX_AMOUNT}")]
    OutOfRange {
        /// The smallest charge in that currency, in minor units.
        least: i64,
    },
    /// The amount is not a multiple of the currency's increment.
    #[error("must be a multiple of {increment} in {currency}")]
    NotAMultiple {
        /// The currency.
        currency: Currency,
        /// The increment, in minor units.
        increment: i64,
    },
}

/// Code and smallest charge in minor units, of the currencies whose increment is one minor unit
/// ([Stripe: minimum amounts](https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)).
const CURRENCIES: &[(&str, i64)] = &[
    ("aed", 200),
    ("aud", 50),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1000),
    ("usd", 50),
];

/// Code, smallest charge and increment of the other currencies, in minor units.
///
/// Stripe charges and refunds currencies with three decimals in multiples of ten thousandths
/// ([Stripe: three-decimal currencies](https://docs.stripe.com/currencies#three-decimal)); the krona and the shilling, which
/// it writes with two decimals, without fractions ([Stripe: special cases](https://docs.stripe.com/currencies#special-cases)).
/// Stripe publishes no minimum for them: a charge must be worth the minimum of the account's currency. The minimums here
/// are worth about half a dollar.
const CURRENCIES_WITH_INCREMENT: &[(&str, i64, i64)] = &[
    ("bhd", 200, 10),
    ("isk", 7000, 100),
    ("jod", 360, 10),
    ("kwd", 160, 10),
    ("omr", 200, 10),
    ("tnd", 1600, 10),
    ("ugx", 200_000, 100),
];

impl Currency {
    /// US dollars, the currency of examples.
    pub const USD: Self = Self {
        code: "usd",
        minimum: 50,
        increment: 1,
    };

    /// Returns the three letters of the code, in lower case.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Returns the number that amounts are multiples of, in minor units: 1 for most currencies.
    pub const fn increment(self) -> i64 {
        self.increment
    }
}

/// Returns every code, in alphabetical order.
fn all_codes() -> Vec<serde_json::Value> {
    let by_one = CURRENCIES.iter().map(|(code, _)| *code);
    let mut codes = by_one
        .chain(CURRENCIES_WITH_INCREMENT.iter().map(|(code, ..)| *code))
        .collect::<Vec<_>>();
    codes.sort_unstable();
    codes.into_iter().map(Into::into).collect()
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let by_one = CURRENCIES.iter().map(|(code, minimum)| (*code, *minimum, 1));
        let known = by_one
            .chain(CURRENCIES_WITH_INCREMENT.iter().copied())
            .find(|(code, ..)| *code == text);
        let (code, minimum, increment) = known.ok_or(UnknownCurrency)?;
        Ok(Self {
            code,
            minimum,
            increment,
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl ToSql for Currency {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.code.into())
    }
}

impl FromSql for Currency {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value
            .as_str()?
            .parse()
            .map_err(|unknown: UnknownCurrency| FromSqlError::Other(Box::new(unknown)))
    }
}

string_type!(Currency, "string_currency", None, "usd", all_codes());

/// An amount of money in minor units of its currency: `{"amount": 1999, "currency": "usd"}` is 19.99 US dollars.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Object, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub struct Money {
    /// Minor units, such as cents: 1999 is 19.99 US dollars, and 1999 Japanese yen. Amounts of Bahraini, Jordanian, Kuwaiti
    /// and Tunisian dinars and Omani rials are thousandths, in multiples of 10; amounts of Icelandic kronur and Ugandan
    /// shillings are hundredths, in multiples of 100.
    #[oai(validator(minimum(value = "0"), maximum(value = "99999999")))]
    #[schemars(range(min = 0, max = 99_999_999))]
    pub amount: i64,
    /// ISO 4217, in lower case.
    pub currency: Currency,
}

impl poem_openapi::types::Example for Money {
    fn example() -> Self {
        Self {
            amount: 1999,
            currency: Currency::USD,
        }
    }
}

impl Money {
    /// Returns whether the amount is zero: nothing is to be paid.
    pub const fn is_free(self) -> bool {
        self.amount == 0
    }

    /// Returns the amount if it is zero or a card can be charged with it
    /// ([Stripe: minimum and maximum](https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)).
    pub fn ensure_chargeable(self) -> Result<Self, NotChargeable> {
        let Currency {
            minimum: least,
            increment,
            ..
        } = self.currency;
        if !self.is_free() && !(least..=MAX_AMOUNT).contains(&self.amount) {
            return Err(NotChargeable::OutOfRange { least });
        }
        if self.amount % increment != 0 {
            let currency = self.currency;
            return Err(NotChargeable::NotAMultiple { currency, increment });
        }
        Ok(self)
    }

    /// Returns the price of `quantity` pieces, or `None` if that exceeds [`MAX_AMOUNT`].
    pub fn times(self, quantity: u32) -> Option<Self> {
        let amount = self
            .amount
            .checked_mul(i64::from(quantity))
            .filter(|amount| *amount <= MAX_AMOUNT)?;
        Some(Self { amount, ..self })
    }
}

/// Formats an amount for logs: minor units and code, `1999 usd`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nineteen_ninety_nine_is_charged_as_1999() {
        let price: Money = serde_json::from_str(r#"{"amount":1999,"currency":"usd"}"#).unwrap();
        assert_eq!(price.times(3).unwrap().amount, 5997);
        assert!(
            serde_json::from_str::<Money>(r#"{"amount":19.99,"currency":"usd"}"#).is_err(),
            "no floats"
        );
        assert!(
            serde_json::from_str::<Money>(r#"{"amount":1999,"currency":"USD"}"#).is_err(),
            "one spelling"
        );
    }

    #[test]
    fn the_currency_of_examples_is_in_the_table() {
        assert_eq!("usd".parse(), Ok(Currency::USD));
    }

    #[test]
    fn a_price_is_free_or_can_be_charged_to_a_card() {
        let usd = |amount| {
            let currency = "usd".parse().unwrap();
            Money { amount, currency }.ensure_chargeable().map(|money| money.amount)
        };
        for fits in [0, 50, MAX_AMOUNT] {
            assert_eq!(usd(fits), Ok(fits));
        }
        for bad in [i64::MIN, -50, -1, 1, 49, MAX_AMOUNT + 1] {
            assert_eq!(usd(bad), Err(NotChargeable::OutOfRange { least: 50 }), "{bad}");
        }
        assert_eq!(
            usd(49).unwrap_err().to_string(),
            "must be 0, or a whole number from 50 to 99999999"
        );
    }

    proptest! {
        /// Every total and every partial refund of a valid price is a multiple of the increment.
        #[test]
        fn totals_and_refunds_of_a_valid_price_are_multiples_of_the_increment(
            (code, increment) in prop::sample::select(vec![("kwd", 10), ("isk", 100), ("jpy", 1), ("huf", 1)]),
            amount in 0..=MAX_AMOUNT,
            quantity in 1..100_u32,
            back in 0..100_u32,
        ) {
            let currency: Currency = code.parse().unwrap();
            let price = Money { amount, currency };
            let fits = amount == 0 || amount >= currency.minimum;
            prop_assert_eq!(price.ensure_chargeable().is_ok(), fits && amount % increment == 0);
            if let (Ok(price), Some(total), Some(back)) = (price.ensure_chargeable(), price.times(quantity), price.times(back.min(quantity))) {
                prop_assert_eq!(total.ensure_chargeable(), Ok(total));
                prop_assert_eq!((back.amount % increment, (total.amount - back.amount) % increment), (0, 0), "{}", price);
            }
        }
    }

    #[test]
    fn a_fraction_that_a_card_cannot_be_charged_with_is_named() {
        let kwd = |amount| {
            let currency = "kwd".parse().unwrap();
            Money { amount, currency }.ensure_chargeable()
        };
        assert_eq!(kwd(5124).unwrap_err().to_string(), "must be a multiple of 10 in kwd");
        assert!(kwd(5120).is_ok() && kwd(5130).is_ok() && kwd(0).is_ok());
        assert_eq!(kwd(150), Err(NotChargeable::OutOfRange { least: 160 }));
    }

    #[test]
    fn no_total_is_larger_than_one_charge_can_be() {
        let price = Money {
            amount: MAX_AMOUNT,
            currency: "eur".parse().unwrap(),
        };
        assert_eq!(price.times(1), Some(price));
        assert_eq!(price.times(2), None);
        assert_eq!(price.times(u32::MAX), None);
    }
}
