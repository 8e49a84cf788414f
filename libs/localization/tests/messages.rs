//! Messages in both languages.

use localization::Messages;
use values::Language;

const FILES: [(Language, &str); 3] = [
    (
        Language::English,
        "places = { $count ->\n    [0] Sold out\n    [one] One place left\n   *[other] { $count } places left\n}\nhello = Hello { $name }",
    ),
    (
        Language::German,
        "places = { $count ->\n    [0] Ausverkauft\n    [one] Noch ein Platz\n   *[other] Noch { $count } Plätze\n}",
    ),
    (Language::German, "hello = Hallo { $name }"),
];

#[test]
fn a_number_chooses_the_plural_form_and_is_written_by_the_language() {
    let messages = Messages::embedded(&FILES);
    let places = |language, count: u32| {
        messages
            .in_language(language)
            .text("places")
            .with("count", count)
            .to_string()
    };
    assert_eq!(places(Language::English, 0), "Sold out");
    assert_eq!(places(Language::English, 1), "One place left");
    assert_eq!(places(Language::English, 1_234_567), "1,234,567 places left");
    assert_eq!(places(Language::German, 0), "Ausverkauft");
    assert_eq!(places(Language::German, 1), "Noch ein Platz");
    assert_eq!(places(Language::German, 1200), "Noch 1.200 Plätze");
}

#[test]
fn a_value_is_data_and_not_syntax() {
    let messages = Messages::embedded(&FILES);
    for name in ["{ $name }", "{ hello }", "a\n[one] b", "\u{202e}abc", "<b>", ""] {
        let text = messages.in_language(Language::German).text("hello").with("name", name);
        assert_eq!(text.to_string(), format!("Hallo {name}"));
    }
}

#[test]
fn a_message_or_value_that_is_missing_is_visible_and_no_failure() {
    let messages = Messages::embedded(&FILES);
    let texts = messages.in_language(Language::English);
    assert_eq!(texts.text("no-such-message").to_string(), "no-such-message");
    assert_eq!(texts.text("hello").to_string(), "Hello {$name}");
}

#[test]
fn malformed_files_and_duplicate_messages_are_refused() {
    for bad in ["a = { $x", "a = 1\na = 2"] {
        let error = Messages::parse(&[(Language::German, bad)]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("messages in the language de are malformed: "),
            "{error}"
        );
    }
}
