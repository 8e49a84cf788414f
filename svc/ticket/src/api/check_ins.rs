//! The operations at the door, for the seller and for helpers.

use std::fmt::Display;

use chassis::ClientAddress;
use idempotency::{IdempotencyKey, IdempotentRequest, StoredResponse};
use input::{Body, CanonicalText, Header, Query, Text, TextRule};
use pagination::{Cursor, CursorScope, Limit};
use passes::ScannedCode;
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, param::Path, payload::Json, types::Example};
use problem::{Problem, problem_responses};
use serde::Serialize;
use values::{AdmissionId, TicketId, Timestamp};

use super::{
    app::{App, Tag},
    attendants::AttendantAuth,
    conflict_views::{ConflictView, MAX_CONFLICTS},
    problems::ticket_not_found,
};
use crate::{
    domain::{Admission, Attendance, CannotUse, ShownAdmission},
    metrics::Way,
    store,
    use_cases::{AtDoor, CheckInError, UndoError, check_in, undo_check_in, used_at},
};

/// The operations at the door.
#[derive(Debug)]
pub struct CheckInsApi;

input::object! {
    /// A code to check in.
    pub(crate) struct NewCheckIn {
        /// The text of the QR code, or the 28 letters and digits below it; case, spaces and hyphens do not matter.
        code as "code": Text<Code>,
    }
    example: {"code": "0000-0000-0000-0000-0000-0000-0000"}
}

/// A code as it was scanned or typed.
#[derive(Clone)]
pub(crate) struct Code;

impl TextRule for Code {
    type Value = ScannedText;
    const MIN_CHARS: usize = 1;
    const MAX_CHARS: usize = 256;

    fn parse(text: String) -> Result<ScannedText, impl Display> {
        ScannedCode::parse(&text).map(|code| ScannedText { code, text })
    }
}

/// A code with the text that it was parsed from.
#[derive(Clone, Debug)]
pub(crate) struct ScannedText {
    code: ScannedCode,
    text: String,
}

impl ScannedText {
    /// Returns the code.
    pub(super) fn into_code(self) -> ScannedCode {
        self.code
    }
}

impl CanonicalText for Code {
    fn canonical(value: &ScannedText) -> Option<&str> {
        Some(&value.text)
    }
}

/// Somebody who was admitted.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "CheckIn", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckInView {
    admission_id: AdmissionId,
    /// Which ticket of its order it is: 1, 2, 3 …
    number: u32,
    /// The number of tickets of the order.
    of: u32,
    /// The name of the holder, or else the email address; `null` if it is not known.
    #[oai(nullable)]
    holder: Option<String>,
    /// When the code was scanned.
    used_at: Timestamp,
    /// The name of the door; `null` if the seller admitted the holder.
    #[oai(nullable)]
    door: Option<String>,
    /// Whether the ticket was refunded, or its charge disputed and lost, after the holder was admitted.
    is_void: bool,
}

impl CheckInView {
    fn new(admission: &Admission, holder: Option<String>) -> Option<Self> {
        let state = admission.state();
        let used = state.used.clone()?;
        Some(Self {
            admission_id: state.id,
            number: state.number,
            of: state.of,
            holder,
            used_at: used.at,
            door: used.door,
            is_void: state.void.is_some(),
        })
    }
}

impl Example for CheckInView {
    fn example() -> Self {
        Self {
            admission_id: AdmissionId::example(),
            number: 1,
            of: 2,
            holder: Some("Ada Lovelace".to_owned()),
            used_at: Timestamp::from_millis(2_064_337_200_000),
            door: Some("North gate".to_owned()),
            is_void: false,
        }
    }
}

/// Who was admitted, and how many are not yet.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "CheckIns", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckInsView {
    /// The number of admissions that were issued.
    issued: u64,
    /// The number of those that were used and are not void.
    admitted: u64,
    /// The number of those that are void.
    void: u64,
    /// The number of scans without the network of tickets that were used before: more people are in than tickets. At most 20 are
    /// counted of one ticket.
    duplicates: u64,
    /// The number of scans without the network of tickets that were void.
    void_scans: u64,
    /// The last 100 of both, the last one first.
    conflicts: Vec<ConflictView>,
    /// Those who were admitted, the last one first.
    items: Vec<CheckInView>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl Example for CheckInsView {
    fn example() -> Self {
        Self {
            issued: 40,
            admitted: 1,
            void: 2,
            duplicates: 1,
            void_scans: 0,
            conflicts: vec![ConflictView::example()],
            items: vec![CheckInView::example()],
            next_cursor: None,
        }
    }
}

#[derive(ApiResponse)]
enum CheckedIn {
    /// Let the holder in.
    #[oai(status = 200)]
    Admitted(Json<CheckInView>),
}

#[derive(ApiResponse)]
enum CheckInUndone {
    /// The code admits again.
    #[oai(status = 204)]
    Undone,
}

problem_responses! {
    /// Why nobody is admitted.
    CheckInProblem {
        403 => "Only its seller and its doors admit people to a listing.",
        404 => "There is no such listing, or `unknown-code`: the code does not exist.",
        409 => "`already-admitted`: when and where it was used. `admission-refunded`, `admission-disputed`: the ticket is void. \
                `admission-replaced`: it was given to somebody else. `other-listing`: it is for another event. `ticket-withdrawn`.",
        429 => "Too many unknown codes. Try again after `Retry-After` seconds.",
    }
}

problem_responses! {
    /// Why a check-in is not undone.
    UndoProblem {
        403 => "Only its seller and its doors admit people to a listing.",
        404 => "There is no such listing, or it has no such admission.",
        409 => "`not-admitted`: nobody was admitted with it. `undo-too-late`: that was more than ten minutes ago.",
    }
}

problem_responses! {
    /// Why check-ins are not listed.
    ListCheckInsProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response names it.",
        403 => "Only its seller and its doors see who was admitted.",
        404 => "There is no such listing.",
    }
}

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Tag::Admissions")]
impl CheckInsApi {
    /// Admit somebody
    ///
    /// Admits the holder of a code exactly once, also when two doors scan it at the same moment. For the seller, and for the doors of
    /// the listing with their tokens. With an `Idempotency-Key`, a repeated request has the response of the first one, until that
    /// check-in is undone. If the key is a UUID, it is the id of the scan for `uploadCheckIns`, too.
    #[oai(path = "/:ticketId/check-ins", method = "post", operation_id = "checkIn")]
    async fn check_in(
        &self,
        app: Data<&App>,
        attendant: AttendantAuth,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<IdempotencyKey>>,
        body: Body<NewCheckIn>,
    ) -> Result<StoredResponse<CheckedIn>, CheckInProblem> {
        let at_door = at_door(ticket.0, attendant, client);
        let (identity, now) = (at_door.attendant.identity(), app.clock.now());
        app.code_attempts.check(&identity, now)?;
        let scan = key.0.as_ref().and_then(|key| key.as_str().parse().ok());
        let request = IdempotentRequest::new("checkIn", &identity, key.0, &(ticket.0, &body.0));
        let code = body.0.code.0.code;
        let code_hash = code.secret().hash();
        let (results, counted) = std::sync::mpsc::channel();
        let work = move |tx: &db::Tx| {
            let admission = check_in(tx, now, &at_door, &code, scan);
            let refusal = admission.as_ref().err().map(CheckInError::refusal);
            // None: an error that is no refusal.
            let _ = results.send(refusal.map_or(Some(None), |refusal| refusal.map(Some)));
            let admission = admission?;
            let holder = store::holder_name(tx, admission.state().holder_id)?;
            let view = CheckInView::new(&admission, holder);
            view.map(|view| CheckedIn::Admitted(Json(view)))
                .ok_or_else(|| Problem::internal(&CheckInError::UnknownCode))
        };
        let result = app
            .db
            .write(move |tx| {
                // The response to a check-in that was undone admits nobody.
                idempotency::delete_unless_created_at(tx, &request, used_at(tx, code_hash)?)?;
                idempotency::run_once(tx, now, &request, work)
            })
            .await;
        // Nothing if the request was answered before.
        if let Some(Some(refusal)) = counted.try_iter().last() {
            app.check_ins.count(Way::Online, refusal);
        }
        if result.as_ref().is_err_and(|problem| problem.status() == UNKNOWN_CODE) {
            app.code_attempts.count(&identity, now);
        }
        Ok(result?)
    }

    /// Undo a check-in
    ///
    /// Within ten minutes: the code admits again.
    #[oai(
        path = "/:ticketId/check-ins/:admissionId",
        method = "delete",
        operation_id = "undoCheckIn"
    )]
    async fn undo(
        &self,
        app: Data<&App>,
        attendant: AttendantAuth,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        /// The admission.
        #[oai(name = "admissionId")]
        admission: Path<AdmissionId>,
    ) -> Result<CheckInUndone, UndoProblem> {
        let (at_door, now) = (at_door(ticket.0, attendant, client), app.clock.now());
        app.db
            .write(move |tx| undo_check_in(tx, now, &at_door, admission.0))
            .await
            .map_err(Problem::from)?;
        Ok(CheckInUndone::Undone)
    }

    /// List check-ins
    ///
    /// The number of admissions that were issued, used and made void, and who was admitted, the last one first.
    #[oai(path = "/:ticketId/check-ins", method = "get", operation_id = "listCheckIns")]
    async fn list(
        &self,
        app: Data<&App>,
        attendant: AttendantAuth,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        /// The maximum number of check-ins.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<(Timestamp, i64)>>>,
    ) -> Result<Json<CheckInsView>, ListCheckInsProblem> {
        let (at_door, limit) = (at_door(ticket.0, attendant, client), limit.0);
        let scope = CursorScope::new("listCheckIns", &at_door.ticket_id);
        let before = scope.position(cursor.0)?;
        let read = move |conn: &rusqlite::Connection| -> Result<_, CheckInError> {
            at_door.listing(conn)?;
            let attendance = store::attendance(conn, at_door.ticket_id)?;
            let conflicts = store::refused_scans(conn, at_door.ticket_id, MAX_CONFLICTS)?;
            let used = store::used_admissions(conn, at_door.ticket_id, before, limit.rows())?;
            Ok((attendance, conflicts, used))
        };
        let (attendance, conflicts, used) = app.db.read(read).await.map_err(Problem::from)?;
        Ok(Json(CheckInsView {
            conflicts: conflicts.into_iter().map(Into::into).collect(),
            ..view(attendance, used, &scope, limit)
        }))
    }
}

fn view(attendance: Attendance, mut used: Vec<ShownAdmission>, scope: &CursorScope, limit: Limit) -> CheckInsView {
    let has_more = used.len() > limit.items();
    used.truncate(limit.items());
    let position = |shown: &ShownAdmission| {
        let used_at = shown.admission.state().used.as_ref().map(|used| used.at)?;
        Some(scope.cursor((used_at, shown.row)))
    };
    CheckInsView {
        issued: attendance.valid + attendance.used + attendance.void,
        admitted: attendance.used,
        void: attendance.void,
        duplicates: attendance.duplicates,
        void_scans: attendance.void_scans,
        conflicts: Vec::new(),
        next_cursor: used.last().filter(|_| has_more).and_then(position),
        items: used
            .into_iter()
            .filter_map(|shown| CheckInView::new(&shown.admission, shown.holder()))
            .collect(),
    }
}

pub(super) fn at_door(ticket_id: TicketId, attendant: AttendantAuth, client: ClientAddress) -> AtDoor {
    AtDoor {
        ticket_id,
        attendant: attendant.0,
        client: client.0,
    }
}

/// The status of an unknown code.
const UNKNOWN_CODE: poem::http::StatusCode = poem::http::StatusCode::NOT_FOUND;

impl From<CheckInError> for Problem {
    fn from(error: CheckInError) -> Self {
        match error {
            CheckInError::NotFound(id) => ticket_not_found(id),
            CheckInError::NotAllowed => {
                Self::forbidden("Only the seller and the doors of a listing admit people and see who was admitted.")
            }
            CheckInError::Withdrawn => Self::conflict("ticket-withdrawn", "The listing is withdrawn")
                .detail("Its tickets are refunded: they admit nobody."),
            CheckInError::UnknownCode => {
                Self::new(UNKNOWN_CODE, "unknown-code", "There is no such code").detail("No ticket has this code.")
            }
            CheckInError::OtherListing => {
                Self::conflict("other-listing", "A ticket of another event").detail("This ticket is for another event.")
            }
            CheckInError::Replaced => Self::conflict("admission-replaced", "Given to somebody else")
                .detail("The ticket was given to somebody else, who has another code."),
            CheckInError::CannotUse(error) => error.into(),
            CheckInError::Database(error) => error.into(),
        }
    }
}

impl From<CannotUse> for Problem {
    fn from(error: CannotUse) -> Self {
        match error {
            CannotUse::Refunded => {
                Self::conflict("admission-refunded", "Refunded").detail("The ticket was refunded: it admits nobody.")
            }
            CannotUse::Disputed => Self::conflict("admission-disputed", "Not paid")
                .detail("The payment of the ticket was disputed and lost: it admits nobody."),
            CannotUse::Used(used) => {
                let problem = Self::conflict("already-admitted", "Already admitted");
                let problem = match &used.door {
                    Some(door) => problem.detail(format_args!(
                        "Somebody was admitted with it at {}, at the door {door:?}.",
                        used.at
                    )),
                    None => problem.detail(format_args!(
                        "Somebody was admitted with it at {}, by the seller.",
                        used.at
                    )),
                };
                problem.used(used.at, used.door)
            }
        }
    }
}

impl From<UndoError> for Problem {
    fn from(error: UndoError) -> Self {
        match error {
            UndoError::AtDoor(error) => error.into(),
            UndoError::NoAdmission(id) => Self::not_found(format_args!("The listing has no admission {id}.")),
            UndoError::NotUsed => Self::conflict("not-admitted", "Nobody was admitted")
                .detail("Nobody was admitted with this ticket, or it is void."),
            UndoError::TooLate => Self::conflict("undo-too-late", "Too late to undo")
                .detail("A check-in can be undone within ten minutes."),
            UndoError::Database(error) => error.into(),
        }
    }
}
