use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use fluent_syntax::{
    ast::{Attribute, Entry, Expression, InlineExpression, Message, Pattern, PatternElement},
    parser,
};
use values::Language;

/// Returns the defects of messages and of their use in `sources`, a folder with Rust files and templates. Tests compare the
/// list with an empty one.
///
/// Every language has the same messages with the same variables; every message is used, as `text("id")` or by a literal
/// `"id"` elsewhere in the sources; every `text("id")` names a message, and is followed by `.with("variable", …)` for each of
/// its variables, unless values are added elsewhere.
///
/// # Errors
///
/// A file cannot be read.
pub fn verify(files: &[(Language, &str)], sources: &Path) -> io::Result<Vec<String>> {
    let mut defects = Vec::new();
    let by_language = Language::ALL
        .iter()
        .map(|language| (*language, messages(*language, files, &mut defects)));
    let by_language = by_language.collect::<Vec<_>>();
    let all_ids = by_language
        .iter()
        .flat_map(|(_, messages)| messages.keys())
        .collect::<BTreeSet<_>>();
    for id in &all_ids {
        defects.extend(differences(id, &by_language));
    }
    let mut source_text = String::new();
    read_sources(sources, &mut source_text)?;
    for id in &all_ids {
        if !source_text.contains(&format!("\"{id}\"")) {
            defects.push(format!("{id} is not used"));
        }
    }
    let unknown = used_ids(&source_text)
        .into_iter()
        .filter(|id| !all_ids.iter().any(|known| known.as_str() == *id));
    defects.extend(unknown.map(|id| format!("{id} is used, but does not exist")));
    Ok(defects)
}

/// The variables of each message.
type Messages = BTreeMap<String, BTreeSet<String>>;

fn messages(language: Language, files: &[(Language, &str)], defects: &mut Vec<String>) -> Messages {
    let mut messages = Messages::new();
    for (_, file) in files.iter().filter(|(of, _)| *of == language) {
        let resource = match parser::parse(*file) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                defects.extend(errors.iter().map(|error| format!("{language}: {error}")));
                resource
            }
        };
        for entry in resource.body {
            let Entry::Message(message) = entry else { continue };
            let id = message.id.name.to_owned();
            if messages.insert(id.clone(), variables(&message)).is_some() {
                defects.push(format!("{id} exists twice in {language}"));
            }
        }
    }
    messages
}

fn differences(id: &str, by_language: &[(Language, Messages)]) -> Vec<String> {
    let missing = by_language.iter().filter(|(_, messages)| !messages.contains_key(id));
    let mut defects = missing
        .map(|(language, _)| format!("{id} is missing in {language}"))
        .collect::<Vec<_>>();
    let mut variables = by_language.iter().filter_map(|(_, messages)| messages.get(id));
    let first = variables.next();
    if variables.any(|others| Some(others) != first) {
        defects.push(format!("{id} has different variables in the languages"));
    }
    defects
}

fn variables(message: &Message<&str>) -> BTreeSet<String> {
    let attributes = message.attributes.iter().map(|Attribute { value, .. }| value);
    let mut names = BTreeSet::new();
    for pattern in message.value.iter().chain(attributes) {
        pattern_variables(pattern, &mut names);
    }
    names
}

fn pattern_variables(pattern: &Pattern<&str>, names: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { .. } => {}
            PatternElement::Placeable {
                expression: Expression::Inline(inline),
            } => inline_variables(inline, names),
            PatternElement::Placeable {
                expression: Expression::Select { selector, variants },
            } => {
                inline_variables(selector, names);
                for variant in variants {
                    pattern_variables(&variant.value, names);
                }
            }
        }
    }
}

fn inline_variables(expression: &InlineExpression<&str>, names: &mut BTreeSet<String>) {
    match expression {
        InlineExpression::VariableReference { id } => {
            names.insert(id.name.to_owned());
        }
        InlineExpression::FunctionReference { arguments, .. } => {
            for argument in &arguments.positional {
                inline_variables(argument, names);
            }
        }
        InlineExpression::Placeable { expression } => {
            if let Expression::Inline(inner) = expression.as_ref() {
                inline_variables(inner, names);
            }
        }
        _ => {}
    }
}

/// Returns the ids in calls such as `text("id")`.
fn used_ids(sources: &str) -> BTreeSet<&str> {
    let calls = sources.split(".text(").skip(1);
    calls
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
        .map(|(id, _)| id)
        .collect()
}

fn read_sources(folder: &Path, text: &mut String) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_sources(&path, text)?;
        } else if path
            .extension()
            .is_some_and(|end| ["rs", "html", "txt"].iter().any(|known| end == *known))
        {
            text.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defects(english: &str, german: &str, source: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pages")).unwrap();
        fs::write(folder.path().join("pages/page.html"), source).unwrap();
        let files = [(Language::English, english), (Language::German, german)];
        verify(&files, folder.path()).unwrap()
    }

    #[test]
    fn messages_that_are_equal_in_both_languages_and_used_have_no_defect() {
        let english = "# A comment\na = One\nb = { $n ->\n  [one] One { $what }\n *[other] { $n }\n}";
        let german = "a = Eins\nb = { $what } { $n }";
        let source = r#"{{ t.text("a") }} {{ t.text( "b").with("n", 1).with("what", "x") }}"#;
        assert_eq!(defects(english, german, source), Vec::<String>::new());
    }

    #[test]
    fn each_defect_is_found() {
        let used = r#"t.text("a")"#;
        assert_eq!(defects("a = 1", "", used), ["a is missing in de"]);
        assert_eq!(defects("", "a = 1", used), ["a is missing in en"]);
        assert_eq!(
            defects("a = { $x }", "a = { $y }", used),
            ["a has different variables in the languages"]
        );
        assert_eq!(defects("a = 1\nb = 2", "a = 1\nb = 2", used), ["b is not used"]);
        assert_eq!(defects("", "", used), ["a is used, but does not exist"]);
        assert_eq!(defects("a = 1\na = 2", "a = 1", used), ["a exists twice in en"]);
        assert!(defects("a = { $x", "a = 1", used)[0].starts_with("en: "));
    }
}
