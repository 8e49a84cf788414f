//! The HTTP operations on withdrawals.

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path, payload::Json};
use problem::statuses;
use token::SignedIn;
use values::TicketId;

use super::{
    app::{App, Tag},
    views::WithdrawalView,
};
use crate::{
    store,
    use_cases::{RetryWithdrawalError, retry_withdrawal},
};

/// The HTTP operations on withdrawals.
#[derive(Debug)]
pub struct WithdrawalsApi;

statuses! {
    /// Why nothing is refunded again.
    RetryWithdrawalProblem {
        404 => "There is no such listing of yours.",
        409 => "`ticket-not-withdrawn`: it is on sale.",
    }
}

statuses! {
    /// Why a withdrawal is not shown.
    NoSuchWithdrawal {
        404 => "There is no such listing of yours.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl WithdrawalsApi {
    /// See how far a withdrawal is
    ///
    /// When you withdraw a listing, all of its sales are refunded.
    #[oai(path = "/withdrawals/:ticketId", method = "get", operation_id = "getWithdrawal")]
    async fn withdrawal(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// The listing.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
    ) -> Result<Json<WithdrawalView>, NoSuchWithdrawal> {
        let id = id.0;
        let found = app.db.read(move |conn| {
            let listing = store::listing(conn, id)?.filter(|listing| listing.seller_id == seller.user_id);
            let progress = store::progress(conn, id)?;
            Ok::<_, db::Error>(listing.map(|listing| WithdrawalView::of(id, listing.withdrawn_at, progress)))
        });
        let found = found.await?;
        Ok(Json(found.ok_or(RetryWithdrawalError::NotFound(id))?))
    }

    /// Refund again what failed
    ///
    /// Of the sales of a listing that you withdrew. What is refunded, or being refunded, stays as it is.
    #[oai(path = "/withdrawals/:ticketId", method = "post", operation_id = "retryWithdrawal")]
    async fn retry_withdrawal(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// The listing.
        #[oai(name = "ticketId")]
        id: Path<TicketId>,
    ) -> Result<Json<WithdrawalView>, RetryWithdrawalProblem> {
        let id = id.0;
        let begun = app.db.write(move |tx| retry_withdrawal(tx, id, seller.user_id));
        let (withdrawn_at, progress) = begun.await?;
        Ok(Json(WithdrawalView::of(id, Some(withdrawn_at), progress)))
    }
}
