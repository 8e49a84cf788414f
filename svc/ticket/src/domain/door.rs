//! Doors, and who may admit people.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use values::{DoorId, TicketId, Timestamp, UserId};

use super::{listing::Listing, offer::ShortText};

/// The beginning of a token: no access token begins like this.
pub(crate) const TOKEN_PREFIX: &str = "door_";

/// The maximum number of doors of a listing that are not revoked.
pub(crate) const MAX_DOORS: u32 = 100;

/// The longest time for which a token can be valid.
const MAX_LIFETIME: Duration = Duration::from_hours(24 * 366);

/// A door at which helpers admit people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Door {
    pub(crate) id: DoorId,
    pub(crate) ticket_id: TicketId,
    pub(crate) name: ShortText,
    pub(crate) expires_at: Timestamp,
    pub(crate) created_at: Timestamp,
    /// Its place in the list.
    pub(crate) row: i64,
}

/// The token of a door.
#[derive(Clone)]
pub(crate) struct DoorToken(String);

/// A time until which no token can be valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum InvalidExpiry {
    #[error("must be in the future")]
    Past,
    #[error("must be within a year")]
    TooLate,
}

/// Who admits people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Attendant {
    /// A signed-in user, who has to be the seller.
    User(UserId),
    /// A helper with the token of a door.
    Door(Door),
}

impl DoorToken {
    /// Returns a new random token of 192 bits.
    pub(crate) fn random() -> Self {
        let bytes: [u8; 24] = sealing::random::bytes();
        Self(format!("{TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Wraps a token of a request.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the hash by which the door is found.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// Returns the text, to be shown once.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Attendant {
    /// Whether the attendant may admit people to this listing.
    pub(crate) fn may_admit_to(&self, listing: &Listing) -> bool {
        match self {
            Self::User(user) => *user == listing.seller_id(),
            Self::Door(door) => door.ticket_id == listing.id(),
        }
    }

    /// Returns the name of the door; `None` for the seller.
    pub(crate) fn door_name(&self) -> Option<String> {
        match self {
            Self::User(_) => None,
            Self::Door(door) => Some(door.name.as_str().to_owned()),
        }
    }

    /// Returns who it is: a user id, or `door:` and an id.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Door(door) => format!("door:{}", door.id),
        }
    }
}

/// Checks until when a new token is to be valid.
pub(crate) fn check_expiry(expires_at: Timestamp, now: Timestamp) -> Result<(), InvalidExpiry> {
    if expires_at <= now {
        Err(InvalidExpiry::Past)
    } else if expires_at > now + MAX_LIFETIME {
        Err(InvalidExpiry::TooLate)
    } else {
        Ok(())
    }
}
