use std::sync::LazyLock;

use db::{NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{AdmissionId, Timestamp, TransferId, UserId};

use crate::domain::{OfferMail, Transfer, TransferState};

db::columns! {
    /// The columns of a transfer.
    TRANSFER: "transfer" as "t" = [
        id, admission_id, ticket_id, from_id, to_id, status, address, sealed_token, language, token_hash, expires_at,
        version, offered_at, updated_at,
    ];
}

/// Reads [`TRANSFER`].
fn read_transfer(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Transfer> {
    let (id, admission_id, ticket_id) = (row.next()?, row.next()?, row.next()?);
    let (from_id, to_id, status) = (row.next()?, row.next()?, row.next()?);
    let (address, sealed_token): (Option<String>, Option<Vec<u8>>) = (row.next()?, row.next()?);
    Ok(Transfer::from_state(TransferState {
        id,
        admission_id,
        ticket_id,
        from_id,
        to_id,
        status,
        mail: address
            .zip(sealed_token)
            .map(|(address, sealed_token)| OfferMail { address, sealed_token }),
        language: row.next()?,
        token_hash: row.next()?,
        expires_at: row.next()?,
        version: row.next()?,
        offered_at: row.next()?,
        updated_at: row.next()?,
    }))
}

fn select(conn: &Connection, end: &str, parameters: impl rusqlite::Params) -> Result<Option<Transfer>, db::Error> {
    let sql = format!("SELECT {} FROM transfer t {end}", TRANSFER.select);
    let mut select = conn.prepare_cached(&sql)?;
    Ok(select.query_row(parameters, read_row(read_transfer)).optional()?)
}

/// Returns a transfer.
pub(crate) fn transfer(conn: &Connection, id: TransferId) -> Result<Option<Transfer>, db::Error> {
    select(conn, "WHERE t.id = ?", [id])
}

/// Returns the transfer with this token.
pub(crate) fn transfer_of_token(conn: &Connection, hash: [u8; 32]) -> Result<Option<Transfer>, db::Error> {
    select(conn, "WHERE t.token_hash = ?", [hash])
}

/// Returns the open offer of an admission.
pub(crate) fn offer_of_admission(conn: &Connection, admission: AdmissionId) -> Result<Option<Transfer>, db::Error> {
    select(conn, "WHERE t.admission_id = ? AND t.status = 'offered'", [admission])
}

/// Returns the last transfer of an admission that a user has offered.
pub(crate) fn last_transfer_of_giver(
    conn: &Connection,
    admission: AdmissionId,
    giver: UserId,
) -> Result<Option<Transfer>, db::Error> {
    select(
        conn,
        "WHERE t.admission_id = ? AND t.from_id = ? ORDER BY t.row DESC LIMIT 1",
        (admission, giver),
    )
}

/// Selects the transfers that a user has offered before a time and a row, the newest first.
static OF_GIVER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT t.row, {} FROM transfer t INDEXED BY transfer_of_giver
         WHERE t.from_id = ?1 AND (t.offered_at, t.row) < (?2, ?3) ORDER BY t.offered_at DESC, t.row DESC LIMIT ?4",
        TRANSFER.select
    )
});

/// Returns the transfers that a user has offered before a position, the newest first, with their rows.
pub(crate) fn transfers_of_giver(
    conn: &Connection,
    giver: UserId,
    before: Option<(Timestamp, i64)>,
    limit: u32,
) -> Result<Vec<(i64, Transfer)>, db::Error> {
    let (offered_at, row) = before.unwrap_or((Timestamp::from_millis(i64::MAX), i64::MAX));
    let mut select = conn.prepare_cached(&OF_GIVER)?;
    let transfers = select.query_map(
        (giver, offered_at, row, limit),
        read_row(|row| Ok((row.next()?, read_transfer(row)?))),
    )?;
    Ok(transfers.collect::<Result<_, _>>()?)
}

/// Returns when a user has offered the `number`th last ticket, if that was after `since`.
pub(crate) fn offered_before(
    conn: &Connection,
    giver: UserId,
    since: Timestamp,
    number: u32,
) -> Result<Option<Timestamp>, db::Error> {
    let sql = "SELECT offered_at FROM transfer WHERE from_id = ? AND offered_at > ? ORDER BY offered_at DESC LIMIT 1 OFFSET ?";
    let mut select = conn.prepare_cached(sql)?;
    let offered_at = select.query_row((giver, since, number.saturating_sub(1)), |row| row.get(0));
    Ok(offered_at.optional()?)
}

/// Of the listings with offers, those that are withdrawn or have begun: offers are more than listings.
const OFFERS_OF_ENDED_LISTINGS: &str = "SELECT t.id FROM transfer t
     WHERE t.status = 'offered' AND t.ticket_id IN (
         SELECT l.id FROM (SELECT DISTINCT ticket_id FROM transfer WHERE status = 'offered') o
         JOIN listing l ON l.id = o.ticket_id
         WHERE l.withdrawn_at IS NOT NULL OR l.starts_at <= ?1)
     LIMIT ?2";

const OFFERS_UNTIL: &str =
    "SELECT t.id FROM transfer t WHERE t.status = 'offered' AND t.expires_at <= ?1 ORDER BY t.expires_at LIMIT ?2";

/// Returns offers whose time is over, or whose event has begun or was withdrawn.
pub(crate) fn offers_to_end(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<TransferId>, db::Error> {
    for sql in [OFFERS_UNTIL, OFFERS_OF_ENDED_LISTINGS] {
        let mut select = conn.prepare_cached(sql)?;
        let ids = select.query_map((now, limit), |row| row.get(0))?;
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        if !ids.is_empty() {
            return Ok(ids);
        }
    }
    Ok(Vec::new())
}

/// Returns the transfers after the id `after`, ordered by id.
pub(crate) fn transfers_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Transfer>, db::Error> {
    let sql = format!(
        "SELECT {} FROM transfer t WHERE t.id > ? ORDER BY t.id LIMIT ?",
        TRANSFER.select
    );
    let mut select = conn.prepare_cached(&sql)?;
    let transfers = select.query_map((after, limit), read_row(read_transfer))?;
    Ok(transfers.collect::<Result<_, _>>()?)
}

/// Inserts a transfer that was offered or recovered.
pub(crate) fn insert_transfer(tx: &Tx, transfer: &Transfer) -> Result<(), db::Error> {
    let state = transfer.state();
    let sql = format!(
        "INSERT INTO transfer ({}) VALUES ({})",
        TRANSFER.names, TRANSFER.placeholders
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": state.id,
        ":admission_id": state.admission_id,
        ":ticket_id": state.ticket_id,
        ":from_id": state.from_id,
        ":to_id": state.to_id,
        ":status": state.status,
        ":address": state.mail.as_ref().map(|mail| &mail.address),
        ":sealed_token": state.mail.as_ref().map(|mail| &mail.sealed_token),
        ":language": state.language,
        ":token_hash": state.token_hash,
        ":expires_at": state.expires_at,
        ":version": state.version.cast_signed(),
        ":offered_at": state.offered_at,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

/// Updates a transfer that has ended. Its address and its token are deleted.
pub(crate) fn update_transfer(tx: &Tx, transfer: &Transfer) -> Result<(), db::Error> {
    let state = transfer.state();
    tx.prepare_cached(
        "UPDATE transfer SET to_id = :to_id, status = :status, address = NULL, sealed_token = NULL, version = :version,
             updated_at = :updated_at
         WHERE id = :id",
    )?
    .execute_named(named_params! {
        ":id": state.id,
        ":to_id": state.to_id,
        ":status": state.status,
        ":version": state.version.cast_signed(),
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

/// Returns the number of transfers by status.
pub(crate) fn count_transfers(conn: &Connection) -> Result<Vec<(String, i64)>, db::Error> {
    let mut counted = conn.prepare_cached("SELECT status, transfers FROM transfer_tally")?;
    let counted = counted.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counted.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn offers_to_end_are_found_by_indexes() {
        let conn = database();
        for (sql, index) in [
            (OFFERS_UNTIL, "transfer_offered_until"),
            (OFFERS_OF_ENDED_LISTINGS, "transfer_offered_of_ticket"),
        ] {
            let plan = db::query_plan(&conn, sql).unwrap().join("\n");
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("SCAN t\n") && !plan.contains("SCAN l"), "{plan}");
        }
    }
}
