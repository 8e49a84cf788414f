//! The operations on doors, for the seller.

use chassis::ClientAddress;
use idempotency::IdempotencyKey;
use input::{Body, Header, Query, Text};
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, param::Path, payload::Json, types::Example};
use problem::{Problem, problem_responses};
use serde::Serialize;
use sha2::{Digest, Sha256};
use token::SignedIn;
use values::{DoorId, TicketId, Timestamp};

use super::{
    app::{App, Tag},
    offers::Line,
    problems::ticket_not_found,
};
use crate::{
    domain::{Attendant, Door, check_expiry},
    store,
    use_cases::{AtDoor, DoorError, create_door, listing_of_seller, revoke_door},
};

/// The operations on doors.
#[derive(Debug)]
pub struct DoorsApi;

input::object! {
    /// A door to create.
    pub(crate) struct NewDoor {
        /// Its name, in one line: it is shown when a code is scanned a second time.
        name as "name": Text<Line>,
        /// Until when its token is valid: in the future, within a year.
        expires_at as "expiresAt": Timestamp,
    }
    check(expires_at; app: App): check_expiry(*expires_at, app.clock.now()),
    example: {"name": "North gate", "expiresAt": "2027-06-02T04:00:00.000Z"}
}

/// A door.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Door", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DoorView {
    id: DoorId,
    name: String,
    /// Until when its token is valid.
    expires_at: Timestamp,
    created_at: Timestamp,
    /// The token, for `Authorization: Bearer`; only in the response that creates it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl DoorView {
    fn new(door: Door) -> Self {
        Self {
            id: door.id,
            name: door.name.into_string(),
            expires_at: door.expires_at,
            created_at: door.created_at,
            token: None,
        }
    }
}

impl Example for DoorView {
    fn example() -> Self {
        Self {
            id: DoorId::example(),
            name: "North gate".to_owned(),
            expires_at: Timestamp::from_millis(2_064_369_600_000),
            created_at: Timestamp::from_millis(1_796_040_000_000),
            token: None,
        }
    }
}

#[derive(ApiResponse)]
enum DoorCreated {
    /// The door with its token, which is not shown again.
    #[oai(status = 201)]
    Created(
        Json<DoorView>,
        /// `private, no-store`: it has a token.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum DoorRevoked {
    /// Its token is refused from now on.
    #[oai(status = 204)]
    Revoked,
}

problem_responses! {
    /// Why a door is not created.
    CreateDoorProblem {
        403 => "Only its seller manages the doors of a listing.",
        404 => "There is no such listing.",
        409 => "`too-many-doors`: the listing has 100 doors that are not revoked.",
        422 => "A field is missing, unknown or invalid, or the idempotency key was used with another body.",
    }
}

problem_responses! {
    /// Why doors are not listed.
    ListDoorsProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response names it.",
        403 => "Only its seller manages the doors of a listing.",
        404 => "There is no such listing.",
    }
}

problem_responses! {
    /// Why a door is not revoked.
    RevokeDoorProblem {
        403 => "Only its seller manages the doors of a listing.",
        404 => "There is no such listing, or it has no such door.",
    }
}

#[OpenApi(prefix_path = "/api/v1/tickets", tag = "Tag::Admissions")]
impl DoorsApi {
    /// Create a door
    ///
    /// With a token that may check in, undo check-ins and read them, of this listing only. The token is shown once: it is not
    /// stored. The same request with the same `Idempotency-Key` returns the same door with a new token, which replaces the
    /// former one.
    #[oai(path = "/:ticketId/doors", method = "post", operation_id = "createDoor")]
    async fn create(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<IdempotencyKey>>,
        body: Body<NewDoor>,
    ) -> Result<DoorCreated, CreateDoorProblem> {
        let (at_door, now) = (at_door(ticket.0, seller, client), app.clock.now());
        let request = key.0.map(|key| {
            let of = format!("{} {} {}", seller.user_id, ticket.0, key.as_str());
            Sha256::digest(of.as_bytes()).into()
        });
        let (name, expires_at) = (body.0.name.0, body.0.expires_at);
        let (door, token) = app
            .db
            .write(move |tx| create_door(tx, now, &at_door, name, expires_at, request))
            .await
            .map_err(Problem::from)?;
        let view = DoorView {
            token: Some(token.into_string()),
            ..DoorView::new(door)
        };
        Ok(DoorCreated::Created(Json(view), "private, no-store".to_owned()))
    }

    /// List doors
    ///
    /// Those that are not revoked.
    #[oai(path = "/:ticketId/doors", method = "get", operation_id = "listDoors")]
    async fn list(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        /// The maximum number of doors.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<i64>>>,
    ) -> Result<Json<Page<DoorView>>, ListDoorsProblem> {
        let (at_door, limit) = (at_door(ticket.0, seller, client), limit.0);
        let scope = CursorScope::new("listDoors", &at_door.ticket_id);
        let after = scope.position(cursor.0)?;
        let read = move |conn: &rusqlite::Connection| -> Result<_, DoorError> {
            let listing = listing_of_seller(conn, &at_door)?;
            Ok(store::doors(conn, listing.id(), after, limit.rows())?)
        };
        let doors = app.db.read(read).await.map_err(Problem::from)?;
        Ok(Json(Page::from_rows(
            doors,
            &scope,
            limit,
            |door| door.row,
            DoorView::new,
        )))
    }

    /// Revoke a door
    ///
    /// Its token is refused at once.
    #[oai(path = "/:ticketId/doors/:doorId", method = "delete", operation_id = "revokeDoor")]
    async fn revoke(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        ticket: Path<TicketId>,
        /// The door.
        #[oai(name = "doorId")]
        door: Path<DoorId>,
    ) -> Result<DoorRevoked, RevokeDoorProblem> {
        let (at_door, now) = (at_door(ticket.0, seller, client), app.clock.now());
        app.db
            .write(move |tx| revoke_door(tx, now, &at_door, door.0))
            .await
            .map_err(Problem::from)?;
        Ok(DoorRevoked::Revoked)
    }
}

fn at_door(ticket_id: TicketId, seller: SignedIn, client: ClientAddress) -> AtDoor {
    AtDoor {
        ticket_id,
        attendant: Attendant::User(seller.user_id),
        client: client.0,
    }
}

impl From<DoorError> for Problem {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::NotFound(id) => ticket_not_found(id),
            DoorError::NotTheSeller => Self::forbidden("Only its seller manages the doors of a listing."),
            DoorError::NoDoor(id) => Self::not_found(format_args!("The listing has no door {id}.")),
            DoorError::Expiry(error) => Self::invalid("expiresAt", error),
            DoorError::TooMany => Self::conflict("too-many-doors", "Too many doors")
                .detail("A listing has at most 100 doors. Revoke one first."),
            DoorError::KeyReused => idempotency::key_reused(),
            DoorError::Database(error) => error.into(),
        }
    }
}
