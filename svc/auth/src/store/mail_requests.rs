use db::{Error, RowReader, Tx, read_row};
use rusqlite::Connection;
use values::{UserId, text_enum};

text_enum! {
    /// What a mail was requested for.
    pub(crate) enum MailPurpose {
        /// A sign-up.
        SignUp = "sign-up",
        /// The confirmation of an address.
        ConfirmEmail = "confirm-email",
        /// A new password.
        ResetPassword = "reset-password",
    }
}

/// A mail that was requested for an address, which may have no account.
pub(crate) struct MailRequest {
    id: i64,
    pub(crate) purpose: MailPurpose,
    pub(crate) email_key: String,
    /// The account that a sign-up may become.
    pub(crate) sign_up_id: Option<UserId>,
}

fn read_request(row: &mut RowReader<'_, '_>) -> rusqlite::Result<MailRequest> {
    Ok(MailRequest {
        id: row.next()?,
        purpose: row.next()?,
        email_key: row.next()?,
        sign_up_id: row.next()?,
    })
}

pub(crate) fn insert_mail_request(
    tx: &Tx,
    purpose: MailPurpose,
    email_key: &str,
    sign_up_id: Option<UserId>,
) -> Result<(), Error> {
    tx.prepare_cached("INSERT INTO mail_requests (purpose, email_key, sign_up_id) VALUES (?, ?, ?)")?
        .execute((purpose, email_key, sign_up_id))?;
    Ok(())
}

/// Returns some of the requests, the oldest first.
pub(crate) fn mail_requests(conn: &Connection) -> Result<Vec<MailRequest>, Error> {
    let mut statement =
        conn.prepare_cached("SELECT id, purpose, email_key, sign_up_id FROM mail_requests ORDER BY id LIMIT 100")?;
    let rows = statement.query_map([], read_row(read_request))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn delete_mail_request(tx: &Tx, request: &MailRequest) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM mail_requests WHERE id = ?")?
        .execute([request.id])?;
    Ok(())
}
