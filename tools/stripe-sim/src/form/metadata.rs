//! `metadata[…]`: what a client keeps with an object.

use std::collections::BTreeMap;

use super::{Node, Params};
use crate::error::StripeError;

/// Limits of metadata: keys, characters of a key, characters of a value (<https://docs.stripe.com/api/metadata>).
const METADATA_KEYS: usize = 50;
const METADATA_KEY: usize = 40;
const METADATA_VALUE: usize = 500;

impl Params {
    /// Applies `metadata[…]` to what is there: an empty value removes its key, an empty `metadata` removes all.
    pub(crate) fn merge_metadata(&self, metadata: &mut BTreeMap<String, String>) -> Result<(), StripeError> {
        if self.unset("metadata") {
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
            if key.chars().count() > METADATA_KEY {
                let text = format!("Metadata keys must be under {METADATA_KEY} characters long.");
                return Err(StripeError::invalid("metadata", text));
            }
            if value.chars().count() > METADATA_VALUE {
                let text = format!("Metadata values must be under {METADATA_VALUE} characters long.");
                return Err(StripeError::invalid(&changes.name(key), text));
            }
            if value.is_empty() {
                metadata.remove(key);
            } else {
                metadata.insert(key.clone(), value.clone());
            }
        }
        if metadata.len() > METADATA_KEYS {
            let text = format!("You can only have {METADATA_KEYS} metadata keys.");
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
