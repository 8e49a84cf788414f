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
}

/// A text that names no currency in which tickets can be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a currency in which tickets can be priced, as ISO 4217 writes it in lower case, such as usd or eur")]
pub struct UnknownCurrency;

/// An amount that nobody can pay: a card cannot be charged with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 0, or a whole number from {least} to {MAX_AMOUNT}")]
pub struct NotPayable {
    /// The smallest charge in that currency, in minor units.
    pub least: i64,
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

impl Currency {
    /// The three letters, in lower case.
    pub const fn code(self) -> &'static str {
        self.code
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let known = CURRENCIES
            .iter()
            .find(|(code, _)| *code == text)
            .ok_or(UnknownCurrency)?;
        Ok(Self {
            code: known.0,
            minimum: known.1,
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

string_type!(Currency, "string_currency", None, "usd");

/// An amount of money in minor units of its currency: `{"amount": 1999, "currency": "usd"}` is 19.99 US dollars.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Object, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub struct Money {
    /// Minor units, such as cents: 1999 is 19.99 US dollars, and 1999 Japanese yen.
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
        let least = self.currency.minimum;
        if self.is_free() || (least..=MAX_AMOUNT).contains(&self.amount) {
            Ok(self)
        } else {
            Err(NotPayable { least })
        }
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
            assert_eq!(usd(bad), Err(NotPayable { least: 50 }), "{bad}");
        }
        assert_eq!(
            usd(49).unwrap_err().to_string(),
            "must be 0, or a whole number from 50 to 99999999"
        );
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
