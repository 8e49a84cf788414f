//! Writes the file with a person's data: the exports of all services, as one JSON document.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Writes the pages of one service as one object: each list as a whole, and what is the same in all pages once. A page has
/// items of one list, and the lists follow each other.
#[derive(Debug, Default)]
pub(super) struct ObjectWriter {
    /// The fields that were written.
    written: BTreeSet<String>,
    /// Lists that had no item yet.
    empty: BTreeSet<String>,
    /// The list whose end is not written.
    open: Option<String>,
}

/// A list that continues after its end: the pages are not those of an export.
#[derive(Debug, thiserror::Error)]
#[error("the list {0} continues after another list has begun")]
pub(super) struct SplitList(String);

impl ObjectWriter {
    /// Returns the text of a page.
    pub(super) fn page(&mut self, fields: Map<String, Value>) -> Result<String, SplitList> {
        let mut text = String::new();
        for (name, value) in fields {
            match value {
                Value::Array(items) if items.is_empty() => {
                    if !self.written.contains(&name) {
                        self.empty.insert(name);
                    }
                }
                Value::Array(items) => self.items(&name, &items, &mut text)?,
                value if self.written.contains(&name) => drop(value),
                value => {
                    self.begin(&name, &mut text);
                    text += &value.to_string();
                }
            }
        }
        Ok(text)
    }

    /// Returns the text of the end.
    pub(super) fn end(mut self) -> String {
        let mut text = String::new();
        for name in std::mem::take(&mut self.empty) {
            self.begin(&name, &mut text);
            text += "[]";
        }
        self.close(&mut text);
        text += if self.written.is_empty() { "{}" } else { "}" };
        text
    }

    fn items(&mut self, name: &str, items: &[Value], text: &mut String) -> Result<(), SplitList> {
        let is_open = self.open.as_deref() == Some(name);
        if !is_open {
            if self.written.contains(name) {
                return Err(SplitList(name.to_owned()));
            }
            self.empty.remove(name);
            self.begin(name, text);
            self.open = Some(name.to_owned());
        }
        let items: Vec<_> = items.iter().map(Value::to_string).collect();
        *text += if is_open { "," } else { "[" };
        *text += &items.join(",");
        Ok(())
    }

    /// Writes the name of a field, after the end of the one before.
    fn begin(&mut self, name: &str, text: &mut String) {
        self.close(text);
        *text += if self.written.is_empty() { "{" } else { "," };
        *text += &Value::from(name).to_string();
        *text += ":";
        self.written.insert(name.to_owned());
    }

    fn close(&mut self, text: &mut String) {
        if self.open.take().is_some() {
            *text += "]";
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn joined(pages: &[Value]) -> Value {
        let mut writer = ObjectWriter::default();
        let mut text = String::new();
        for page in pages {
            text += &writer.page(page.as_object().unwrap().clone()).unwrap();
        }
        text += &writer.end();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn pages_are_joined_to_whole_lists() {
        let pages = [
            json!({"name": "Ada \"the\" Countess", "orders": [1, 2], "refunds": [], "activity": []}),
            json!({"name": "Ada \"the\" Countess", "orders": [{"a": [3]}], "refunds": [], "activity": []}),
            json!({"name": "Ada \"the\" Countess", "orders": [], "refunds": [], "activity": []}),
            json!({"name": "Ada \"the\" Countess", "orders": [], "refunds": [], "activity": ["b", "c"]}),
        ];
        let expected = json!({"name": "Ada \"the\" Countess", "orders": [1, 2, {"a": [3]}], "refunds": [], "activity": ["b", "c"]});
        assert_eq!(joined(&pages), expected);
        assert_eq!(joined(&[json!({})]), json!({}));
        assert_eq!(joined(&[json!({"mails": []})]), json!({"mails": []}));
        assert_eq!(
            joined(&[json!({"mails": [1], "email": "x"})]),
            json!({"mails": [1], "email": "x"})
        );
    }

    #[test]
    fn a_list_that_continues_after_another_one_is_refused() {
        let mut writer = ObjectWriter::default();
        for page in [json!({"a": [1]}), json!({"b": [1]})] {
            let _ = writer.page(page.as_object().unwrap().clone()).unwrap();
        }
        assert!(writer.page(json!({"a": [2]}).as_object().unwrap().clone()).is_err());
    }
}
