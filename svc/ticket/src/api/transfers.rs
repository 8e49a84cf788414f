//! The operations on transfers, for those who give a ticket.

use chassis::ClientAddress;
use idempotency::{IdempotencyKey, IdempotentRequest, StoredResponse};
use input::{Body, EmailAddress, Header, Text};
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json};
use problem::{Problem, problem_responses};
use token::SignedIn;
use values::AdmissionId;

use super::{
    admissions::admission_not_found,
    app::{App, Tag},
    transfer_views::TransferView,
};
use crate::{
    domain::CannotTransfer,
    use_cases::{OfferError, OfferTransfer, TakeBackError, offer_transfer, take_back_transfer},
};

/// The operations on the transfer of an admission.
#[derive(Debug)]
pub struct TransfersApi;

input::object! {
    /// Who is to have a ticket.
    pub(crate) struct NewRecipient {
        /// The recipient's address: not your own. Anyone who opens the link in the mail can accept the offer.
        email as "email": Text<EmailAddress>,
    }
    example: {"email": "grace@example.com"}
}

#[derive(ApiResponse)]
enum TransferOffered {
    /// The offer is mailed.
    #[oai(status = 201)]
    Offered(Json<TransferView>),
}

#[derive(ApiResponse)]
enum TransferTakenBack {
    /// Nobody can accept it any more.
    #[oai(status = 204)]
    TakenBack,
}

problem_responses! {
    /// Why a ticket is not offered.
    OfferTransferProblem {
        403 => "`address-not-confirmed`: confirm your email address first.",
        404 => "You hold no such admission.",
        409 => "`admission-not-valid`: it was used, or is void. `already-offered`: take the offer back first. `ticket-withdrawn`, \
                `event-begun`. `account-closing`: you have requested the deletion of your account.",
        422 => "A field is missing, unknown or invalid, the address is your own, or the idempotency key was used with another body.",
        429 => "You have offered 30 tickets within a day. Try again after `Retry-After` seconds.",
    }
}

problem_responses! {
    /// Why an offer is not taken back.
    TakeBackTransferProblem {
        404 => "You hold no such admission, or it is not offered to anybody.",
        409 => "`transfer-ended`: it was accepted.",
    }
}

#[OpenApi(prefix_path = "/api/v1/admissions", tag = "Tag::Admissions")]
impl TransfersApi {
    /// Give a ticket to somebody else
    ///
    /// Mails an offer with a link, by which a signed-in user accepts it. Until then you keep the ticket and its code; from then on your code
    /// is void, and the new holder has another one. The offer ends if it is not accepted within seven days or before the event
    /// begins, and if the ticket is used or refunded, or the listing is withdrawn: then the ticket stays yours.
    #[oai(path = "/:admissionId/transfer", method = "post", operation_id = "offerTransfer")]
    async fn offer(
        &self,
        app: Data<&App>,
        giver: SignedIn,
        client: ClientAddress,
        /// The admission.
        #[oai(name = "admissionId")]
        id: Path<AdmissionId>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<IdempotencyKey>>,
        body: Body<NewRecipient>,
    ) -> Result<StoredResponse<TransferOffered>, OfferTransferProblem> {
        if app.requires_confirmed_address {
            giver.ensure_address_confirmed()?;
        }
        let request = IdempotentRequest::new("offerTransfer", giver.user_id, key.0, &(id.0, &body.0));
        let offer = OfferTransfer {
            admission_id: id.0,
            giver: giver.user_id,
            address: body.0.email.0,
            author: client.author(giver.user_id),
        };
        let (now, codes) = (app.clock.now(), app.codes.clone());
        let work = move |tx: &db::Tx| {
            let transfer = offer_transfer(tx, now, &codes, &offer)?;
            let open = transfer
                .as_offer()
                .map(|open| TransferView::new(offer.admission_id, open));
            open.map(|view| TransferOffered::Offered(Json(view)))
                .ok_or_else(|| Problem::internal(&OfferError::AlreadyOffered))
        };
        Ok(app
            .db
            .write(move |tx| idempotency::run_once(tx, now, &request, work))
            .await?)
    }

    /// Take an offer back
    ///
    /// Nobody can accept it any more. One that has ended without being accepted is no error.
    #[oai(
        path = "/:admissionId/transfer",
        method = "delete",
        operation_id = "takeBackTransfer"
    )]
    async fn take_back(
        &self,
        app: Data<&App>,
        giver: SignedIn,
        client: ClientAddress,
        /// The admission.
        #[oai(name = "admissionId")]
        id: Path<AdmissionId>,
    ) -> Result<TransferTakenBack, TakeBackTransferProblem> {
        let (now, author) = (app.clock.now(), client.author(giver.user_id));
        app.db
            .write(move |tx| take_back_transfer(tx, now, giver.user_id, id.0, &author))
            .await
            .map_err(Problem::from)?;
        Ok(TransferTakenBack::TakenBack)
    }
}

/// Returns the problem of an offer that has ended.
pub(super) fn transfer_ended(status: events::TransferStatus) -> Problem {
    Problem::conflict("transfer-ended", "The offer has ended").code(status.as_str())
}

impl From<OfferError> for Problem {
    fn from(error: OfferError) -> Self {
        match error {
            OfferError::NotFound(id) => admission_not_found(id),
            OfferError::NotYours(id) => admission_not_found(id).denied(),
            OfferError::CannotTransfer(reason) => reason.into(),
            OfferError::AlreadyOffered => {
                Self::conflict("already-offered", "The ticket is offered already").detail("Take that offer back first.")
            }
            OfferError::AccountClosing(error) => error.into(),
            OfferError::OwnAddress => Self::invalid("email", error).code("own-address"),
            OfferError::TooMany { wait } => {
                Self::too_many_requests("You have offered many tickets within a day.", wait)
            }
            OfferError::Database(error) => error.into(),
        }
    }
}

impl From<CannotTransfer> for Problem {
    fn from(reason: CannotTransfer) -> Self {
        match reason {
            CannotTransfer::NotValid => Self::conflict("admission-not-valid", "The ticket cannot be used")
                .detail("It was used, or it is void: there is nothing to give away."),
            CannotTransfer::Withdrawn => Self::conflict("ticket-withdrawn", "The listing is withdrawn"),
            CannotTransfer::Begun => Self::conflict("event-begun", "The event has begun"),
        }
    }
}

impl From<TakeBackError> for Problem {
    fn from(error: TakeBackError) -> Self {
        match error {
            TakeBackError::NotFound(id) => admission_not_found(id),
            TakeBackError::NotYours(id) => admission_not_found(id).denied(),
            TakeBackError::NotOffered(_) => Self::not_found("The ticket is not offered to anybody."),
            TakeBackError::Accepted => {
                transfer_ended(events::TransferStatus::Accepted).detail("It was accepted: the ticket has a new holder.")
            }
            TakeBackError::Database(error) => error.into(),
        }
    }
}
