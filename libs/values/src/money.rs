use std::{fmt, str::FromStr};

use poem_openapi::Object;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::openapi::string_type;

/// The largest amount that one charge can have, in minor units: eight digits
/// ([Stripe: currencies](https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)).
pub const MAX_AMOUNT: i64 = 99_999_999;

/// An ISO 4217 currency in which tickets can be priced, written in lower case as Stripe writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: &'static str,
    minimum: i64,
    step: i64,
}

/// A text that names no currency in which tickets can be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a currency in which tickets can be priced, as ISO 4217 writes it in lower case, such as usd or eur")]
pub struct UnknownCurrency;

/// An amount that nobody can pay: a card cannot be charged with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPayable {
    /// It is too small or too large; the least is in minor units.
    #[error("must be 0, or a whole number from {least} to {MAX_AMOUNT}")]
    OutOfRange {
        /// The smallest charge in that currency.
        least: i64,
    },
    /// It has a fraction that nobody pays with.
    #[error("must be a multiple of {step} in {currency}")]
    Uneven {
        /// The currency.
        currency: Currency,
        /// What its amounts are multiples of.
        step: i64,
    },
}

/// Code and smallest charge in minor units
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

/// Code and smallest charge of the currencies whose amounts are multiples of something, and what that is.
///
/// Of those with three decimals Stripe charges and gives back no single thousandths
/// ([Stripe: three-decimal currencies](https://docs.stripe.com/currencies#three-decimal)); of the krona and the shilling,
/// which it writes with two decimals, no fractions ([Stripe: special cases](https://docs.stripe.com/currencies#special-cases)).
/// For none of them it names a minimum: a charge must be worth that of the currency in which the account is kept. These are
/// worth about half a dollar.
const UNEVEN: &[(&str, i64, i64)] = &[
    ("bhd", 200, 10),
    ("isk", 7000, 100),
    ("jod", 360, 10),
    ("kwd", 160, 10),
    ("omr", 200, 10),
    ("tnd", 1600, 10),
    ("ugx", 200_000, 100),
];

impl Currency {
    /// The three letters, in lower case.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// What its amounts are multiples of, in minor units: 1 as a rule.
    pub const fn step(self) -> i64 {
        self.step
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let even = CURRENCIES.iter().map(|(code, minimum)| (*code, *minimum, 1));
        let known = even.chain(UNEVEN.iter().copied()).find(|(code, ..)| *code == text);
        let (code, minimum, step) = known.ok_or(UnknownCurrency)?;
        Ok(Self { code, minimum, step })
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

string_type!(Currency, "string_currency", None, "usd");

/// An amount of money in minor units of its currency: `{"amount": 1999, "currency": "usd"}` is 19.99 US dollars.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Object, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub struct Money {
    /// Minor units, such as cents: 1999 is 19.99 US dollars, and 1999 Japanese yen. Of Bahraini, Jordanian, Kuwaiti and
    /// Tunisian dinars and Omani rials they are thousandths, in tens; of Icelandic kronur and Ugandan shillings hundredths,
    /// in hundreds.
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
            currency: Currency {
                code: "usd",
                minimum: 50,
                step: 1,
            },
        }
    }
}

impl Money {
    /// Whether nothing is to be paid, for which nobody needs a card.
    pub const fn is_free(self) -> bool {
        self.amount == 0
    }

    /// The same, if it can be paid: it is free, or a card can be charged with it
    /// ([Stripe: minimum and maximum](https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)).
    pub fn payable(self) -> Result<Self, NotPayable> {
        let Currency {
            minimum: least, step, ..
        } = self.currency;
        if !self.is_free() && !(least..=MAX_AMOUNT).contains(&self.amount) {
            return Err(NotPayable::OutOfRange { least });
        }
        if self.amount % step != 0 {
            let currency = self.currency;
            return Err(NotPayable::Uneven { currency, step });
        }
        Ok(self)
    }

    /// The price of `quantity` pieces, or `None` where that is more than one charge can have ([`MAX_AMOUNT`]).
    pub fn times(self, quantity: u32) -> Option<Self> {
        let amount = self
            .amount
            .checked_mul(i64::from(quantity))
            .filter(|amount| *amount <= MAX_AMOUNT)?;
        Some(Self { amount, ..self })
    }
}

/// For logs: the minor units and the code, `1999 usd`.
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
    fn what_can_be_paid_is_free_or_can_be_charged_to_a_card() {
        let usd = |amount| {
            let currency = "usd".parse().unwrap();
            Money { amount, currency }.payable().map(|money| money.amount)
        };
        for fits in [0, 50, MAX_AMOUNT] {
            assert_eq!(usd(fits), Ok(fits));
        }
        for bad in [i64::MIN, -50, -1, 1, 49, MAX_AMOUNT + 1] {
            assert_eq!(usd(bad), Err(NotPayable::OutOfRange { least: 50 }), "{bad}");
        }
        assert_eq!(
            usd(49).unwrap_err().to_string(),
            "must be 0, or a whole number from 50 to 99999999"
        );
    }

    proptest! {
        /// However many are bought and given back one by one, no thousandth of a dinar is asked of a card.
        #[test]
        fn what_is_paid_and_given_back_is_even_where_the_price_is(
            (code, step) in prop::sample::select(vec![("kwd", 10), ("isk", 100), ("jpy", 1), ("huf", 1)]),
            amount in 0..=MAX_AMOUNT,
            quantity in 1..100_u32,
            back in 0..100_u32,
        ) {
            let currency: Currency = code.parse().unwrap();
            let price = Money { amount, currency };
            let fits = amount == 0 || amount >= currency.minimum;
            prop_assert_eq!(price.payable().is_ok(), fits && amount % step == 0);
            if let (Ok(price), Some(total), Some(back)) = (price.payable(), price.times(quantity), price.times(back.min(quantity))) {
                prop_assert_eq!(total.payable(), Ok(total));
                prop_assert_eq!((back.amount % step, (total.amount - back.amount) % step), (0, 0), "{}", price);
            }
        }
    }

    #[test]
    fn a_fraction_that_nobody_pays_with_is_named() {
        let kwd = |amount| {
            let currency = "kwd".parse().unwrap();
            Money { amount, currency }.payable()
        };
        assert_eq!(kwd(5124).unwrap_err().to_string(), "must be a multiple of 10 in kwd");
        assert!(kwd(5120).is_ok() && kwd(5130).is_ok() && kwd(0).is_ok());
        assert_eq!(kwd(150), Err(NotPayable::OutOfRange { least: 160 }));
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
