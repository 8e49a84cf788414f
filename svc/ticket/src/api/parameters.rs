//! Parameters with rules.

use std::fmt::Display;

use input::ParameterRule;
use poem_openapi::registry::MetaSchema;
use values::{MAX_AMOUNT, UserId};

use crate::domain::{EntityTagCondition, SearchTerms};

/// A list of entity tags, or `*`.
#[derive(Debug)]
pub(super) struct EntityTags;

impl ParameterRule for EntityTags {
    type Value = EntityTagCondition;

    fn schema() -> MetaSchema {
        MetaSchema {
            pattern: Some(r#"^\s*(\*|(W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*\s*,?)\s*$"#.to_owned()),
            ..MetaSchema::new("string")
        }
    }

    fn parse(text: &str) -> Result<EntityTagCondition, impl Display> {
        text.parse::<EntityTagCondition>()
    }
}

/// The words of a search.
#[derive(Debug)]
pub(super) struct Search;

impl ParameterRule for Search {
    type Value = SearchTerms;

    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(SearchTerms::MAX_CHARS),
            ..MetaSchema::new("string")
        }
    }

    fn parse(text: &str) -> Result<SearchTerms, impl Display> {
        text.parse::<SearchTerms>()
    }
}

/// A seller: an id, or `me`.
#[derive(Debug)]
pub(super) struct Seller;

/// The seller of a query.
#[derive(Clone, Copy, Debug)]
pub(super) enum SellerFilter {
    /// The sender of the request, who has to be signed in.
    Me,
    Id(UserId),
}

impl ParameterRule for Seller {
    type Value = SellerFilter;

    fn schema() -> MetaSchema {
        MetaSchema {
            pattern: Some("^(me|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$".to_owned()),
            max_length: Some(36),
            ..MetaSchema::new("string")
        }
    }

    fn parse(text: &str) -> Result<SellerFilter, impl Display> {
        match text {
            "me" => Ok(SellerFilter::Me),
            id => id
                .parse()
                .map(SellerFilter::Id)
                .map_err(|error| format!("{error}, or me")),
        }
    }
}

/// A price in minor units.
#[derive(Debug)]
pub(super) struct PriceBound;

impl ParameterRule for PriceBound {
    type Value = i64;

    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(0.0),
            maximum: u32::try_from(MAX_AMOUNT).ok().map(f64::from),
            ..MetaSchema::new_with_format("integer", "int64")
        }
    }

    fn parse(text: &str) -> Result<i64, impl Display> {
        // `parse` accepts a sign, too.
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let amount = digits.and_then(|digits| digits.parse().ok());
        amount
            .filter(|amount| *amount <= MAX_AMOUNT)
            .ok_or_else(|| format!("must be a whole number of minor units, such as cents, from 0 to {MAX_AMOUNT}"))
    }
}
