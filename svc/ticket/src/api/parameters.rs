//! Parameters with rules.

use std::{fmt::Display, ops::RangeInclusive};

use input::ParameterRule;
use poem_openapi::registry::MetaSchema;
use values::{MAX_AMOUNT, MAX_QUANTITY, UserId};

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

/// The hash of a picture.
#[derive(Debug)]
pub(super) struct ImageHash;

impl ParameterRule for ImageHash {
    type Value = String;

    fn schema() -> MetaSchema {
        MetaSchema {
            pattern: Some("^[0-9a-f]{32}$".to_owned()),
            ..MetaSchema::new("string")
        }
    }

    fn parse(text: &str) -> Result<String, impl Display> {
        let is_hash = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hash
            .then(|| text.to_owned())
            .ok_or("must be 32 characters from 0 to 9 and from a to f")
    }
}

/// The width of a picture in pixels.
#[derive(Debug)]
pub(super) struct ImageWidth;

/// The maximum width that can be requested: that of a large screen.
const MAX_IMAGE_WIDTH: u32 = 10_000;

impl ParameterRule for ImageWidth {
    type Value = u32;

    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(MAX_IMAGE_WIDTH)),
            ..MetaSchema::new_with_format("integer", "int32")
        }
    }

    fn parse(text: &str) -> Result<u32, impl Display> {
        whole_number(text, 1..=MAX_IMAGE_WIDTH)
            .ok_or_else(|| format!("must be a whole number of pixels from 1 to {MAX_IMAGE_WIDTH}"))
    }
}

/// The number of an admission in its order; 0 is before the first one.
#[derive(Debug)]
pub(super) struct AdmissionNumber;

impl ParameterRule for AdmissionNumber {
    type Value = u32;

    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(0.0),
            maximum: Some(f64::from(MAX_QUANTITY)),
            ..MetaSchema::new_with_format("integer", "int32")
        }
    }

    fn parse(text: &str) -> Result<u32, impl Display> {
        whole_number(text, 0..=MAX_QUANTITY).ok_or_else(|| format!("must be a whole number from 0 to {MAX_QUANTITY}"))
    }
}

fn whole_number(text: &str, range: RangeInclusive<u32>) -> Option<u32> {
    // `parse` accepts a sign, too.
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| range.contains(number))
}

/// The number of admissions in a page for a door that works offline.
#[derive(Debug)]
pub(super) struct OfflineLimit;

/// The maximum number: some 200 KB.
const MAX_OFFLINE_LIMIT: u16 = 1000;

impl ParameterRule for OfflineLimit {
    type Value = u16;

    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(1.0),
            maximum: Some(MAX_OFFLINE_LIMIT.into()),
            ..MetaSchema::new_with_format("integer", "int32")
        }
    }

    fn parse(text: &str) -> Result<u16, impl Display> {
        whole_number(text, 1..=MAX_OFFLINE_LIMIT.into())
            .and_then(|number| u16::try_from(number).ok())
            .ok_or_else(|| format!("must be a whole number from 1 to {MAX_OFFLINE_LIMIT}"))
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
