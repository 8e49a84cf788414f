//! Listings, what sellers may offer, how lists go on, which state a client has seen; admissions and their codes.

mod admission;
mod attendance;
mod codes;
mod door;
mod entity_tag;
mod image;
mod list_query;
mod listing;
mod listing_order;
mod offer;
mod pass;
mod sale_period;
mod scan;
mod search_terms;
mod shown_admission;
mod time_zone;
mod times;
mod transfer;
mod transfer_token;

pub(crate) use admission::{Admission, AdmissionChange, AdmissionState, AdmissionUse, CannotUse, Sale};
pub(crate) use attendance::Attendance;
pub(crate) use codes::{Codes, StoredCode, UnreadableCode};
pub(crate) use door::{Attendant, Door, DoorToken, InvalidExpiry, MAX_DOORS, TOKEN_PREFIX, check_expiry};
pub(crate) use entity_tag::{EntityTag, EntityTagCondition};
pub(crate) use image::{Image, ImageSize};
pub(crate) use list_query::{CURSOR_LIFETIME, CannotResume, ListPosition, ListingQuery, ListingSort, SortKey};
pub(crate) use listing::{CannotChange, Listing, ListingState, ListingStatus, Stock};
pub(crate) use listing_order::{Buyer, ListingOrder, OrderState};
pub(crate) use offer::{
    Change, LongText, MAX_ORDER_WINDOW_SECONDS, MIN_ORDER_WINDOW_SECONDS, Offer, OfferChange, ShortText, Terms,
};
pub(crate) use pass::pass;
pub(crate) use sale_period::SalePeriod;
pub(crate) use scan::{InvalidScan, OfflineScan, RefusedScan, ScanOutcome, ScanRefusal};
pub(crate) use search_terms::{SearchTerm, SearchTerms};
pub(crate) use shown_admission::ShownAdmission;
pub(crate) use time_zone::TimeZoneName;
pub(crate) use times::{InvalidTimes, ensure_future};
pub(crate) use transfer::{CannotTransfer, NewTransfer, OFFER_LIFETIME, OfferMail, OpenOffer, Transfer, TransferState};
pub(crate) use transfer_token::TransferToken;
