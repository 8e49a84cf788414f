//! The operations on the sessions of the signed-in user.

use chassis::ClientAddress;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path, payload::Json, types::Example};
use problem::problem_responses;
use token::SignedIn;
use values::{SessionId, Timestamp};

use super::{app::App, operations::Tags, problems::session_over, views::SignedOutView};
use crate::{
    domain::Session,
    store,
    use_cases::{AuthContext, current_user, end_one_session, end_other_sessions},
};

/// The operations on the sessions of the signed-in user.
#[derive(Debug)]
pub struct SessionsApi;

/// The open sessions of a user.
#[derive(Object)]
#[oai(rename = "Sessions", rename_all = "camelCase", example)]
struct SessionsView {
    /// The sessions, the newest first; at most 100.
    items: Vec<SessionView>,
}

/// A signed-in browser or program.
#[derive(Object)]
#[oai(rename = "Session", rename_all = "camelCase", example)]
struct SessionView {
    id: SessionId,
    /// The browser or program, as far as it states what it is.
    #[oai(nullable)]
    device: Option<String>,
    /// The network from which the session was used last: an IPv4 address, or an IPv6 network of 64 bits.
    #[oai(nullable)]
    network: Option<String>,
    started_at: Timestamp,
    /// When its newest access token was issued.
    last_used_at: Timestamp,
    /// When it expires unless it is refreshed.
    expires_at: Timestamp,
    /// Whether it is the session of this request.
    current: bool,
}

/// Sessions that were ended.
#[derive(Object)]
#[oai(rename = "EndedSessions", rename_all = "camelCase", example)]
struct EndedSessionsView {
    /// The number of sessions.
    ended: u32,
}

impl SessionView {
    fn new(session: &Session, current: SessionId) -> Self {
        let state = session.state();
        Self {
            id: state.id,
            device: state.device.clone(),
            network: state.network.clone(),
            started_at: state.started_at,
            last_used_at: session.last_used_at(),
            expires_at: session.expires_at(),
            current: state.id == current,
        }
    }
}

impl Example for SessionView {
    fn example() -> Self {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let id = "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59".parse();
        Self {
            id: id.unwrap_or_else(|_| SessionId::new(at)),
            device: Some("Firefox, Linux".to_owned()),
            network: Some("192.0.2.7/32".to_owned()),
            started_at: at,
            last_used_at: at,
            expires_at: at,
            current: true,
        }
    }
}

impl Example for SessionsView {
    fn example() -> Self {
        Self {
            items: vec![SessionView::example()],
        }
    }
}

impl Example for EndedSessionsView {
    fn example() -> Self {
        Self { ended: 2 }
    }
}

problem_responses! {
    ListSessionsProblem {
        401 => "Not signed in, or the session is over.",
    }
}

problem_responses! {
    EndSessionProblem {
        401 => "Not signed in, or the session is over.",
        403 => "A browser sent this for another site's page.",
        404 => "You have no such session.",
    }
}

problem_responses! {
    EndSessionsProblem {
        401 => "Not signed in, or the session is over.",
        403 => "A browser sent this for another site's page.",
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
impl SessionsApi {
    /// List your sessions
    ///
    /// An account has at most 100 at the same time: one more ends the oldest.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessions")]
    async fn list(&self, app: Data<&App>, signed_in: SignedIn) -> Result<Json<SessionsView>, ListSessionsProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let now = clock.now();
        let read = move |conn: &rusqlite::Connection| -> Result<_, db::Error> {
            let is_open = current_user(conn, now, signed_in)?.is_some();
            is_open.then(|| store::sessions_of(conn, signed_in.user_id)).transpose()
        };
        let sessions = db.read(read).await?.ok_or_else(session_over)?;
        let open = sessions.iter().filter(|session| session.is_open(now)).take(100);
        Ok(Json(SessionsView {
            items: open
                .map(|session| SessionView::new(session, signed_in.session_id))
                .collect(),
        }))
    }

    /// End one of your sessions
    ///
    /// Within two seconds every service refuses its access tokens.
    #[oai(path = "/sessions/:id", method = "delete", operation_id = "endSession")]
    async fn end(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        client: ClientAddress,
        /// The session.
        id: Path<SessionId>,
    ) -> Result<Json<SignedOutView>, EndSessionProblem> {
        end_one_session(app.context(), signed_in, id.0, client.0).await?;
        Ok(Json(SignedOutView { session_id: id.0 }))
    }

    /// End all your other sessions
    ///
    /// The session of this request stays.
    #[oai(path = "/sessions", method = "delete", operation_id = "endOtherSessions")]
    async fn end_others(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        client: ClientAddress,
    ) -> Result<Json<EndedSessionsView>, EndSessionsProblem> {
        let ended = end_other_sessions(app.context(), signed_in, client.0).await?;
        Ok(Json(EndedSessionsView {
            ended: u32::try_from(ended).unwrap_or(u32::MAX),
        }))
    }
}
