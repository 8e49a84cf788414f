//! Entity tags: which state of a ticket a client has seen (RFC 9110, sections 8.8.3 and 13.1).
//!
//! A tag is strong and names everything that can change in what is shown: the seller's version, what is held and sold,
//! and whether it has begun. So `If-None-Match` never calls something fresh that is not.
//!
//! `If-Match` asks about the seller's version alone: it protects one edit from overwriting another, and an order that
//! came in between is no edit. Otherwise a listing that sells well could hardly be edited.

use std::{fmt, str::FromStr};

use values::Timestamp;

use crate::listing::{Listing, Stock};

/// The tag of one state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag {
    version: u64,
    stock: Stock,
    begun: bool,
}

impl Tag {
    pub(crate) fn of(listing: &Listing, now: Timestamp) -> Self {
        Self {
            version: listing.version,
            stock: listing.stock,
            begun: listing.has_begun(now),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            stock: Stock { held, sold },
            begun,
        } = self;
        write!(f, "\"{version}.{held}.{sold}{}\"", if *begun { ".begun" } else { "" })
    }
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Condition {
    Any,
    /// As they came, quotes and `W/` included.
    OneOf(Vec<String>),
}

/// A text that is no list of entity tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be * or entity tags in quotes, as an ETag header gives them")]
pub(crate) struct MalformedCondition;

impl Condition {
    /// Whether a change may go ahead on a listing whose seller's version is this (`If-Match`: a weak tag never matches).
    pub(crate) fn admits(&self, listing: &Listing) -> bool {
        let version = listing.version.to_string();
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|tag| {
                let seen = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                seen.and_then(|seen| seen.split('.').next()) == Some(&version)
            }),
        }
    }

    /// Whether the client has this state already (`If-None-Match`: weak or not makes no difference).
    pub(crate) fn has(&self, tag: Tag) -> bool {
        let tag = tag.to_string();
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|seen| seen.strip_prefix("W/").unwrap_or(seen) == tag),
        }
    }
}

impl FromStr for Condition {
    type Err = MalformedCondition;

    fn from_str(text: &str) -> Result<Self, MalformedCondition> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let mut rest = text.trim();
        let mut tags = Vec::new();
        while !rest.is_empty() {
            let start = rest.strip_prefix("W/").unwrap_or(rest);
            // A comma may stand inside the quotes, a quote may not.
            let inside = start.strip_prefix('"').ok_or(MalformedCondition)?;
            let (_, after) = inside.split_once('"').ok_or(MalformedCondition)?;
            let (tag, _) = rest.split_at(rest.len() - after.len());
            tags.push(tag.to_owned());
            rest = after.trim_start();
            if let Some(next) = rest.strip_prefix(',') {
                rest = next.trim_start();
            } else if !rest.is_empty() {
                return Err(MalformedCondition);
            }
        }
        if tags.is_empty() {
            Err(MalformedCondition)
        } else {
            Ok(Self::OneOf(tags))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use values::UserId;

    use super::*;
    use crate::listing::tests::{NOW, offer, starting, usd};

    fn listing() -> Listing {
        let concert = starting(offer("Concert", usd(1999), Some(5)), NOW + Duration::from_mins(1));
        let mut listing = Listing::open(UserId::new(NOW), concert, NOW).unwrap();
        listing.version = 3;
        listing
    }

    fn condition(text: &str) -> Condition {
        text.parse().unwrap()
    }

    #[test]
    fn whatever_is_shown_anew_has_a_new_tag() {
        let mut listing = listing();
        let mut tags = vec![Tag::of(&listing, NOW).to_string()];
        assert_eq!(tags, [r#""3.0.0""#]);
        listing.stock.held = 1;
        tags.push(Tag::of(&listing, NOW).to_string());
        listing.stock = Stock { held: 0, sold: 1 };
        tags.push(Tag::of(&listing, NOW).to_string());
        tags.push(Tag::of(&listing, NOW + Duration::from_mins(1)).to_string());
        listing.withdraw(NOW);
        tags.push(Tag::of(&listing, NOW).to_string());
        assert_eq!(
            tags.iter().collect::<std::collections::HashSet<_>>().len(),
            tags.len(),
            "{tags:?}"
        );
    }

    #[test]
    fn an_edit_is_stale_only_after_another_edit() {
        let mut listing = listing();
        let seen = condition(&Tag::of(&listing, NOW).to_string());
        listing.stock.held = 4;
        assert!(seen.admits(&listing), "an order is no edit");
        listing.version = 4;
        assert!(!seen.admits(&listing));
        assert!(condition("*").admits(&listing));
        assert!(condition(r#""x,y", "4.0.0""#).admits(&listing));
        assert!(
            !condition(r#"W/"4.0.0""#).admits(&listing),
            "If-Match compares strongly"
        );
        assert!(!condition(r#""40.0.0""#).admits(&listing));
    }

    #[test]
    fn what_the_client_has_is_compared_as_a_whole() {
        let mut listing = listing();
        let seen = condition(r#"W/"3.0.0""#);
        assert!(seen.has(Tag::of(&listing, NOW)), "If-None-Match compares weakly");
        listing.stock.held = 1;
        assert!(!seen.has(Tag::of(&listing, NOW)));
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for bad in ["", " ", "3.0.0", "\"3", "\"a\" \"b\"", "w/\"a\"", "*, \"a\"", ","] {
            assert_eq!(bad.parse::<Condition>(), Err(MalformedCondition), "{bad:?}");
        }
    }
}
