//! Entity tags: the state of a listing that a client has seen (RFC 9110, sections 8.8.3 and 13.1).
//!
//! A tag is strong and contains everything that changes the representation: the listing's version, the tickets held and
//! sold, the phase of the sale, and the marketplace's limits. So `If-None-Match` never reports a changed listing as unchanged.
//!
//! `If-Match` compares the version alone. It protects one edit from overwriting another, and an order in between is no
//! edit; otherwise a listing that sells well could hardly be edited.

use std::{fmt, str::FromStr};

use sale_limits::SaleLimits;
use values::Timestamp;

use super::{
    listing::{Listing, Stock},
    sale_period::SalePhase,
};

/// The entity tag of one state of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EntityTag {
    version: u64,
    /// The hash of the picture.
    image: Option<String>,
    stock: Stock,
    phase: SalePhase,
    limits: SaleLimits,
}

impl EntityTag {
    pub(crate) fn new(listing: &Listing, limits: SaleLimits, now: Timestamp) -> Self {
        Self {
            version: listing.version(),
            image: listing.state().image.as_ref().map(|image| image.hash.clone()),
            stock: listing.stock(),
            phase: listing.phase(now),
            limits,
        }
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            image,
            stock: Stock { held, sold },
            phase,
            limits,
        } = self;
        let phase = match phase {
            SalePhase::Before => ".before",
            SalePhase::Open => "",
            SalePhase::Ended => ".ended",
            SalePhase::EventBegun => ".begun",
        };
        let image = image.as_deref().map(|hash| format!(".{hash}")).unwrap_or_default();
        write!(
            f,
            "\"{version}.{held}.{sold}{phase}{image}.{}-{}-{}-{}-{}\"",
            limits.max_tickets_per_order,
            limits.max_open_orders,
            limits.max_unpaid_holds,
            limits.unpaid_hold_window.as_secs(),
            limits.unpaid_hold_pause.as_secs(),
        )
    }
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EntityTagCondition {
    Any,
    /// The tags as received, with quotes and `W/`.
    OneOf(Vec<String>),
}

/// A header value that is no list of entity tags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be * or entity tags in quotes, as an ETag header gives them")]
pub(crate) struct MalformedEntityTags;

impl EntityTagCondition {
    /// Returns whether `If-Match` allows a change of this listing. A weak tag never matches.
    pub(crate) fn allows_change(&self, listing: &Listing) -> bool {
        let version = listing.version().to_string();
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|tag| {
                let seen = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                seen.and_then(|seen| seen.split('.').next()) == Some(&version)
            }),
        }
    }

    /// Returns whether the client has the state with this tag, in quotes (`If-None-Match`: weak and strong tags are equal).
    pub(crate) fn matches(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|seen| seen.strip_prefix("W/").unwrap_or(seen) == tag),
        }
    }
}

impl FromStr for EntityTagCondition {
    type Err = MalformedEntityTags;

    fn from_str(text: &str) -> Result<Self, MalformedEntityTags> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let mut rest = text.trim();
        let mut tags = Vec::new();
        while !rest.is_empty() {
            let start = rest.strip_prefix("W/").unwrap_or(rest);
            // A comma may stand inside the quotes, a quote may not.
            let inside = start.strip_prefix('"').ok_or(MalformedEntityTags)?;
            let (_, after) = inside.split_once('"').ok_or(MalformedEntityTags)?;
            let (tag, _) = rest.split_at(rest.len() - after.len());
            tags.push(tag.to_owned());
            rest = after.trim_start();
            if let Some(next) = rest.strip_prefix(',') {
                rest = next.trim_start();
            } else if !rest.is_empty() {
                return Err(MalformedEntityTags);
            }
        }
        if tags.is_empty() {
            Err(MalformedEntityTags)
        } else {
            Ok(Self::OneOf(tags))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Image;
    use crate::test_support::{NOW, listing_with, offer, starting, usd};

    /// Version 3 of a listing that starts in a minute.
    fn listing(version: u64, held: u64, sold: u64) -> Listing {
        let concert = starting(offer("Concert", usd(1999), Some(5)), NOW + Duration::from_mins(1));
        listing_with(concert, |state| {
            state.version = version;
            state.stock = Stock { held, sold };
        })
    }

    fn tag(listing: &Listing, now: Timestamp) -> EntityTag {
        EntityTag::new(listing, SaleLimits::default(), now)
    }

    fn condition(text: &str) -> EntityTagCondition {
        text.parse().unwrap()
    }

    #[test]
    fn every_change_of_the_representation_changes_the_tag() {
        let mut withdrawn = listing(3, 0, 1);
        let pictured = listing_with(offer("Concert", usd(1999), Some(5)), |state| {
            state.version = 3;
            state.image = Some(Image {
                hash: "0123".to_owned(),
                width: 1,
                height: 1,
            });
        });
        let limited = listing_with(offer("Concert", usd(1999), Some(5)), |state| {
            state.version = 3;
            state.terms.sale.begin = Some(NOW + Duration::from_mins(1));
            state.terms.sale.end = Some(NOW + Duration::from_mins(2));
        });
        withdrawn.withdraw(NOW);
        let tags = [
            tag(&listing(3, 0, 0), NOW),
            tag(&listing(3, 1, 0), NOW),
            tag(&listing(3, 0, 1), NOW),
            tag(&listing(3, 0, 1), NOW + Duration::from_mins(1)),
            tag(&withdrawn, NOW),
            tag(&limited, NOW),
            tag(&pictured, NOW),
            tag(&limited, NOW + Duration::from_mins(2)),
            EntityTag::new(&listing(3, 0, 0), SaleLimits::UNREACHED, NOW),
        ]
        .map(|tag| tag.to_string());
        assert_eq!(tags[0], r#""3.0.0.10-10-2-3600-3600""#);
        assert_eq!(
            tags.iter().collect::<std::collections::HashSet<_>>().len(),
            tags.len(),
            "{tags:?}"
        );
    }

    #[test]
    fn an_edit_is_stale_only_after_another_edit() {
        let seen = condition(&tag(&listing(3, 0, 0), NOW).to_string());
        assert!(seen.allows_change(&listing(3, 4, 0)), "an order is no edit");
        let edited = listing(4, 4, 0);
        assert!(!seen.allows_change(&edited));
        assert!(condition("*").allows_change(&edited));
        assert!(condition(r#""x,y", "4.0.0""#).allows_change(&edited));
        assert!(
            !condition(r#"W/"4.0.0""#).allows_change(&edited),
            "If-Match compares strongly"
        );
        assert!(!condition(r#""40.0.0""#).allows_change(&edited));
    }

    #[test]
    fn if_none_match_compares_the_whole_tag() {
        let seen = condition(r#"W/"3.0.0.10-10-2-3600-3600""#);
        assert!(
            seen.matches(&tag(&listing(3, 0, 0), NOW).to_string()),
            "If-None-Match compares weakly"
        );
        assert!(!seen.matches(&tag(&listing(3, 1, 0), NOW).to_string()));
    }

    #[test]
    fn a_malformed_list_of_tags_is_refused() {
        for bad in ["", " ", "3.0.0", "\"3", "\"a\" \"b\"", "w/\"a\"", "*, \"a\"", ","] {
            assert_eq!(bad.parse::<EntityTagCondition>(), Err(MalformedEntityTags), "{bad:?}");
        }
    }
}
