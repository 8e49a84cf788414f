use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{BidiControl, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

/// A blank of Braille: a symbol by its category, and invisible.
const BRAILLE_BLANK: char = '\u{2800}';

/// The base of flags that are spelled out in tags, such as that of Wales.
const BLACK_FLAG: char = '\u{1F3F4}';

/// Returns the general category of a character.
pub(crate) fn category(char: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(char)
}

/// Whether a character shows nothing by itself, wherever it stands.
pub(crate) fn is_ignorable(char: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char)
}

/// Whether a character can be seen by itself. A mark cannot, because it needs a base.
pub(crate) fn is_visible(char: char) -> bool {
    const VISIBLE: GeneralCategoryGroup = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Number)
        .union(GeneralCategoryGroup::Punctuation)
        .union(GeneralCategoryGroup::Symbol);
    VISIBLE.contains(category(char)) && !is_ignorable(char) && char != BRAILLE_BLANK
}

/// Whether a character separates lines or paragraphs.
pub(crate) fn is_line_separator(char: char) -> bool {
    matches!(
        category(char),
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    )
}

/// Whether a character is removed from a text, given the character before it that was kept.
pub(crate) fn is_removed(char: char, before: Option<char>) -> bool {
    if CodePointSetData::new::<BidiControl>().contains(char) {
        return true;
    }
    if is_tag(char) {
        return !before.is_some_and(|before| before == BLACK_FLAG || is_tag(before));
    }
    is_ignorable(char) && !is_needed(char)
}

/// Whether an invisible character changes how its neighbours look, or where a line may break.
fn is_needed(char: char) -> bool {
    let is_hint = matches!(char, '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{34F}');
    // Variation selectors and the vowels of Khmer are marks.
    is_hint || GeneralCategoryGroup::Mark.contains(category(char))
}

fn is_tag(char: char) -> bool {
    matches!(char, '\u{E0020}'..='\u{E007F}')
}
