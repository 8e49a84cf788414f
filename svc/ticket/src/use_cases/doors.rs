use chassis::ClientAddress;
use db::Tx;
use values::{DoorId, TicketId, Timestamp};

use super::check_in::AtDoor;
use crate::{
    domain::{Attendant, Door, DoorToken, InvalidExpiry, Listing, MAX_DOORS, ShortText, check_expiry},
    store,
};

/// Why a door is not created or revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    #[error("there is no ticket {0}")]
    NotFound(TicketId),
    #[error("only its seller manages the doors of a listing")]
    NotTheSeller,
    #[error("there is no door {0}")]
    NoDoor(DoorId),
    #[error(transparent)]
    Expiry(#[from] InvalidExpiry),
    #[error("the listing has too many doors")]
    TooMany,
    #[error("the key was used for another door")]
    KeyReused,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Returns the listing if the attendant is its seller.
pub(crate) fn listing_of_seller(conn: &rusqlite::Connection, at_door: &AtDoor) -> Result<Listing, DoorError> {
    let listing = store::listing(conn, at_door.ticket_id)?.ok_or(DoorError::NotFound(at_door.ticket_id))?;
    match &at_door.attendant {
        Attendant::User(user) if *user == listing.seller_id() => Ok(listing),
        _ => Err(DoorError::NotTheSeller),
    }
}

/// Creates a door and its token. The same request again returns the same door with another token, because a token is not
/// stored: the former one is refused from then on.
pub(crate) fn create_door(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    name: ShortText,
    expires_at: Timestamp,
    request: Option<[u8; 32]>,
) -> Result<(Door, DoorToken), DoorError> {
    let listing = listing_of_seller(tx, at_door)?;
    let token = DoorToken::random();
    if let Some(door) = request
        .map(|request| store::door_of_request(tx, request))
        .transpose()?
        .flatten()
    {
        if door.name != name || door.expires_at != expires_at {
            return Err(DoorError::KeyReused);
        }
        store::replace_door_token(tx, door.id, token.hash())?;
        return Ok((door, token));
    }
    check_expiry(expires_at, now)?;
    if store::door_count(tx, listing.id())? >= MAX_DOORS {
        return Err(DoorError::TooMany);
    }
    let door = Door {
        id: DoorId::new(now),
        ticket_id: listing.id(),
        name,
        expires_at,
        created_at: now,
        row: 0,
    };
    store::insert_door(tx, &door, token.hash(), request)?;
    let author = ClientAddress(at_door.client).author(listing.seller_id());
    audit::append_limited(tx, now, &author.did("door-create", &door.id))?;
    Ok((door, token))
}

/// Revokes the token of a door, at once. One that is revoked already is no error.
pub(crate) fn revoke_door(tx: &Tx, now: Timestamp, at_door: &AtDoor, id: DoorId) -> Result<(), DoorError> {
    let listing = listing_of_seller(tx, at_door)?;
    if store::revoke_door(tx, now, listing.id(), id)? {
        let author = ClientAddress(at_door.client).author(listing.seller_id());
        audit::append_limited(tx, now, &author.did("door-revoke", &id))?;
        Ok(())
    } else if store::has_door(tx, listing.id(), id)? {
        Ok(())
    } else {
        Err(DoorError::NoDoor(id))
    }
}
