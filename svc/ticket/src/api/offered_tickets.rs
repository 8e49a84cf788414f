//! The operations on transfers, for those to whom a ticket is offered.
//!
//! The token of a link is part of the path. The chassis records these paths without it.

use std::fmt::Display;

use chassis::ClientAddress;
use input::{Parameter, ParameterRule};
use poem::{http::StatusCode, web::Data};
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json, registry::MetaSchema};
use problem::{Problem, problem_responses};
use token::SignedIn;

use super::{
    admission_views::AdmissionView,
    app::{App, Tag},
    transfer_views::OfferedTicketView,
    transfers::transfer_ended,
};
use crate::{
    domain::TransferToken,
    store,
    use_cases::{AnswerError, AnswerTransfer, accept_transfer, decline_transfer, find_transfer},
};

const CACHE_CONTROL: &str = "private, no-store";

/// The operations on tickets that are offered.
#[derive(Debug)]
pub struct OfferedTicketsApi;

/// The token of a mailed link.
#[derive(Debug)]
struct TokenRule;

impl ParameterRule for TokenRule {
    type Value = TransferToken;

    fn schema() -> MetaSchema {
        MetaSchema {
            pattern: Some("^[A-Za-z0-9_-]{32}$".to_owned()),
            ..MetaSchema::new("string")
        }
    }

    fn parse(text: &str) -> Result<TransferToken, impl Display> {
        TransferToken::parse(text)
    }
}

#[derive(ApiResponse)]
enum OfferedTicketRead {
    /// The ticket, without its code.
    #[oai(status = 200)]
    Read(
        Json<OfferedTicketView>,
        /// `private, no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum TransferAccepted {
    /// The ticket is yours, with its new code.
    #[oai(status = 200)]
    Accepted(
        Json<AdmissionView>,
        /// `private, no-store`: it has a code.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

#[derive(ApiResponse)]
enum TransferDeclined {
    /// The ticket stays with its holder.
    #[oai(status = 204)]
    Declined,
}

problem_responses! {
    /// Why an offered ticket is not shown.
    GetTransferProblem {
        400 => "The token is malformed.",
        404 => "There is no such offer.",
    }
}

problem_responses! {
    /// Why an offer is not accepted.
    AcceptTransferProblem {
        400 => "The token is malformed.",
        403 => "`own-transfer`: you have offered the ticket yourself. `second-factor-required`: the seller requires that you sign in \
                with a second factor.",
        404 => "There is no such offer.",
        409 => "`transfer-ended`: `code` is `accepted`, `declined`, `cancelled` or `expired`. `account-closing`: you have requested \
                the deletion of your account.",
    }
}

problem_responses! {
    /// Why an offer is not declined.
    DeclineTransferProblem {
        400 => "The token is malformed.",
        403 => "`own-transfer`: you have offered the ticket yourself; take it back instead.",
        404 => "There is no such offer.",
        409 => "`transfer-ended`: `code` is `accepted`, `cancelled` or `expired`.",
    }
}

#[OpenApi(prefix_path = "/api/v1/transfers", tag = "Tag::Admissions")]
impl OfferedTicketsApi {
    /// Get an offered ticket
    ///
    /// By the token of the link in the mail, also for those who are not signed in.
    #[oai(path = "/:token", method = "get", operation_id = "getTransfer")]
    async fn get(
        &self,
        app: Data<&App>,
        /// The token of the link.
        token: Path<Parameter<TokenRule>>,
    ) -> Result<OfferedTicketRead, GetTransferProblem> {
        let (token, now) = (token.0.0, app.clock.now());
        let read = move |conn: &rusqlite::Connection| -> Result<_, AnswerError> {
            let found = find_transfer(conn, now, &token)?;
            let giver = store::holder_name(conn, found.transfer.state().from_id)?;
            Ok(OfferedTicketView::new(&found, giver))
        };
        let view = app.db.read(read).await.map_err(Problem::from)?;
        Ok(OfferedTicketRead::Read(Json(view), CACHE_CONTROL.to_owned()))
    }

    /// Accept an offered ticket
    ///
    /// For any signed-in user but the giver. From then on the former code is void; the new one is in the response, and the ticket is among
    /// your admissions. Of two who accept it at once, one gets it. Repeated by the same user, the response is the same.
    #[oai(path = "/:token/accept", method = "post", operation_id = "acceptTransfer")]
    async fn accept(
        &self,
        app: Data<&App>,
        user: SignedIn,
        client: ClientAddress,
        /// The token of the link.
        token: Path<Parameter<TokenRule>>,
    ) -> Result<TransferAccepted, AcceptTransferProblem> {
        let (now, codes) = (app.clock.now(), app.codes.clone());
        let answer = answer(token.0.0, user, client);
        let work = move |tx: &db::Tx| -> Result<_, Problem> {
            let accepted = accept_transfer(tx, now, &codes, &answer)?;
            let shown = store::shown_admission(tx, accepted.admission.id())?;
            let shown = shown.ok_or_else(|| Problem::from(AnswerError::NotFound))?;
            AdmissionView::new(shown, answer.user, now, &codes).map_err(|error| Problem::internal(&error))
        };
        let view = app.db.write(work).await?;
        Ok(TransferAccepted::Accepted(Json(view), CACHE_CONTROL.to_owned()))
    }

    /// Decline an offered ticket
    ///
    /// For any signed-in user but the giver, who gets a mail. The ticket stays with its holder.
    #[oai(path = "/:token/decline", method = "post", operation_id = "declineTransfer")]
    async fn decline(
        &self,
        app: Data<&App>,
        user: SignedIn,
        client: ClientAddress,
        /// The token of the link.
        token: Path<Parameter<TokenRule>>,
    ) -> Result<TransferDeclined, DeclineTransferProblem> {
        let (now, answer) = (app.clock.now(), answer(token.0.0, user, client));
        app.db
            .write(move |tx| decline_transfer(tx, now, &answer))
            .await
            .map_err(Problem::from)?;
        Ok(TransferDeclined::Declined)
    }
}

fn answer(token: TransferToken, user: SignedIn, client: ClientAddress) -> AnswerTransfer {
    AnswerTransfer {
        token,
        user: user.user_id,
        has_second_factor: user.has_second_factor,
        author: client.author(user.user_id),
    }
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::NotFound => Self::not_found("There is no such offer."),
            AnswerError::Own => Self::new(StatusCode::FORBIDDEN, "own-transfer", "This is your own ticket")
                .detail("You have offered it yourself: somebody else has to accept it."),
            AnswerError::Ended(status) => transfer_ended(status).detail(match status {
                events::TransferStatus::Accepted => "It was accepted.",
                events::TransferStatus::Declined => "It was declined.",
                events::TransferStatus::Expired => "It was not accepted in time.",
                events::TransferStatus::Cancelled | events::TransferStatus::Offered => {
                    "It was taken back, or the ticket cannot be used any more."
                }
            }),
            AnswerError::SecondFactorRequired => Self::new(
                StatusCode::FORBIDDEN,
                "second-factor-required",
                "The seller requires a second factor",
            )
            .detail(error),
            AnswerError::AccountClosing(error) => error.into(),
            AnswerError::Database(error) => error.into(),
        }
    }
}
