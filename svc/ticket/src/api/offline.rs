//! The operations of a door that works without the network.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chassis::ClientAddress;
use input::{Body, Parameter, Query};
use pagination::{Cursor, CursorScope};
use poem::web::Data;
use poem_openapi::{OpenApi, param::Path, payload::Json};
use problem::{Problem, problem_responses};
use values::TicketId;

use super::{
    app::{App, Tag},
    attendants::AttendantAuth,
    check_ins::at_door,
    offline_views::{NewScans, OfflineCheckInsView, OutcomesView},
    parameters::OfflineLimit,
};
use crate::{
    domain::{InvalidScan, OfflineScan, ScanRefusal},
    metrics::Way,
    store,
    use_cases::{CheckInError, UploadError, upload_scans},
};

/// The operations of a door that works without the network.
#[derive(Debug)]
pub struct OfflineApi;

/// The number of changes in a page, unless another one is requested.
const DEFAULT_LIMIT: u16 = 1000;

problem_responses! {
    /// Why a door gets nothing to work offline with.
    OfflineProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another listing or to a database that was \
                restored since; the response names it. Start again without it.",
        403 => "Only its seller and its doors admit people to a listing.",
        404 => "There is no such listing.",
    }
}

problem_responses! {
    /// Why scans are not uploaded. Nothing of the upload is stored.
    UploadProblem {
        403 => "Only its seller and its doors admit people to a listing.",
        404 => "There is no such listing.",
        429 => "Too many unknown codes. Try again after `Retry-After` seconds.",
    }
}

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Tag::Admissions")]
impl OfflineApi {
    /// Prepare a door to work offline
    ///
    /// The public key that verifies codes, and the admissions of the listing that have changed since they were issued: used, void,
    /// or given to somebody else. A code whose signature is valid and whose admission is not among them admits. `changesCursor`,
    /// sent as `cursor` later, gets what has changed since. Nothing in it identifies a holder.
    #[oai(
        path = "/:ticketId/check-ins/offline",
        method = "get",
        operation_id = "prepareOffline"
    )]
    async fn prepare(
        &self,
        app: Data<&App>,
        attendant: AttendantAuth,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        /// The maximum number of admissions, by default 1000.
        limit: Query<Option<Parameter<OfflineLimit>>>,
        /// `nextCursor` of the previous page, or `changesCursor`.
        cursor: Query<Option<Cursor<i64>>>,
    ) -> Result<Json<OfflineCheckInsView>, OfflineProblem> {
        let (at_door, now) = (at_door(ticket.0, attendant, client), app.clock.now());
        let limit = limit.0.map_or(DEFAULT_LIMIT, |limit| limit.0);
        let scope = CursorScope::new("prepareOffline", &at_door.ticket_id);
        let after = scope.position(cursor.0)?.unwrap_or_default();
        let read = move |conn: &rusqlite::Connection| -> Result<_, CheckInError> {
            let listing = at_door.listing(conn)?;
            let last = store::last_admission_change(conn)?;
            let changed = store::changed_admissions(conn, at_door.ticket_id, after, u32::from(limit) + 1)?;
            Ok((listing, last, changed))
        };
        let (listing, last, changed) = app.db.read(read).await.map_err(Problem::from)?;
        // A restored database counts its changes anew.
        if after > last {
            return Err(pagination::cursor_of_other_query().into());
        }
        let key = BASE64_URL_SAFE_NO_PAD.encode(app.codes.public_key().to_bytes());
        Ok(Json(OfflineCheckInsView::new(
            listing,
            key,
            now,
            changed,
            limit.into(),
            |change| scope.cursor(change.unwrap_or(after)),
        )))
    }

    /// Upload scans of a door that worked offline
    ///
    /// Up to 200, in the order in which they were made. The first scan of a ticket is its use. Every other one is answered
    /// `duplicate`, with the scan that came first, and reported in the list of check-ins, as is one of a ticket that was void: its holder
    /// was let in. A scan with an id that was uploaded before is the same scan, with the same result; so is one whose id was the
    /// `Idempotency-Key` of a check-in that admitted. An upload can therefore be repeated.
    #[oai(
        path = "/:ticketId/check-ins/uploads",
        method = "post",
        operation_id = "uploadCheckIns"
    )]
    async fn upload(
        &self,
        app: Data<&App>,
        attendant: AttendantAuth,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        body: Body<NewScans>,
    ) -> Result<Json<OutcomesView>, UploadProblem> {
        let at_door = at_door(ticket.0, attendant, client);
        let (identity, now) = (at_door.attendant.identity(), app.clock.now());
        app.code_attempts.check(&identity, now)?;
        let scans: Vec<OfflineScan> = body.0.into_scans();
        let ids: Vec<_> = scans.iter().map(|scan| scan.id).collect();
        let uploaded = app
            .db
            .write(move |tx| upload_scans(tx, now, &at_door, &scans))
            .await
            .map_err(Problem::from)?;
        for scan in uploaded.iter().filter(|scan| scan.is_new) {
            app.check_ins.count(Way::Offline, scan.outcome.refusal);
            if scan.outcome.refusal == Some(ScanRefusal::UnknownCode) {
                app.code_attempts.count(&identity, now);
            }
        }
        Ok(Json(OutcomesView::new(ids, uploaded)))
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::AtDoor(error) => error.into(),
            UploadError::Invalid(scans) => scans
                .into_iter()
                .fold(Self::invalid_fields(), |problem, (index, error)| {
                    let field = match error {
                        InvalidScan::IdReused => "id",
                        InvalidScan::TooOld | InvalidScan::InFuture => "scannedAt",
                    };
                    problem.field(format!("scans.{index}.{field}"), error)
                }),
            UploadError::Database(error) => error.into(),
        }
    }
}
