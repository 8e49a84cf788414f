//! `metadata[…]`: values that a client stores with an object.

use std::collections::BTreeMap;

use super::params::{Node, Params};
use crate::error::StripeError;

/// The limits of metadata (<https://docs.stripe.com/api/metadata>).
const MAX_KEYS: usize = 50;
const MAX_KEY_CHARS: usize = 40;
const MAX_VALUE_CHARS: usize = 500;

impl Params {
    /// Merges `metadata[…]` into existing metadata: an empty value removes its key, an empty `metadata` removes all.
    pub(crate) fn merge_metadata(&self, metadata: &mut BTreeMap<String, String>) -> Result<(), StripeError> {
        if self.is_unset("metadata") {
            metadata.clear();
            return Ok(());
        }
        let Some(changes) = self.map("metadata")? else {
            return Ok(());
        };
        for (key, node) in &changes.nodes {
            let Node::Text(value) = node else {
                return Err(StripeError::invalid(
                    &changes.name(key),
                    "Metadata values must be strings; nested objects are not allowed.".to_owned(),
                ));
            };
            if key.chars().count() > MAX_KEY_CHARS {
                let text = format!("Metadata keys must be under {MAX_KEY_CHARS} characters long.");
                return Err(StripeError::invalid("metadata", text));
            }
            if value.chars().count() > MAX_VALUE_CHARS {
                let text = format!("Metadata values must be under {MAX_VALUE_CHARS} characters long.");
                return Err(StripeError::invalid(&changes.name(key), text));
            }
            if value.is_empty() {
                metadata.remove(key);
            } else {
                metadata.insert(key.clone(), value.clone());
            }
        }
        if metadata.len() > MAX_KEYS {
            let text = format!("You can only have {MAX_KEYS} metadata keys.");
            return Err(StripeError::invalid("metadata", text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Params {
        Params::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn metadata_merges_and_an_empty_value_removes() {
        let mut metadata = BTreeMap::from([("kept".to_owned(), "1".to_owned()), ("gone".to_owned(), "2".to_owned())]);
        parse("metadata[gone]=&metadata[new]=3")
            .merge_metadata(&mut metadata)
            .unwrap();
        assert_eq!(metadata.keys().collect::<Vec<_>>(), ["kept", "new"]);
        parse("metadata=").merge_metadata(&mut metadata).unwrap();
        assert!(metadata.is_empty());
    }
}
