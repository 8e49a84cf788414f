//! Listings, what sellers may offer, how lists go on, which state a client has seen.

mod entity_tag;
mod list_query;
mod listing;
mod offer;
mod search_terms;

pub(crate) use entity_tag::{EntityTag, EntityTagCondition};
pub(crate) use list_query::{CURSOR_LIFETIME, CannotResume, ListPosition, ListingQuery, ListingSort, SortKey};
pub(crate) use listing::{CannotChange, Listing, ListingState, ListingStatus, PastTimes, Stock, ensure_future};
pub(crate) use offer::{
    Change, LongText, MAX_ORDER_WINDOW_SECONDS, MIN_ORDER_WINDOW_SECONDS, Offer, OfferChange, ShortText, Terms,
};
pub(crate) use search_terms::SearchTerms;
