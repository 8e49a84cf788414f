use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::Number;

/// A JSON value that is parsed as far as it is read: its text is well-formed, but a nested value is only looked into if
/// a field is expected there. So neither the depth of a body nor the size of its numbers matters.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(&'a RawValue);

impl<'a> Json<'a> {
    /// Checks that a text is one JSON value. The error is that of the parser.
    pub fn parse(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text).map(Self)
    }

    /// Returns whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0.get() == "null"
    }

    /// Returns `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// Returns a text. An escaped half of a surrogate pair is no text.
    pub fn text(self) -> Option<String> {
        serde_json::from_str(self.0.get()).ok()
    }

    /// Returns a number.
    pub fn number(self) -> Option<Number> {
        let text = self.0.get();
        text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
            .then(|| Number::parse(text))
    }

    /// Returns the items of an array.
    pub fn items(self) -> Option<Vec<Self>> {
        let items: Vec<&'a RawValue> = serde_json::from_str(self.0.get()).ok()?;
        Some(items.into_iter().map(Self).collect())
    }

    /// Returns the fields of an object in their order, duplicates included. An array is no object.
    pub fn fields(self) -> Option<Vec<(String, Self)>> {
        // serde reads a map from nothing but an object.
        let Fields(fields) = serde_json::from_str(self.0.get()).ok()?;
        Some(fields.into_iter().map(|(name, value)| (name, Self(value))).collect())
    }
}

struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json<'_> {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_value_is_read_as_what_it_is() {
        assert!(parse(" null ").is_null());
        assert_eq!(parse("true").boolean(), Some(true));
        assert_eq!(parse("1").boolean(), None);
        assert_eq!(parse(r#""a\u00e4""#).text().as_deref(), Some("aä"));
        assert_eq!(parse(r#""\ud800""#).text(), None, "half a surrogate pair");
        assert_eq!(parse("1").text(), None);
        assert_eq!(parse("1e400").number(), Some(Number::TooLarge));
        assert_eq!(parse(r#""1""#).number(), None);
        let fields = parse(r#"{"a": 1, "b": [2], "a": {}}"#).fields().unwrap();
        let names = fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["a", "b", "a"]);
        assert!(parse("[]").fields().is_none(), "an array has no fields");
        assert_eq!(parse("[1, [2], {}]").items().map(|items| items.len()), Some(3));
        for other in ["{}", "null", "1", "\"[]\"", r#"{"0": 1}"#] {
            assert!(parse(other).items().is_none(), "{other}");
        }
    }

    #[test]
    fn the_depth_of_a_value_that_is_not_read_does_not_matter() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(&deep).fields().unwrap().len(), 1);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(&deep).items().unwrap().len(), 1);
    }

    #[test]
    fn a_text_that_is_not_one_json_value_is_refused() {
        for bad in [
            "",
            " ",
            "{",
            "nul",
            "{} {}",
            "01",
            "1.",
            "\u{feff}{}",
            "{\"a\":}",
            "'a'",
            "NaN",
        ] {
            assert!(Json::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Json::parse(b"\"\xff\"").is_err(), "not UTF-8");
    }
}
