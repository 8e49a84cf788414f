//! The door: the views and calls of the ticket service for sellers.

use serde::{Deserialize, Serialize};
use values::{AdmissionId, DoorId, TicketId, Timestamp};

use super::{ApiError, ApiRequest, Caller, Service};

/// Somebody who was admitted.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckIn {
    pub(crate) admission_id: AdmissionId,
    pub(crate) number: u32,
    pub(crate) of: u32,
    pub(crate) holder: Option<String>,
    pub(crate) used_at: Timestamp,
    /// The name of the door; `None` if the seller admitted the holder.
    pub(crate) door: Option<String>,
    pub(crate) is_void: bool,
}

/// Somebody whom a door let in without the network, although the ticket was used before or void.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conflict {
    pub(crate) number: u32,
    pub(crate) of: u32,
    pub(crate) holder: Option<String>,
    /// The type of the problem that the code has online.
    pub(crate) reason: String,
    pub(crate) scanned_at: Timestamp,
    pub(crate) door: Option<String>,
    /// When the ticket was used before.
    pub(crate) used_at: Option<Timestamp>,
    pub(crate) used_door: Option<String>,
}

/// Who was admitted, the last one first, and how many are not yet.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CheckIns {
    pub(crate) issued: u64,
    pub(crate) admitted: u64,
    pub(crate) void: u64,
    pub(crate) items: Vec<CheckIn>,
    /// The last of them first; a ticket service of an earlier release has none.
    #[serde(default)]
    pub(crate) conflicts: Vec<Conflict>,
}

/// A door of a listing: its token admits people without an account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Door {
    pub(crate) id: DoorId,
    pub(crate) name: String,
    pub(crate) expires_at: Timestamp,
    /// Only of a new door.
    pub(crate) token: Option<String>,
}

#[derive(Deserialize)]
struct Doors {
    items: Vec<Door>,
}

#[derive(Serialize)]
struct NewCheckIn<'a> {
    code: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDoor<'a> {
    name: &'a str,
    expires_at: Timestamp,
}

/// Admits the holder of a code.
pub(crate) async fn check_in(
    caller: &impl Caller,
    listing: TicketId,
    code: &str,
    idempotency_key: &str,
) -> Result<CheckIn, ApiError> {
    let path = format!("/api/v1/tickets/{listing}/check-ins");
    let request = ApiRequest::post(Service::Ticket, path).json(&NewCheckIn { code });
    caller.send(request.idempotency_key(idempotency_key)).await?.json()
}

/// Makes the code of somebody who was admitted by mistake admit again.
pub(crate) async fn undo(caller: &impl Caller, listing: TicketId, admission: AdmissionId) -> Result<(), ApiError> {
    let path = format!("/api/v1/tickets/{listing}/check-ins/{admission}");
    caller.send(ApiRequest::delete(Service::Ticket, path)).await?;
    Ok(())
}

/// Returns the numbers, and the last people who were admitted.
pub(crate) async fn list(caller: &impl Caller, listing: TicketId, limit: u32) -> Result<CheckIns, ApiError> {
    let path = format!("/api/v1/tickets/{listing}/check-ins?limit={limit}");
    caller.send(ApiRequest::get(Service::Ticket, path)).await?.json()
}

/// Creates a door.
pub(crate) async fn create_door(
    caller: &impl Caller,
    listing: TicketId,
    name: &str,
    expires_at: Timestamp,
    idempotency_key: &str,
) -> Result<Door, ApiError> {
    let path = format!("/api/v1/tickets/{listing}/doors");
    let request = ApiRequest::post(Service::Ticket, path).json(&NewDoor { name, expires_at });
    caller.send(request.idempotency_key(idempotency_key)).await?.json()
}

/// Returns the doors of a listing, of which there are at most 100.
pub(crate) async fn doors(caller: &impl Caller, listing: TicketId) -> Result<Vec<Door>, ApiError> {
    let path = format!("/api/v1/tickets/{listing}/doors?limit=100");
    let doors: Doors = caller.send(ApiRequest::get(Service::Ticket, path)).await?.json()?;
    Ok(doors.items)
}

/// Revokes a door.
pub(crate) async fn revoke_door(caller: &impl Caller, listing: TicketId, door: DoorId) -> Result<(), ApiError> {
    let path = format!("/api/v1/tickets/{listing}/doors/{door}");
    caller.send(ApiRequest::delete(Service::Ticket, path)).await?;
    Ok(())
}
