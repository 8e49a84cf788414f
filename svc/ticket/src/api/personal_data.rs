//! The personal data that this service stores about a user.

use input::Query;
use pagination::{Cursor, CursorScope, Limit};
use personal_data::{Activity, ActivityPosition, activity, end_of_page};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json, types::Example};
use problem::problem_responses;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use token::SignedIn;
use values::{AdmissionId, TicketId, Timestamp, TransferId, UserId};

use super::{
    admission_views::AdmissionView,
    app::{App, Tag},
    transfer_views::TransferStatusView,
    views::TicketView,
};
use crate::{
    domain::{Listing, ShownAdmission, Transfer},
    store,
};

/// The operation that exports personal data.
#[derive(Debug)]
pub struct PersonalDataApi;

/// A position in the lists of an export, in their order. Each begins with the first item unless there is one that it follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Position {
    /// Listings that are not withdrawn. They come first, so that one that is withdrawn meanwhile is not missed.
    Listings(Option<i64>),
    WithdrawnListings(Option<i64>),
    Admissions(Option<i64>),
    /// Before the transfer of this time and row.
    Transfers(Option<(Timestamp, i64)>),
    Activity(Option<ActivityPosition>),
}

/// A page of the personal data that the ticket service stores about a user.
#[derive(Default, Object)]
#[oai(rename = "TicketPersonalData", rename_all = "camelCase", example)]
struct TicketData {
    /// The email address; it is shown to sellers unless there is a name.
    #[oai(skip_serializing_if_is_none)]
    email: Option<String>,
    /// The name on tickets.
    #[oai(skip_serializing_if_is_none)]
    name: Option<String>,
    /// The language of printed tickets.
    #[oai(skip_serializing_if_is_none)]
    language: Option<String>,
    /// Your listings, first those that are not withdrawn, the newest first.
    #[oai(validator(max_items = "100"))]
    listings: Vec<OwnListing>,
    /// The tickets that you hold, in the order of their issue. Their codes are not included.
    #[oai(validator(max_items = "100"))]
    admissions: Vec<AdmissionView>,
    /// The tickets that you have offered to others, the newest first. The address is part of the ticket while the offer is open, and
    /// is erased when it ends.
    #[oai(validator(max_items = "100"))]
    transfers: Vec<OwnTransfer>,
    /// Entries of the audit log, by action and time.
    #[oai(validator(max_items = "100"))]
    activity: Vec<Activity>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

/// A listing of the user.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct OwnListing {
    ticket: TicketView,
    /// The names of its doors.
    doors: Vec<String>,
}

/// A ticket that the user has offered to somebody else.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct OwnTransfer {
    id: TransferId,
    admission_id: AdmissionId,
    /// The listing.
    ticket_id: TicketId,
    status: TransferStatusView,
    offered_at: Timestamp,
    /// When it changed last.
    updated_at: Timestamp,
}

impl From<&Transfer> for OwnTransfer {
    fn from(transfer: &Transfer) -> Self {
        let state = transfer.state();
        Self {
            id: state.id,
            admission_id: state.admission_id,
            ticket_id: state.ticket_id,
            status: state.status.into(),
            offered_at: state.offered_at,
            updated_at: state.updated_at,
        }
    }
}

impl Example for TicketData {
    fn example() -> Self {
        Self {
            email: Some("ada@example.com".to_owned()),
            name: Some("Ada Lovelace".to_owned()),
            language: Some("en".to_owned()),
            listings: vec![OwnListing {
                ticket: TicketView::example(),
                doors: vec!["North entrance".to_owned()],
            }],
            admissions: vec![AdmissionView::example()],
            transfers: Vec::new(),
            activity: vec![Activity::example()],
            next_cursor: None,
        }
    }
}

problem_responses! {
    /// Why personal data is not exported.
    GetPersonalDataProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another user; the response names it.",
    }
}

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Tag::Tickets")]
impl PersonalDataApi {
    /// Get your personal data in this service
    ///
    /// In pages: each has what is stored of your account, and items of one list. The lists follow each other until `nextCursor`
    /// is `null`. What you have bought is part of the export of the order service.
    #[oai(path = "/personal-data", method = "get", operation_id = "getTicketPersonalData")]
    async fn get_personal_data(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The maximum number of items.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<Position>>>,
    ) -> Result<Json<TicketData>, GetPersonalDataProblem> {
        let (limit, limits, now) = (limit.0, app.limits, app.clock.now());
        let scope = CursorScope::new("getTicketPersonalData", &user.user_id);
        let position = scope.position(cursor.0)?.unwrap_or(Position::Listings(None));
        let read = move |conn: &Connection| {
            let mut data = account_data(conn, user.user_id)?;
            let next = data.add(conn, user.user_id, now, position, limit, |listing| {
                TicketView::single(listing, limits, now)
            })?;
            data.next_cursor = next.map(|next| scope.cursor(next));
            Ok::<_, db::Error>(data)
        };
        Ok(Json(app.db.read(read).await?))
    }
}

fn account_data(conn: &Connection, user: UserId) -> Result<TicketData, db::Error> {
    let account = store::account(conn, user)?;
    Ok(account.map_or_else(TicketData::default, |account| TicketData {
        email: account.email,
        name: account.name,
        language: Some(account.language.to_string()),
        ..TicketData::default()
    }))
}

impl TicketData {
    /// Adds the items that begin at a position. Returns the position of the next page.
    fn add(
        &mut self,
        conn: &Connection,
        user: UserId,
        now: Timestamp,
        position: Position,
        limit: Limit,
        view: impl Fn(Listing) -> TicketView,
    ) -> Result<Option<Position>, db::Error> {
        Ok(match position {
            Position::Listings(before) => {
                let mut rows = store::listings_of_seller(conn, user, false, before, limit.rows())?;
                let position = |(number, _): &(i64, Listing)| Position::Listings(Some(*number));
                let next = end_of_page(&mut rows, limit, position, Some(Position::WithdrawnListings(None)));
                self.add_listings(conn, rows, view)?;
                next
            }
            Position::WithdrawnListings(before) => {
                let mut rows = store::listings_of_seller(conn, user, true, before, limit.rows())?;
                let position = |(number, _): &(i64, Listing)| Position::WithdrawnListings(Some(*number));
                let next = end_of_page(&mut rows, limit, position, Some(Position::Admissions(None)));
                self.add_listings(conn, rows, view)?;
                next
            }
            Position::Admissions(after) => {
                let mut rows = store::admissions_of_holder(conn, user, after, limit.rows())?;
                let position = |shown: &ShownAdmission| Position::Admissions(Some(shown.row));
                let next = end_of_page(&mut rows, limit, position, Some(Position::Transfers(None)));
                let view = |shown| AdmissionView::without_code(shown, user, now);
                self.admissions = rows.into_iter().map(view).collect();
                next
            }
            Position::Transfers(before) => {
                let mut rows = store::transfers_of_giver(conn, user, before, limit.rows())?;
                let position =
                    |(row, transfer): &(i64, Transfer)| Position::Transfers(Some((transfer.state().offered_at, *row)));
                let next = end_of_page(&mut rows, limit, position, Some(Position::Activity(None)));
                self.transfers = rows.iter().map(|(_, transfer)| transfer.into()).collect();
                next
            }
            Position::Activity(after) => {
                let (items, next) = activity(conn, user, after.as_ref(), limit)?;
                self.activity = items;
                next.map(|next| Position::Activity(Some(next)))
            }
        })
    }

    fn add_listings(
        &mut self,
        conn: &Connection,
        rows: Vec<(i64, Listing)>,
        view: impl Fn(Listing) -> TicketView,
    ) -> Result<(), db::Error> {
        for (_, listing) in rows {
            let doors = store::door_names(conn, listing.id())?;
            let ticket = view(listing);
            self.listings.push(OwnListing { ticket, doors });
        }
        Ok(())
    }
}
