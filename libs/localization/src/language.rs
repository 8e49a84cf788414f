use values::Language;

/// Returns the language that a reader prefers, by the header `Accept-Language` (RFC 9110, section 12.5.4); the default if it
/// names none of ours.
pub fn preferred_language(accept_language: &str) -> Language {
    let mut preferred = None;
    for range in accept_language.split(',').take(MAX_RANGES) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(Some(1000), weight);
        let (Some(language), Some(weight)) = (language_of(tag), weight) else {
            continue;
        };
        // The first of equal weights stays.
        if weight > 0 && preferred.is_none_or(|(_, best)| weight > best) {
            preferred = Some((language, weight));
        }
    }
    preferred.map(|(language, _)| language).unwrap_or_default()
}

/// The ranges of a header that are read. Browsers send less than ten.
const MAX_RANGES: usize = 50;

/// Returns the language of a tag such as `de`, `de-AT` or `en_GB`.
fn language_of(tag: &str) -> Option<Language> {
    let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    match primary.as_str() {
        "*" => Some(Language::default()),
        primary => primary.parse().ok(),
    }
}

/// Returns a weight in thousandths: `1`, `0.8`, `0.125`.
fn weight(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse::<u32>().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_with_the_highest_weight_that_exists() {
        for (header, language) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en-GB,de;q=0.9", Language::English),
            ("fr,en;q=0.2,de;q=0.35", Language::German),
            ("fr, pl;q=0.9", Language::English),
            ("de;q=0, en;q=0.1", Language::English),
            ("de;q=0", Language::English),
            ("de; q=0.5, en; q=0.5", Language::German),
            ("*", Language::English),
            ("DE_de", Language::German),
            ("de;q=2, en;q=0.1", Language::English),
            ("de;q=0.12345, en;q=0.1", Language::English),
            ("de;q=-1;q=é,,;,\u{0},en", Language::English),
        ] {
            assert_eq!(preferred_language(header), language, "{header}");
        }
    }
}
