//! The personal data that this service stores about a user.

use input::Query;
use pagination::{Cursor, CursorScope, Limit};
use personal_data::{Activity, ActivityPosition, activity, end_of_page};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json, types::Example};
use problem::{Problem, problem_responses};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use token::SignedIn;
use values::{SessionId, Timestamp, UserId};

use super::{app::App, operations::Tags, problems::session_over, views::LanguageView};
use crate::{
    domain::{Account, Session},
    store,
    use_cases::{AuthContext, current_user, second_factor_status},
};

/// The operation that exports personal data.
#[derive(Debug)]
pub struct PersonalDataApi;

/// A position in the lists of an export, in their order.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Position {
    /// Before this row; from the newest without one.
    Sessions(Option<i64>),
    /// After this position; from the first without one.
    Activity(Option<ActivityPosition>),
}

/// A page of the personal data that the auth service stores about a user.
#[derive(Object)]
#[oai(rename = "AuthPersonalData", rename_all = "camelCase", example)]
struct AuthData {
    id: UserId,
    /// The email address as it was typed.
    email: String,
    /// When the user confirmed the address.
    #[oai(skip_serializing_if_is_none)]
    email_confirmed_at: Option<Timestamp>,
    /// The address that the user wants to change to, until it is confirmed.
    #[oai(skip_serializing_if_is_none)]
    new_email: Option<String>,
    /// The name to print on tickets.
    #[oai(skip_serializing_if_is_none)]
    name: Option<String>,
    language: LanguageView,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Since when signing in needs a second factor.
    #[oai(skip_serializing_if_is_none)]
    second_factor_enabled_at: Option<Timestamp>,
    /// The number of unused recovery codes.
    recovery_codes_left: u32,
    /// When the deletion of the account was requested last.
    #[oai(skip_serializing_if_is_none)]
    deletion_requested_at: Option<Timestamp>,
    /// Sessions, also those that are over, as long as they are stored. The newest first.
    #[oai(validator(max_items = "100"))]
    sessions: Vec<StoredSession>,
    /// Entries of the audit log, by action and time.
    #[oai(validator(max_items = "100"))]
    activity: Vec<Activity>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

/// A session that is stored.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
struct StoredSession {
    id: SessionId,
    /// The browser or program.
    #[oai(skip_serializing_if_is_none)]
    device: Option<String>,
    /// The network from which it was used last: an IPv4 address, or an IPv6 network of 64 bits.
    #[oai(skip_serializing_if_is_none)]
    network: Option<String>,
    started_at: Timestamp,
    /// When its newest access token was issued.
    last_used_at: Timestamp,
    /// When it expires unless it is refreshed.
    expires_at: Timestamp,
    /// When it was ended.
    #[oai(skip_serializing_if_is_none)]
    ended_at: Option<Timestamp>,
}

impl From<&Session> for StoredSession {
    fn from(session: &Session) -> Self {
        let state = session.state();
        Self {
            id: state.id,
            device: state.device.clone(),
            network: state.network.clone(),
            started_at: state.started_at,
            last_used_at: session.last_used_at(),
            expires_at: session.expires_at(),
            ended_at: state.ended.map(|(at, _)| at),
        }
    }
}

impl Example for StoredSession {
    fn example() -> Self {
        let at = Timestamp::from_millis(1_800_000_000_000);
        Self {
            id: SessionId::example(),
            device: Some("Firefox, Linux".to_owned()),
            network: Some("192.0.2.7/32".to_owned()),
            started_at: at,
            last_used_at: at,
            expires_at: at,
            ended_at: None,
        }
    }
}

impl Example for AuthData {
    fn example() -> Self {
        let at = Timestamp::from_millis(1_800_000_000_000);
        Self {
            id: UserId::example(),
            email: "ada@example.com".to_owned(),
            email_confirmed_at: Some(at),
            new_email: None,
            name: Some("Ada Lovelace".to_owned()),
            language: LanguageView::English,
            created_at: at,
            updated_at: at,
            second_factor_enabled_at: Some(at),
            recovery_codes_left: 10,
            deletion_requested_at: None,
            sessions: vec![StoredSession::example()],
            activity: vec![Activity::example()],
            next_cursor: None,
        }
    }
}

problem_responses! {
    PersonalDataProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another user; the response names it.",
        401 => "Not signed in, or the session is over.",
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
impl PersonalDataApi {
    /// Get your personal data in this service
    ///
    /// In pages: each has your account, and items of one list. The lists follow each other until `nextCursor` is `null`. What is
    /// stored as a hash or encrypted, such as your password, is not included.
    #[oai(path = "/personal-data", method = "get", operation_id = "getAuthPersonalData")]
    async fn get_personal_data(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        /// The maximum number of items.
        limit: Query<Limit>,
        /// The `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<Position>>>,
    ) -> Result<Json<AuthData>, PersonalDataProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let (now, limit) = (clock.now(), limit.0);
        let scope = CursorScope::new("getAuthPersonalData", &signed_in.user_id);
        let position = scope.position(cursor.0)?.unwrap_or(Position::Sessions(None));
        let read = move |conn: &Connection| -> Result<AuthData, Problem> {
            let account = current_user(conn, now, signed_in)?.ok_or_else(session_over)?;
            let second_factor = second_factor_status(conn, now, signed_in)?.unwrap_or_default();
            let mut data = AuthData {
                new_email: store::requested_address(conn, account.id(), now)?,
                second_factor_enabled_at: second_factor.enabled_at,
                recovery_codes_left: second_factor.recovery_codes,
                deletion_requested_at: store::find_closure(conn, account.id())?.map(|request| request.requested_at),
                ..account_data(&account)
            };
            let next = data.add(conn, position, limit)?;
            data.next_cursor = next.map(|next| scope.cursor(next));
            Ok(data)
        };
        Ok(Json(db.read(read).await?))
    }
}

impl AuthData {
    /// Adds the items that begin at a position. Returns the position of the next page.
    fn add(&mut self, conn: &Connection, position: Position, limit: Limit) -> Result<Option<Position>, db::Error> {
        match position {
            Position::Sessions(before) => {
                let mut rows = store::stored_sessions(conn, self.id, before, limit.rows())?;
                let position = |(row, _): &(i64, Session)| Position::Sessions(Some(*row));
                let next = end_of_page(&mut rows, limit, position, Some(Position::Activity(None)));
                self.sessions = rows.iter().map(|(_, session)| session.into()).collect();
                Ok(next)
            }
            Position::Activity(after) => {
                let (items, next) = activity(conn, self.id, after.as_ref(), limit)?;
                self.activity = items;
                Ok(next.map(|next| Position::Activity(Some(next))))
            }
        }
    }
}

fn account_data(account: &Account) -> AuthData {
    let state = account.state();
    AuthData {
        id: state.id,
        email: state.email.clone(),
        email_confirmed_at: state.email_confirmed_at,
        new_email: None,
        name: state.name.as_ref().map(|name| name.as_str().to_owned()),
        language: state.language.into(),
        created_at: state.created_at,
        updated_at: state.updated_at,
        second_factor_enabled_at: None,
        recovery_codes_left: 0,
        deletion_requested_at: None,
        sessions: Vec::new(),
        activity: Vec::new(),
        next_cursor: None,
    }
}
