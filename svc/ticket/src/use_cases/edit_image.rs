//! Sets and removes the picture of a listing.

use db::Tx;
use pictures::Picture;
use rusqlite::Connection;
use values::Timestamp;

use super::edit::{Edit, EditError};
use crate::{
    domain::{CannotChange, Image, Listing},
    events::publish,
    store,
};

/// The number of bytes that the pictures of one seller may occupy: some hundred pictures.
const MAX_BYTES_PER_SELLER: u64 = 100 * 1024 * 1024;

/// Checks that a user may set the picture of a listing, before the uploaded file is converted.
pub(crate) fn check_image_edit(conn: &Connection, edit: &Edit) -> Result<(), EditError> {
    let listing = edit.listing(conn)?;
    edit.check_seen(&listing)?;
    if listing.is_withdrawn() {
        return Err(CannotChange::Withdrawn.into());
    }
    if listing.state().image.is_none() && store::stored_image_bytes(conn, edit.user_id)? >= MAX_BYTES_PER_SELLER {
        return Err(EditError::TooManyImages);
    }
    Ok(())
}

/// Sets the picture of a listing and publishes `ticket.updated`. The same picture changes nothing.
pub(crate) fn set_image(tx: &Tx, now: Timestamp, edit: &Edit, picture: &Picture) -> Result<Listing, EditError> {
    let mut listing = edit.listing(tx)?;
    edit.check_seen(&listing)?;
    let image = Image {
        hash: picture.hash.clone(),
        width: picture.large.width,
        height: picture.large.height,
    };
    if listing.set_image(image, now)? {
        store::put_image(tx, edit.ticket_id, edit.user_id, picture)?;
        if store::stored_image_bytes(tx, edit.user_id)? > MAX_BYTES_PER_SELLER {
            // The transaction is rolled back.
            return Err(EditError::TooManyImages);
        }
        store::update(tx, &listing)?;
        publish(tx, now, &listing)?;
    }
    Ok(listing)
}

/// Removes the picture of a listing and publishes `ticket.updated`. A listing without one is no error.
pub(crate) fn remove_image(tx: &Tx, now: Timestamp, edit: &Edit) -> Result<(), EditError> {
    let mut listing = edit.listing(tx)?;
    if listing.state().image.is_none() {
        return Ok(());
    }
    edit.check_seen(&listing)?;
    let version = listing.version();
    if listing.remove_image(now) {
        store::delete_image(tx, edit.ticket_id)?;
        store::update(tx, &listing)?;
        if listing.version() != version {
            publish(tx, now, &listing)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use pictures::Jpeg;
    use values::UserId;

    use super::*;
    use crate::test_support::{NOW, database, listing_with, offer, usd};

    fn picture(hash: char, bytes: usize) -> Picture {
        let file = |bytes| Jpeg {
            bytes: vec![0; bytes],
            width: 8,
            height: 8,
        };
        Picture {
            large: file(bytes),
            small: file(1),
            hash: hash.to_string().repeat(32),
        }
    }

    #[test]
    fn the_pictures_of_a_seller_occupy_a_bounded_space() {
        let (tx, seller) = (database(), UserId::new(NOW));
        let edits = [0, 1].map(|_| {
            let listing = listing_with(offer("Concert", usd(1999), None), |state| state.seller_id = seller);
            store::insert(&tx, &listing).unwrap();
            Edit {
                ticket_id: listing.id(),
                user_id: seller,
                client: Ipv4Addr::LOCALHOST.into(),
                if_match: None,
            }
        });
        let space = usize::try_from(MAX_BYTES_PER_SELLER).unwrap();
        set_image(&tx, NOW, &edits[0], &picture('a', space - 10)).unwrap();
        let refused = set_image(&tx, NOW, &edits[1], &picture('b', 10));
        assert!(matches!(refused, Err(EditError::TooManyImages)), "{refused:?}");
        // As the service would roll back.
        store::delete_image(&tx, edits[1].ticket_id).unwrap();
        set_image(&tx, NOW, &edits[0], &picture('c', space - 1)).unwrap();
        let refused = check_image_edit(&tx, &edits[1]);
        assert!(matches!(refused, Err(EditError::TooManyImages)), "{refused:?}");
        check_image_edit(&tx, &edits[0]).unwrap();
        remove_image(&tx, NOW, &edits[0]).unwrap();
        let listing = set_image(&tx, NOW, &edits[1], &picture('b', 10)).unwrap();
        assert_eq!(listing.version(), 2);
    }
}
