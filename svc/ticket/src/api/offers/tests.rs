use proptest::prelude::*;

use super::*;

fn accepts<R: TextRule>(text: &str) -> bool {
    R::parse(text.to_owned()).is_ok()
}

fn matches<R: TextRule>(text: &str) -> bool {
    let schema = serde_json::json!({"type": "string", "pattern": R::PATTERN});
    jsonschema::validator_for(&schema).unwrap().is_valid(&text.into())
}

/// White space, control characters, and characters beside them.
const SPECIAL: &str = "[ \t\n\r\u{b}\u{c}\u{0}\u{1f}\u{7f}\u{85}\u{9f}\u{a0}\u{1680}\u{180e}\u{2000}\u{200a}\u{200b}\u{2028}\u{202f}\u{205f}\u{3000}\u{feff}a]{0,3}";

proptest! {
    #[test]
    fn the_documented_patterns_are_the_rules(text in prop_oneof![SPECIAL, "\\PC{1,5}"]) {
        let is_visible = ShortText::parse(&text) != Err(InvalidText::Invisible);
        let is_visible_in_lines = LongText::parse(&text) != Err(InvalidText::Invisible);
        prop_assert_eq!(accepts::<Line>(&text), matches::<Line>(&text) && is_visible && !text.is_empty(), "{:?}", text);
        prop_assert_eq!(accepts::<OptionalLine>(&text), matches::<OptionalLine>(&text) && is_visible, "{:?}", text);
        let matches_lines = matches::<OptionalLines>(&text);
        prop_assert_eq!(accepts::<OptionalLines>(&text), matches_lines && is_visible_in_lines, "{:?}", text);
    }
}
