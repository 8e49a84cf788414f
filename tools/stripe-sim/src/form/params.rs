//! Stripe's request parameters: `a[b][c]=v`, in a query or a form body.
//!
//! Reading a parameter also validates it. An invalid one gives the error that Stripe sends, with its code and the name
//! of the parameter (<https://docs.stripe.com/error-codes>).

use std::collections::BTreeMap;

use url::form_urlencoded;

use crate::error::StripeError;

/// The deepest nesting that is parsed, which bounds the recursion. Stripe nests four levels at most.
const MAX_DEPTH: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

/// A level of parameters, and its path, so that an error can name its parameter in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params {
    path: String,
    pub(super) nodes: BTreeMap<String, Node>,
}

impl Params {
    /// Parses a query or a form body; of two equal keys the later one counts.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, StripeError> {
        let mut nodes = BTreeMap::new();
        for (key, value) in form_urlencoded::parse(encoded) {
            let path = segments(&key).ok_or_else(|| StripeError::invalid(&key, format!("Invalid parameter: {key}")))?;
            let Some((first, rest)) = path.split_first() else {
                continue;
            };
            let slot = nodes.entry((*first).to_owned());
            insert(slot, rest, value.into_owned())
                .ok_or_else(|| StripeError::invalid(&key, format!("Invalid parameter: {key}")))?;
        }
        Ok(Self {
            path: String::new(),
            nodes,
        })
    }

    /// Returns a text that is equal for equal parameters, in any order.
    pub(crate) fn fingerprint(&self) -> String {
        let mut line = form_urlencoded::Serializer::new(String::new());
        for (key, node) in &self.nodes {
            flatten(key, node, &mut line);
        }
        line.finish()
    }

    /// Fails if there is a parameter that the endpoint does not have. Every endpoint has `expand`.
    pub(crate) fn reject_unknown(&self, known: &[&str]) -> Result<(), StripeError> {
        let unknown = self
            .nodes
            .keys()
            .find(|key| *key != "expand" && !known.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some(key) => Err(StripeError::unknown_parameter(&self.name(key), known)),
        }
    }

    /// Returns the full name of a parameter of this level, as an error shows it.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}[{key}]", self.path)
        }
    }

    /// Removes a text and returns it, so that the endpoint does not see it.
    pub(crate) fn take_text(&mut self, key: &str) -> Option<String> {
        match self.nodes.remove(key)? {
            Node::Text(text) => Some(text),
            node => {
                self.nodes.insert(key.to_owned(), node);
                None
            }
        }
    }

    /// Whether the parameter is present.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.nodes.contains_key(key)
    }

    /// Reads a text; `None` when absent. An empty text is an error, unless it unsets a field (see
    /// [`Params::is_unset`]).
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, StripeError> {
        match self.nodes.get(key) {
            None => Ok(None),
            Some(Node::Text(text)) if text.is_empty() => Err(StripeError::empty_parameter(&self.name(key))),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(_) => Err(StripeError::invalid(
                &self.name(key),
                format!("Invalid string: {}", self.name(key)),
            )),
        }
    }

    /// Reads a text that must be present.
    pub(crate) fn required_text(&self, key: &str) -> Result<&str, StripeError> {
        self.text(key)?.ok_or_else(|| StripeError::missing(&self.name(key)))
    }

    /// Whether the parameter is present and empty, which unsets a field in an update.
    pub(crate) fn is_unset(&self, key: &str) -> bool {
        matches!(self.nodes.get(key), Some(Node::Text(text)) if text.is_empty())
    }

    /// Reads an integer; `None` when absent.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, StripeError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| StripeError::invalid_integer(&self.name(key), format!("Invalid integer: {text}")))
    }

    /// Reads an integer of at least one, such as an amount; `None` when absent.
    pub(crate) fn positive_integer(&self, key: &str) -> Result<Option<i64>, StripeError> {
        match self.integer(key)? {
            Some(number) if number < 1 => Err(StripeError::invalid_integer(
                &self.name(key),
                "This value must be greater than or equal to 1.".to_owned(),
            )),
            number => Ok(number),
        }
    }

    /// Reads `true` or `false`; `None` when absent.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, StripeError> {
        match self.text(key)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(StripeError::invalid(
                &self.name(key),
                format!("Invalid boolean: {other}"),
            )),
        }
    }

    /// Reads one of a list of words; `None` when absent.
    pub(crate) fn choice<'w>(&self, key: &str, words: &[&'w str]) -> Result<Option<&'w str>, StripeError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => Err(StripeError::invalid(
                &self.name(key),
                format!("Invalid {}: must be one of {}", self.name(key), words.join(", ")),
            )),
        }
    }

    /// Reads a nested level; `None` when absent.
    pub(crate) fn map(&self, key: &str) -> Result<Option<Self>, StripeError> {
        match self.nodes.get(key) {
            None => Ok(None),
            Some(Node::Map(nodes)) => Ok(Some(Self {
                path: self.name(key),
                nodes: nodes.clone(),
            })),
            Some(_) => Err(StripeError::invalid(&self.name(key), "Invalid object".to_owned())),
        }
    }

    /// Reads a list of texts, sent as `key[]=…` or `key[0]=…`; empty when absent.
    pub(crate) fn list(&self, key: &str) -> Result<Vec<&str>, StripeError> {
        let invalid = || StripeError::invalid(&self.name(key), "Invalid array".to_owned());
        let items: Vec<&Node> = match self.nodes.get(key) {
            None => return Ok(Vec::new()),
            Some(Node::List(items)) => items.iter().collect(),
            Some(Node::Map(items)) if items.keys().all(|index| index.parse::<u16>().is_ok()) => {
                let mut items: Vec<_> = items.iter().collect();
                items.sort_by_key(|(index, _)| index.parse::<u16>().unwrap_or_default());
                items.into_iter().map(|(_, item)| item).collect()
            }
            Some(_) => return Err(invalid()),
        };
        items
            .into_iter()
            .map(|item| {
                if let Node::Text(text) = item {
                    Ok(text.as_str())
                } else {
                    Err(invalid())
                }
            })
            .collect()
    }
}

/// Splits `a[b][]` into `a`, `b`, and an empty segment for "append". `None` if the brackets do not match, or nest too
/// deep.
fn segments(key: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = key.split_once('[') else {
        return Some(vec![key]);
    };
    let inner = rest.strip_suffix(']')?;
    let mut path = vec![first];
    path.extend(inner.split("]["));
    let whole = path.iter().all(|segment| !segment.contains(['[', ']']));
    (whole && !first.is_empty() && path.len() <= MAX_DEPTH).then_some(path)
}

type Slot<'n> = std::collections::btree_map::Entry<'n, String, Node>;

/// Inserts a value at its path; `None` if a text and a level would have the same path.
fn insert(slot: Slot<'_>, path: &[&str], value: String) -> Option<()> {
    let Some((next, rest)) = path.split_first() else {
        return match slot.or_insert_with(|| Node::Text(String::new())) {
            Node::Text(text) => {
                *text = value;
                Some(())
            }
            _ => None,
        };
    };
    if next.is_empty() {
        // A list of levels (`line_items[][name]`) is a parameter of no supported endpoint.
        let Node::List(items) = slot.or_insert_with(|| Node::List(Vec::new())) else {
            return None;
        };
        items.push(rest.is_empty().then_some(Node::Text(value))?);
        return Some(());
    }
    let Node::Map(nodes) = slot.or_insert_with(|| Node::Map(BTreeMap::new())) else {
        return None;
    };
    insert(nodes.entry((*next).to_owned()), rest, value)
}

fn flatten(key: &str, node: &Node, line: &mut form_urlencoded::Serializer<'_, String>) {
    match node {
        Node::Text(text) => {
            line.append_pair(key, text);
        }
        Node::List(items) => items.iter().for_each(|item| flatten(&format!("{key}[]"), item, line)),
        Node::Map(nodes) => nodes
            .iter()
            .for_each(|(name, node)| flatten(&format!("{key}[{name}]"), node, line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Params {
        Params::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn nested_keys_and_lists_are_read_as_stripe_writes_them() {
        let params =
            parse("payment_method_data[card][token]=tok_visa&payment_method_types[]=card&types[1]=b&types[0]=a");
        let card = params
            .map("payment_method_data")
            .unwrap()
            .unwrap()
            .map("card")
            .unwrap()
            .unwrap();
        assert_eq!(card.text("token").unwrap(), Some("tok_visa"));
        assert_eq!(card.name("token"), "payment_method_data[card][token]");
        assert_eq!(params.list("payment_method_types").unwrap(), ["card"]);
        assert_eq!(params.list("types").unwrap(), ["a", "b"]);
    }

    #[test]
    fn the_order_of_parameters_does_not_change_the_fingerprint_but_a_value_does() {
        assert_eq!(
            parse("a=1&m[x]=2&m[a]=3").fingerprint(),
            parse("m[a]=3&m[x]=2&a=1").fingerprint()
        );
        assert_ne!(parse("a=1").fingerprint(), parse("a=2").fingerprint());
        assert_ne!(parse("a[b]=1").fingerprint(), parse("a[]=b&c=1").fingerprint());
    }

    #[test]
    fn a_malformed_key_is_refused_and_never_panics() {
        for bad in [
            "a[",
            "a[b",
            "[b]=1",
            "a[b]c=1",
            "a=1&a[b]=2",
            "a[b]=2&a[]=1",
            "a[][b]=1",
            "a[b][c][d][e][f][g][h][i]=1",
        ] {
            assert!(Params::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
