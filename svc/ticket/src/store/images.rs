//! The files of pictures.

use db::{Error, Tx};
use pictures::Picture;
use rusqlite::{Connection, OptionalExtension};
use values::{TicketId, UserId};

use crate::domain::ImageSize;

/// A file as it is sent.
pub(crate) struct ImageFile {
    pub(crate) hash: String,
    pub(crate) bytes: Vec<u8>,
}

const LARGE: &str = "SELECT hash, large FROM image WHERE ticket_id = ?";
const SMALL: &str = "SELECT hash, small FROM image WHERE ticket_id = ?";
const STORED_BYTES: &str = "SELECT coalesce(sum(bytes), 0) FROM image WHERE seller_id = ?";

/// Returns a file of the picture of a listing.
pub(crate) fn image_file(conn: &Connection, ticket: TicketId, size: ImageSize) -> Result<Option<ImageFile>, Error> {
    let sql = match size {
        ImageSize::Large => LARGE,
        ImageSize::Small => SMALL,
    };
    let file = conn.prepare_cached(sql)?.query_row([ticket], |row| {
        Ok(ImageFile {
            hash: row.get(0)?,
            bytes: row.get(1)?,
        })
    });
    Ok(file.optional()?)
}

/// Stores the picture of a listing.
pub(crate) fn put_image(tx: &Tx, ticket: TicketId, seller: UserId, picture: &Picture) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO image (ticket_id, seller_id, hash, large, small) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (ticket_id) DO UPDATE SET hash = excluded.hash, large = excluded.large, small = excluded.small",
    )?
    .execute((
        ticket,
        seller,
        &picture.hash,
        &picture.large.bytes,
        &picture.small.bytes,
    ))?;
    Ok(())
}

/// Deletes the picture of a listing.
pub(crate) fn delete_image(tx: &Tx, ticket: TicketId) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM image WHERE ticket_id = ?")?
        .execute([ticket])?;
    Ok(())
}

/// Returns the number of bytes that the pictures of a seller occupy.
pub(crate) fn stored_image_bytes(conn: &Connection, seller: UserId) -> Result<u64, Error> {
    Ok(conn
        .prepare_cached(STORED_BYTES)?
        .query_row([seller], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn the_space_that_a_seller_uses_is_read_by_an_index() {
        let plan = db::query_plan(&database(), STORED_BYTES).unwrap();
        assert!(plan[0].contains("INDEX image_by_seller"), "{plan:#?}");
    }
}
