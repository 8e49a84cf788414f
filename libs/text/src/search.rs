use std::collections::HashSet;

use icu_normalizer::{
    ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed, properties::CanonicalCombiningClassMapBorrowed,
};
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategoryGroup, Script},
};

use crate::characters::{category, is_ignorable};

/// The minimum length of a word that is searched as the beginning of words, in characters. A shorter one is searched as a
/// whole word: its beginnings would be a large part of all words.
const MIN_PREFIX_CHARS: usize = 2;

/// Words in sequence that a searched text has to contain.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Phrase {
    /// The words, separated by spaces. They contain no punctuation.
    pub words: String,
    /// Whether the last word is the beginning of one.
    pub is_prefix: bool,
}

impl Phrase {
    /// Returns whether a text contains the phrase. `words` are the [`index_words`] of the text.
    pub fn is_in(&self, words: &str) -> bool {
        let after_spaces = words.match_indices(' ').map(|(space, _)| space + 1);
        let ends_well = |after: &str| self.is_prefix || after.is_empty() || after.starts_with(' ');
        std::iter::once(0)
            .chain(after_spaces)
            .filter_map(|start| words.get(start..)?.strip_prefix(self.words.as_str()))
            .any(ends_well)
    }
}

/// Returns the words of a text, separated by spaces, as an index stores them: see the README of this crate.
pub fn index_words(text: &str) -> String {
    let mut words = Vec::new();
    for run in runs(text) {
        match run {
            Run::Words(run) => words.extend(run),
            Run::Unspaced(letters) => {
                words.extend(pairs(&letters));
                words.extend(letters.last().map(char::to_string));
            }
        }
    }
    words.join(" ")
}

/// Returns what a search looks for, each phrase once. A text without letters, numbers and symbols has no phrases.
pub fn search_phrases(text: &str) -> Vec<Phrase> {
    let terms = text.split(|char: char| char.is_whitespace() || char.is_control());
    let mut seen = HashSet::new();
    terms
        .flat_map(runs)
        .map(phrase)
        .filter(|phrase| seen.insert(phrase.clone()))
        .collect()
}

fn phrase(run: Run) -> Phrase {
    match run {
        Run::Words(words) => {
            let is_prefix = words
                .last()
                .is_some_and(|last| last.chars().nth(MIN_PREFIX_CHARS - 1).is_some());
            Phrase {
                words: words.join(" "),
                is_prefix,
            }
        }
        // A single letter is the beginning of a pair, or the last of its run.
        Run::Unspaced(letters) if letters.len() == 1 => Phrase {
            words: letters.iter().collect(),
            is_prefix: true,
        },
        Run::Unspaced(letters) => Phrase {
            words: pairs(&letters).collect::<Vec<_>>().join(" "),
            is_prefix: false,
        },
    }
}

/// Returns the pairs of adjacent letters.
fn pairs(letters: &[char]) -> impl Iterator<Item = String> + '_ {
    letters.windows(2).map(|pair| pair.iter().collect())
}

/// Adjacent words, or adjacent letters of scripts without spaces.
enum Run {
    /// Words of letters and numbers, and single symbols.
    Words(Vec<String>),
    Unspaced(Vec<char>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter, number or mark of a script that separates words.
    Word,
    /// One of a script that does not.
    Unspaced,
    Symbol,
    Separator,
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut before = Class::Separator;
    for char in fold(text).chars() {
        let class = match class(char) {
            // A mark belongs to its base.
            Class::Word if before == Class::Unspaced && GeneralCategoryGroup::Mark.contains(category(char)) => before,
            class => class,
        };
        match (class, runs.last_mut()) {
            (Class::Separator, _) => {}
            (Class::Unspaced, Some(Run::Unspaced(letters))) if before == class => letters.push(char),
            (Class::Unspaced, _) => runs.push(Run::Unspaced(vec![char])),
            (Class::Word, Some(Run::Words(words))) if before == class => {
                if let Some(word) = words.last_mut() {
                    word.push(char);
                }
            }
            (Class::Word | Class::Symbol, Some(Run::Words(words))) => words.push(char.to_string()),
            (Class::Word | Class::Symbol, _) => runs.push(Run::Words(vec![char.to_string()])),
        }
        before = class;
    }
    runs
}

fn class(char: char) -> Class {
    const WORD: GeneralCategoryGroup = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Number)
        .union(GeneralCategoryGroup::Mark);
    let category = category(char);
    if WORD.contains(category) {
        if is_unspaced(char) {
            Class::Unspaced
        } else {
            Class::Word
        }
    } else if GeneralCategoryGroup::Symbol.contains(category) {
        Class::Symbol
    } else {
        Class::Separator
    }
}

fn is_unspaced(char: char) -> bool {
    // The mark of long vowels is common to two scripts.
    const LONG_VOWEL: char = 'ー';
    let script = CodePointMapData::<Script>::new().get(char);
    char == LONG_VOWEL
        || matches!(
            script,
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Hangul
                | Script::Bopomofo
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
        )
}

/// Returns the form in which texts are compared: without case, accents and invisible characters.
fn fold(text: &str) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let mut folded = String::with_capacity(decomposed.len());
    for char in decomposed
        .chars()
        .filter(|char| !is_ignorable(*char) && !is_accent(*char))
    {
        for lower in char.to_lowercase() {
            match plain_letters(lower) {
                Some(plain) => folded.push_str(plain),
                None => folded.push(lower),
            }
        }
    }
    // Lower case may have added accents, and what remains decomposed is one letter: a kana with its sound mark.
    let folded: String = folded.chars().filter(|char| !is_accent(*char)).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&folded).into_owned()
}

/// Whether a mark distinguishes letters less than a search does: accents, and the points of Hebrew and Arabic. The marks of
/// Indic scripts and the sound marks of kana make other letters.
fn is_accent(char: char) -> bool {
    matches!(CanonicalCombiningClassMapBorrowed::new().get_u8(char), 10..=35 | 200..=240)
}

/// Returns how a letter is written in plain Latin that Unicode does not decompose.
fn plain_letters(lower: char) -> Option<&'static str> {
    Some(match lower {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ŋ' => "n",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phrases(text: &str) -> Vec<String> {
        let phrases = search_phrases(text).into_iter();
        phrases
            .map(|phrase| phrase.words + if phrase.is_prefix { "*" } else { "" })
            .collect()
    }

    #[test]
    fn words_are_compared_without_case_and_accents() {
        for (text, words) in [
            ("Straße STRASSE ẞ", "strasse strasse ss"),
            ("Łódź Ørsted Æther Œuvre", "lodz orsted aether oeuvre"),
            ("Café İstanbul ıs", "cafe istanbul is"),
            ("Ｆｕｌｌ ﬁne №5", "full fine no5"),
            ("ΟΔΥΣΣΕΥΣ Ὀδυσσεύς", "οδυσσευσ οδυσσευσ"),
            ("Ёлка", "елка"),
            ("שָׁלוֹם مُحَمَّد", "שלום محمد"),
            ("हिन्दी", "हिन्दी"),
            ("Con\u{ad}cert\u{200b}o", "concerto"),
            ("rock'n'roll (live)", "rock n roll live"),
            ("C++ \u{1F3B8}\u{2764}\u{fe0f}", "c + + \u{1F3B8} \u{2764}"),
        ] {
            assert_eq!(index_words(text), words, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_indexed_by_pairs_of_letters() {
        for (text, words) in [
            ("音楽会", "音楽 楽会 会"),
            ("音", "音"),
            ("東京Tower2024年", "東京 京 tower2024 年"),
            ("コンサート", "コン ンサ サー ート ト"),
            ("ｶﾞﾗｽ", "ガラ ラス ス"),
            ("음악회", "음악 악회 회"),
            ("ดนตรี", "ดน นต ตร รี ี"),
        ] {
            assert_eq!(index_words(text), words, "{text}");
        }
    }

    #[test]
    fn a_search_is_for_beginnings_of_words_and_for_parts_of_texts_without_spaces() {
        for (text, expected) in [
            ("Gold vari", vec!["gold*", "vari*"]),
            ("goldberg-var", vec!["goldberg var*"]),
            ("a b", vec!["a", "b"]),
            ("9 99", vec!["9", "99*"]),
            ("楽", vec!["楽*"]),
            ("音楽", vec!["音楽"]),
            ("音楽会", vec!["音楽 楽会"]),
            ("東京tower", vec!["東京", "tower*"]),
            ("c++", vec!["c + +"]),
            ("♥", vec!["♥"]),
            ("gold Gold GOLD", vec!["gold*"]),
            ("nu\0ll", vec!["nu*", "ll*"]),
            ("\"quoted\" OR NEAR(x*", vec!["quoted*", "or*", "near x"]),
            ("", vec![]),
            (" \u{3000}", vec![]),
            ("?! - \u{200b}", vec![]),
        ] {
            assert_eq!(phrases(text), expected, "{text}");
        }
    }

    #[test]
    fn a_phrase_is_in_a_text_as_whole_words_or_as_the_beginning_of_the_last() {
        for (search, text, expected) in [
            ("gold", "Goldberg", true),
            ("gold", "Marigold", false),
            ("gold", "Marigold, goldfinger", true),
            ("goldberg-var", "Die Goldberg-Variationen", true),
            ("goldberg-var", "Goldberg (arr.) Variationen", false),
            ("j", "J. S. Bach", true),
            ("j", "Jazz", false),
            ("楽会", "音楽会", true),
            ("音会", "音楽会", false),
            ("a", "", false),
            // A word that ends like the phrase begins.
            ("cha-cha", "Mocha, cha-cha", true),
            ("1-1", "21:1:1", true),
            ("1-1", "11:1:1 final", true),
            ("a-a", "ba a", false),
        ] {
            let words = index_words(text);
            let is_in = search_phrases(search).iter().all(|phrase| phrase.is_in(&words));
            assert_eq!(is_in, expected, "{search} in {text}");
        }
    }

    proptest! {
        #[test]
        fn words_contain_nothing_that_a_tokenizer_separates(text in "\\PC{0,30}|[\\x00-\\x7f]{0,30}") {
            for word in index_words(&text).split(' ').filter(|word| !word.is_empty()) {
                let is_plain = |char: char| {
                    !char.is_whitespace() && (!char.is_ascii() || char.is_ascii_alphanumeric() || "$+<=>^`|~".contains(char))
                };
                prop_assert!(word.chars().all(is_plain), "{:?}", word);
            }
        }

        #[test]
        fn a_text_contains_every_part_of_itself(text in "[a-zé音楽会東ー♥ -]{1,12}") {
            let words = index_words(&text);
            for phrase in search_phrases(&text) {
                prop_assert!(phrase.is_in(&words), "{words}: {phrase:?}");
            }
        }
    }
}
