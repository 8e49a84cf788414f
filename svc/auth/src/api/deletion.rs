//! The operations that delete the account of the signed-in user.

use chassis::ClientAddress;
use events::ClosureObstacle;
use input::{Body, Text};
use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, payload::Json, types::Example};
use problem::{Problem, problem_responses};
use token::SignedIn;
use values::Timestamp;

use super::{app::App, client::Visitor, code_rule::CodeRule, operations::Tags, problems::session_over};
use crate::{
    domain::ClosureRequest,
    store,
    use_cases::{AuthContext, RequestDeletionError, current_user, request_deletion, withdraw_deletion},
};

/// The operations that delete the account of the signed-in user.
#[derive(Debug)]
pub struct DeletionApi;

input::object! {
    /// A request to delete the account.
    #[secret]
    struct DeletionRequest {
        /// The password.
        password as "password": String,
        /// The six digits that the authenticator shows, or a recovery code: if the account has a second factor.
        code as "code": Option<Text<CodeRule>>,
    }
    example: {"password": "correct horse battery staple"}
}

/// The newest request to delete the account.
#[derive(Object)]
#[oai(rename = "Deletion", rename_all = "camelCase", example)]
struct DeletionView {
    status: DeletionStatus,
    requested_at: Timestamp,
    /// What prevents the deletion, as far as it is known.
    #[oai(validator(max_items = "6"))]
    obstacles: Vec<Obstacle>,
}

/// What became of a request to delete an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
enum DeletionStatus {
    /// The services decide. Nothing new is accepted of the account meanwhile.
    #[oai(rename = "requested")]
    Requested,
    /// Something prevents it: the account can be used again.
    #[oai(rename = "refused")]
    Refused,
}

/// What prevents the deletion of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "DeletionObstacle")]
enum Obstacle {
    /// Orders of the user, or of a listing of the user, are not finished.
    #[oai(rename = "open-orders")]
    OpenOrders,
    /// A listing of the user is on sale, or its event began less than a day ago, or will begin, or its buyers are guaranteed a
    /// refund.
    #[oai(rename = "open-listings")]
    OpenListings,
    /// A refund is requested or not yet paid.
    #[oai(rename = "open-refunds")]
    OpenRefunds,
    /// A dispute is open.
    #[oai(rename = "open-disputes")]
    OpenDisputes,
    /// Money is owed to the user, or by the user.
    #[oai(rename = "balance")]
    Balance,
    /// A ticket is offered to somebody who has not answered.
    #[oai(rename = "open-transfers")]
    OpenTransfers,
}

/// The request is withdrawn.
#[derive(Object)]
#[oai(rename = "DeletionWithdrawn", rename_all = "camelCase", example)]
struct WithdrawnView {
    /// Always true.
    withdrawn: bool,
}

impl From<ClosureObstacle> for Obstacle {
    fn from(obstacle: ClosureObstacle) -> Self {
        match obstacle {
            ClosureObstacle::OpenOrders => Self::OpenOrders,
            ClosureObstacle::OpenListings => Self::OpenListings,
            ClosureObstacle::OpenRefunds => Self::OpenRefunds,
            ClosureObstacle::OpenDisputes => Self::OpenDisputes,
            ClosureObstacle::Balance => Self::Balance,
            ClosureObstacle::OpenTransfers => Self::OpenTransfers,
        }
    }
}

impl From<&ClosureRequest> for DeletionView {
    fn from(request: &ClosureRequest) -> Self {
        Self {
            status: match request.ended_at {
                None => DeletionStatus::Requested,
                Some(_) => DeletionStatus::Refused,
            },
            requested_at: request.requested_at,
            obstacles: request.obstacles().into_iter().map(Into::into).collect(),
        }
    }
}

impl Example for DeletionView {
    fn example() -> Self {
        Self {
            status: DeletionStatus::Refused,
            requested_at: Timestamp::from_millis(1_800_000_000_000),
            obstacles: vec![Obstacle::OpenOrders],
        }
    }
}

impl Example for WithdrawnView {
    fn example() -> Self {
        Self { withdrawn: true }
    }
}

#[derive(ApiResponse)]
enum DeletionRequested {
    /// The services are asked. The account is deleted as soon as all have agreed, usually within seconds.
    #[oai(status = 202)]
    Accepted(Json<DeletionView>),
}

problem_responses! {
    RequestDeletionProblem {
        401 => "Not signed in, or the session is over.",
        403 => "`wrong-password`, `wrong-code`: the password or the code is wrong. Or a browser sent this for another site's page.",
        422 => "The account has a second factor: `code` is required.",
        429 => "Too many failed attempts, mails to the address, or requests at the moment; Retry-After states when to retry.",
    }
}

problem_responses! {
    GetDeletionProblem {
        401 => "Not signed in, or the session is over.",
        404 => "You have not requested the deletion of the account, or have withdrawn the request.",
    }
}

problem_responses! {
    WithdrawDeletionProblem {
        401 => "Not signed in, or the session is over.",
        403 => "A browser sent this for another site's page.",
        404 => "There is no request that can be withdrawn.",
    }
}

impl From<RequestDeletionError> for Problem {
    fn from(error: RequestDeletionError) -> Self {
        match error {
            RequestDeletionError::CodeRequired => Self::invalid("code", "is required: the account has a second factor"),
            RequestDeletionError::WrongCode => super::problems::wrong_code(),
            RequestDeletionError::NotRequested => not_requested(),
            RequestDeletionError::TooMany(refused) => refused.into(),
            RequestDeletionError::Account(error) => error.into(),
            RequestDeletionError::Db(error) => error.into(),
        }
    }
}

fn not_requested() -> Problem {
    Problem::not_found("The deletion of this account is not requested.")
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
impl DeletionApi {
    /// Delete your account
    ///
    /// The ticket, order and payment services decide, twice, whether anything prevents it: open orders, listings, refunds, disputes
    /// or transfers, or money that is owed. Until then, nothing new is accepted of the account. If nothing prevents it, all sessions
    /// end, and the personal data is erased in all services; amounts of past orders stay in the books. A mail reports the
    /// result. Tickets for events to come stay valid, but nobody can look at their codes any more: print them first.
    #[oai(path = "/users/current/deletion", method = "post", operation_id = "requestDeletion")]
    async fn request(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        visitor: Visitor,
        body: Body<DeletionRequest>,
    ) -> Result<DeletionRequested, RequestDeletionProblem> {
        let current = visitor.reauthentication(signed_in, body.0.password);
        let code = body.0.code.map(|code| code.0);
        let request = request_deletion(app.context(), current, code).await?;
        Ok(DeletionRequested::Accepted(Json((&request).into())))
    }

    /// Get your newest request to delete the account
    #[oai(path = "/users/current/deletion", method = "get", operation_id = "getDeletion")]
    async fn get(&self, app: Data<&App>, signed_in: SignedIn) -> Result<Json<DeletionView>, GetDeletionProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let now = clock.now();
        let read = move |conn: &rusqlite::Connection| -> Result<_, Problem> {
            let account = current_user(conn, now, signed_in)?.ok_or_else(session_over)?;
            Ok(store::find_closure(conn, account.id())?)
        };
        // One that was withdrawn has no obstacles.
        let stated = |request: &ClosureRequest| request.ended_at.is_none() || !request.obstacles().is_empty();
        let request = db.read(read).await?.filter(stated).ok_or_else(not_requested)?;
        Ok(Json((&request).into()))
    }

    /// Withdraw your request to delete the account
    ///
    /// Until all services have decided. The account can be used again at once.
    #[oai(
        path = "/users/current/deletion",
        method = "delete",
        operation_id = "withdrawDeletion"
    )]
    async fn withdraw(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        client: ClientAddress,
    ) -> Result<Json<WithdrawnView>, WithdrawDeletionProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let now = clock.now();
        let withdrawn = db
            .write(move |tx| withdraw_deletion(tx, now, signed_in, client.0))
            .await;
        withdrawn.map_err(|error: RequestDeletionError| error)?;
        Ok(Json(WithdrawnView { withdrawn: true }))
    }
}
