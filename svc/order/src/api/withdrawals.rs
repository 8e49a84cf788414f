//! The operations on withdrawals of listings.

use chassis::ClientAddress;
use poem::web::Data;
use poem_openapi::{OpenApi, param::Path, payload::Json};
use problem::problem_responses;
use token::SignedIn;
use values::{TicketId, UserId};

use super::{
    app::{App, Tag},
    views::WithdrawalView,
};
use crate::{
    store,
    use_cases::{RetryWithdrawal, RetryWithdrawalError, listing_of_seller, retry_withdrawal},
};

/// The operations on withdrawals of listings.
#[derive(Debug)]
pub struct WithdrawalsApi;

problem_responses! {
    /// Why a withdrawal is not displayed.
    GetWithdrawalProblem {
        404 => "You have no such listing.",
    }
}

problem_responses! {
    /// Why a withdrawal was not retried.
    RetryWithdrawalProblem {
        404 => "You have no such listing.",
        409 => "`ticket-not-withdrawn`: the listing is on sale. `account-closing`: you have requested the deletion of your account.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl WithdrawalsApi {
    /// Get the progress of a withdrawal
    ///
    /// When you withdraw a listing, all of its sales are refunded.
    #[oai(path = "/withdrawals/:ticketId", method = "get", operation_id = "getWithdrawal")]
    async fn get_withdrawal(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// The listing.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
    ) -> Result<Json<WithdrawalView>, GetWithdrawalProblem> {
        Ok(Json(read_withdrawal(app.0, seller.user_id, id.0).await?))
    }

    /// Retry the failed refunds of a withdrawal
    ///
    /// Of a listing that you withdrew. Sales that are refunded, or being refunded, stay as they are.
    #[oai(path = "/withdrawals/:ticketId", method = "post", operation_id = "retryWithdrawal")]
    async fn retry_withdrawal(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The listing.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
    ) -> Result<Json<WithdrawalView>, RetryWithdrawalProblem> {
        let (id, now) = (id.0, app.clock.now());
        let command = RetryWithdrawal {
            ticket_id: id,
            user_id: seller.user_id,
            client: client.0,
        };
        app.db.write(move |tx| retry_withdrawal(tx, now, command)).await?;
        Ok(Json(read_withdrawal(app.0, seller.user_id, id).await?))
    }
}

/// Reads how far the sales of a seller's own listing are refunded.
async fn read_withdrawal(app: &App, seller: UserId, id: TicketId) -> Result<WithdrawalView, RetryWithdrawalError> {
    let withdrawal = app.db.read(move |conn| {
        let listing = listing_of_seller(conn, seller, id)?;
        let progress = store::withdrawal_progress(conn, id)?;
        Ok::<_, RetryWithdrawalError>(WithdrawalView::new(id, listing.withdrawn_at, progress))
    });
    withdrawal.await
}
