//! Searches as expressions of the full-text index (<https://sqlite.org/fts5.html#full_text_query_syntax>).

use rusqlite::{Connection, OptionalExtension};

use crate::domain::{SearchTerm, SearchTerms};

/// The index has its own entries for beginnings of words of up to so many characters.
const INDEXED_BEGINNING: usize = 3;

/// By how many words a beginning is replaced at most.
const MAX_WORDS: usize = 16;

/// How long these words may be, in bytes.
const MAX_WORD_BYTES: usize = 64;

/// Returns the expression for the terms of a search. `None` without terms.
///
/// For a beginning of words without an entry, the index merges the rows of all these words before it returns the first one.
/// So a beginning of few words is replaced by them: their rows are read one after the other, and only as far as needed.
pub(super) fn search_expression(conn: &Connection, terms: &SearchTerms) -> Result<Option<String>, db::Error> {
    let expressions = terms.iter().map(|term| term_expression(conn, term));
    let expressions = expressions.collect::<Result<Vec<_>, _>>()?;
    Ok((!expressions.is_empty()).then(|| expressions.join(" AND ")))
}

fn term_expression(conn: &Connection, term: &SearchTerm) -> Result<String, db::Error> {
    let (before, last) = term.split_last_word();
    let words = if term.is_prefix() && last.chars().count() > INDEXED_BEGINNING {
        words_that_begin_with(conn, last)?
    } else {
        Vec::new()
    };
    if words.is_empty() {
        return Ok(term.to_string());
    }
    let phrases = words
        .iter()
        .map(|word| SearchTerm::of_whole_words(format!("{before}{word}")).to_string());
    Ok(format!("({})", phrases.collect::<Vec<_>>().join(" OR ")))
}

/// Returns the words of the index that begin with `beginning`; none if they are many or long.
fn words_that_begin_with(conn: &Connection, beginning: &str) -> Result<Vec<String>, db::Error> {
    // Reading on after the first row would read all rows of its word.
    let mut select = conn.prepare_cached("SELECT term FROM listing_vocabulary WHERE term >= ? LIMIT 1")?;
    let (mut words, mut from) = (Vec::new(), beginning.to_owned());
    loop {
        // The index cuts off very long words, also in the middle of a character.
        let read = |row: &rusqlite::Row<'_>| Ok(String::from_utf8(row.get_ref(0)?.as_bytes()?.to_vec()).ok());
        let Some(word) = select.query_row([&from], read).optional()? else {
            return Ok(words);
        };
        match word {
            Some(word) if !word.starts_with(beginning) => return Ok(words),
            Some(word) if words.len() < MAX_WORDS && word.len() <= MAX_WORD_BYTES => {
                // Words contain no control characters.
                from = format!("{word}\u{1}");
                words.push(word);
            }
            _ => return Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use values::UserId;

    use super::*;
    use crate::{
        domain::Listing,
        store,
        test_support::{NOW, database, offer, usd},
    };

    fn expression(conn: &Connection, search: &str) -> String {
        search_expression(conn, &search.parse().unwrap()).unwrap().unwrap()
    }

    #[test]
    fn a_beginning_of_few_words_is_replaced_by_them() {
        let conn = database();
        let add = |title: &str| {
            let listing = Listing::create(UserId::new(NOW), offer(title, usd(1), Some(5)), NOW).unwrap();
            store::insert(&conn, &listing).unwrap();
        };
        add("Concert of symphonies");
        add("Concertos");
        assert_eq!(expression(&conn, "conc"), r#"("concert" OR "concertos")"#);
        assert_eq!(
            expression(&conn, "Conc symphony"),
            r#"("concert" OR "concertos") AND "symphony"*"#
        );
        assert_eq!(expression(&conn, "concert-of-symph"), r#"("concert of symphonies")"#);
        assert_eq!(
            expression(&conn, "con a"),
            r#""con"* AND "a""#,
            "the index has these beginnings"
        );
        for number in 0..14 {
            add(&format!("concerto{number}"));
        }
        assert!(expression(&conn, "concerto").contains(r#" OR "concerto9" OR "#));
        add(&"conc".repeat(17));
        assert_eq!(expression(&conn, "conc"), r#""conc"*"#, "a word is long");
        for number in 14..17 {
            add(&format!("concerto{number}"));
        }
        assert_eq!(expression(&conn, "concerto"), r#""concerto"*"#, "there are many words");
    }

    #[test]
    fn words_that_the_index_has_cut_off_are_not_used() {
        let conn = database();
        conn.execute(
            "INSERT INTO listing_words (rowid, title) VALUES (1, ?)",
            [format!("abcd{}", "é".repeat(20_000))],
        )
        .unwrap();
        assert_eq!(expression(&conn, "abcd"), r#""abcd"*"#);
    }
}
