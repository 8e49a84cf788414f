use std::{borrow::Cow, fmt};

use fluent_bundle::{FluentArgs, FluentValue};

use crate::messages::Bundle;

/// A message with the values of its variables. `Display` writes it.
///
/// A message that does not exist is written as its id, and one whose variables have no value with their names; tests find
/// both ([`verify`](crate::verify)).
pub struct Text<'a> {
    bundle: &'a Bundle,
    id: &'a str,
    values: Option<FluentArgs<'a>>,
}

/// The value of a variable: a text, or a whole number, which also chooses the plural form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// A text. It is data: Fluent's syntax in it has no effect.
    Text(Cow<'a, str>),
    /// A number.
    Number(i64),
}

impl<'a> Text<'a> {
    pub(crate) const fn new(bundle: &'a Bundle, id: &'a str) -> Self {
        Self {
            bundle,
            id,
            values: None,
        }
    }

    /// Sets the value of a variable.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: impl Into<Value<'a>>) -> Self {
        let value = match value.into() {
            Value::Text(text) => FluentValue::String(text),
            Value::Number(number) => FluentValue::from(number),
        };
        self.values.get_or_insert_default().set(name, value);
        self
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(pattern) = self.bundle.get_message(self.id).and_then(|message| message.value()) else {
            return f.write_str(self.id);
        };
        let text = self
            .bundle
            .format_pattern(pattern, self.values.as_ref(), &mut Vec::new());
        f.write_str(&text)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&&'a str> for Value<'a> {
    fn from(text: &&'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// Implements the conversion of integers, and of references to them, which templates pass.
macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl From<$number> for Value<'_> {
            fn from(number: $number) -> Self {
                Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }

        impl From<&$number> for Value<'_> {
            fn from(number: &$number) -> Self {
                (*number).into()
            }
        }
    )+};
}

numbers!(i32, i64, u32, u64, usize);
