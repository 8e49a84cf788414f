//! Searches as expressions of the full-text index (<https://sqlite.org/fts5.html#full_text_query_syntax>).

use std::sync::Arc;

use quick_cache::sync::Cache;
use rusqlite::{Connection, OptionalExtension};

use crate::domain::{SearchTerm, SearchTerms};

/// The length of the longest prefixes that the index has entries for, in characters (`prefix = '1 2 3'` in migration 007).
const INDEXED_PREFIX_CHARS: usize = 3;

/// The maximum number of words that replace a prefix.
const MAX_WORDS: usize = 16;

/// The maximum number of words that replace the prefixes of a search.
const MAX_WORDS_OF_SEARCH: usize = 64;

/// The maximum length of such a word, in bytes.
const MAX_WORD_BYTES: usize = 64;

/// The number of prefixes whose words are kept. With the longest prefixes and words, 5 MB.
const MAX_PREFIXES: usize = 1000;

/// The words of the index that begin with a prefix, kept while the index does not change: to find the word after a frequent one,
/// the index reads all rows of the frequent one. Cheap to clone; clones share the words.
#[derive(Clone, Debug)]
pub(crate) struct WordsByPrefix(Arc<Cache<String, KeptWords>>);

#[derive(Clone, Debug)]
struct KeptWords {
    index: IndexState,
    words: Arc<[String]>,
}

/// FTS5's record of the segments of the index ("structure record" in <https://sqlite.org/src/file/ext/fts5/fts5_index.c>). Each
/// transaction that writes to the index counts the written pages in it, so no two states of one table have the same. A
/// migration that creates the table anew has to be one that no running release sees.
type IndexState = Arc<[u8]>;

impl Default for WordsByPrefix {
    fn default() -> Self {
        Self(Arc::new(Cache::new(MAX_PREFIXES)))
    }
}

impl WordsByPrefix {
    /// Returns the expression for the terms of a search. `None` without terms.
    ///
    /// For a prefix without an entry, the index merges the rows of all words with the prefix before it returns the first row. So a
    /// prefix of few words is replaced by these words: their rows are read one after the other, and only as far as needed. A
    /// phrase is not replaced, because each of its words would be read again for each replacement.
    pub(super) fn search_expression(
        &self,
        conn: &Connection,
        terms: &SearchTerms,
    ) -> Result<Option<String>, db::Error> {
        if terms.is_empty() {
            return Ok(None);
        }
        let state = index_state(conn)?;
        let mut words_left = MAX_WORDS_OF_SEARCH;
        let expressions = terms.iter().map(|term| {
            let is_replaceable = |prefix: &&str| words_left > 0 && prefix.chars().count() > INDEXED_PREFIX_CHARS;
            let words = match term.prefix().filter(is_replaceable) {
                Some(prefix) => self.words(conn, &state, prefix)?,
                None => Arc::default(),
            };
            if words.is_empty() || words.len() > words_left {
                return Ok(term.to_string());
            }
            words_left -= words.len();
            let words = words
                .iter()
                .map(|word| SearchTerm::of_whole_words(word.clone()).to_string());
            Ok(format!("({})", words.collect::<Vec<_>>().join(" OR ")))
        });
        let expressions = expressions.collect::<Result<Vec<_>, db::Error>>()?;
        Ok(Some(expressions.join(" AND ")))
    }

    /// Returns the words of the index with a prefix; none if they are many, or long.
    fn words(&self, conn: &Connection, state: &IndexState, prefix: &str) -> Result<Arc<[String]>, db::Error> {
        if let Some(kept) = self.0.get(prefix).filter(|kept| kept.index == *state) {
            return Ok(kept.words);
        }
        let words: Arc<[String]> = words_with_prefix(conn, prefix)?.into();
        let kept = KeptWords {
            index: Arc::clone(state),
            words: Arc::clone(&words),
        };
        self.0.insert(prefix.to_owned(), kept);
        Ok(words)
    }
}

fn index_state(conn: &Connection) -> Result<IndexState, db::Error> {
    let mut select = conn.prepare_cached("SELECT block FROM listing_words_data WHERE id = 10")?;
    Ok(select.query_row([], |row| Ok(IndexState::from(row.get_ref(0)?.as_bytes()?)))?)
}

fn words_with_prefix(conn: &Connection, prefix: &str) -> Result<Vec<String>, db::Error> {
    // Reading on after the first row would read all rows of its word.
    let mut select =
        conn.prepare_cached("SELECT term FROM listing_vocabulary WHERE term >= ? ORDER BY term LIMIT 1")?;
    let (mut words, mut from) = (Vec::new(), prefix.to_owned());
    loop {
        // The index cuts off very long words, also in the middle of a character.
        let read = |row: &rusqlite::Row<'_>| Ok(String::from_utf8(row.get_ref(0)?.as_bytes()?.to_vec()).ok());
        let Some(word) = select.query_row([&from], read).optional()? else {
            return Ok(words);
        };
        match word {
            Some(word) if !word.starts_with(prefix) => return Ok(words),
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

    fn add(conn: &db::Tx, title: &str) {
        let listing = Listing::create(UserId::new(NOW), offer(title, usd(1), Some(5)), NOW).unwrap();
        store::insert(conn, &listing).unwrap();
    }

    fn expression(conn: &Connection, search: &str) -> String {
        let words = WordsByPrefix::default();
        words
            .search_expression(conn, &search.parse().unwrap())
            .unwrap()
            .unwrap()
    }

    #[test]
    fn a_prefix_of_few_words_is_replaced_by_them() {
        let conn = database();
        let add = |title: &str| add(&conn, title);
        add("Concert of symphonies");
        add("Concertos");
        assert_eq!(expression(&conn, "conc"), r#"("concert" OR "concertos")"#);
        assert_eq!(
            expression(&conn, "Conc symphony"),
            r#"("concert" OR "concertos") AND "symphony"*"#
        );
        assert_eq!(expression(&conn, "concert-of-symph"), r#""concert of symph"*"#);
        assert_eq!(
            expression(&conn, "con a"),
            r#""con"* AND "a""#,
            "the index has these prefixes"
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
    fn a_search_is_replaced_by_a_limited_number_of_words() {
        let conn = database();
        for prefix in ["abca", "abcb", "abcc", "abcd", "abce"] {
            for letter in 'a'..='p' {
                add(&conn, &format!("{prefix}{letter}"));
            }
        }
        let expression = expression(&conn, "abca abcb abcc abcd abce");
        assert_eq!(expression.matches(" OR ").count(), 4 * 15);
        assert!(expression.ends_with(r#" AND "abce"*"#), "{expression}");
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

    #[test]
    fn words_are_kept_until_the_index_changes() {
        let conn = database();
        let words = WordsByPrefix::default();
        let read = |prefix| {
            // Writes to the index what was not written yet.
            conn.query_row(
                "SELECT count(*) FROM listing_words WHERE listing_words MATCH 'any'",
                [],
                |_| Ok(()),
            )
            .unwrap();
            words.words(&conn, &index_state(&conn).unwrap(), prefix).unwrap()
        };
        add(&conn, "Concert");
        let first = read("conc");
        assert_eq!(*first, ["concert"]);
        assert!(Arc::ptr_eq(&first, &read("conc")));
        let mut added = Listing::create(UserId::new(NOW), offer("Choir", usd(1), Some(5)), NOW).unwrap();
        store::insert(&conn, &added).unwrap();
        assert!(!Arc::ptr_eq(&first, &read("conc")));
        added.change(offer("Concerto", usd(1), Some(5)), NOW).unwrap();
        store::update(&conn, &added).unwrap();
        assert_eq!(*read("conc"), ["concert", "concerto"]);
    }
}
