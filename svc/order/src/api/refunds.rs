//! The operations on refunds.

use chassis::ClientAddress;
use idempotency::{IdempotencyKey, IdempotentRequest, StoredResponse};
use input::{Body, Header, Query, Whole};
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json, types::ToJSON};
use problem::{Problem, problem_responses};
use token::SignedIn;
use values::{OrderId, RefundId};

use super::{
    app::{App, Tag},
    views::{NewRefund, RefundListView, RefundStatusView, RefundView},
};
use crate::{
    domain::Refund,
    store,
    use_cases::{DecideRefund, RequestRefund, RequestRefundError, decide_refund, order_of_party, request_refund},
};

/// The operations on refunds.
#[derive(Debug)]
pub struct RefundsApi;

#[derive(ApiResponse)]
enum RequestRefundResponse {
    /// `requested`: the seller decides. `approved`: the money is being paid back.
    #[oai(status = 201)]
    Created(Json<RefundView>),
}

problem_responses! {
    /// Why a refund was not requested.
    RequestRefundProblem {
        404 => "You have neither bought nor sold such an order.",
        409 => "`order-not-paid`, `order-disputed` or `nothing-to-refund`. `too-many-refunds`: 100 \
                refunds of the order were declined or failed. `account-closing`: you have requested the deletion of your account. `seller-closing`: the \
                seller has done so, and decides nothing more.",
    }
}

problem_responses! {
    /// Why a refund was not decided.
    DecideRefundProblem {
        403 => "Only the seller decides, or a cookie came with a write from another site.",
        404 => "You have sold no order with such a refund.",
        409 => "`refund-decided`: it has the other decision already. `order-disputed`: it cannot be approved now. \
                `nothing-to-refund`: it cannot be approved, because the buyer's bank has taken the money back.",
    }
}

problem_responses! {
    /// Why refunds are not displayed.
    ListRefundsProblem {
        404 => "You have neither bought nor sold such an order.",
    }
}

problem_responses! {
    /// Why the refunds of a seller's sales are not displayed.
    ListSalesRefundsProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response names it.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl RefundsApi {
    /// Request a refund
    ///
    /// Of tickets that you bought: the seller decides, unless the listing guarantees refunds until later than now
    /// (`refundableUntil`). Of tickets that you sold: it is approved at once.
    #[oai(path = "/:id/refunds", method = "post", operation_id = "askRefund")]
    async fn request_refund(
        &self,
        app: Data<&App>,
        user: SignedIn,
        client: ClientAddress,
        /// The order.
        id: Path<OrderId>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<IdempotencyKey>>,
        body: Body<NewRefund>,
    ) -> Result<StoredResponse<RequestRefundResponse>, RequestRefundProblem> {
        let request = IdempotentRequest::new("askRefund", user.user_id, key.0, &(id.0, &body.0));
        let command = command(id.0, &user, client, body.0);
        let now = app.clock.now();
        let response = app.db.write(move |tx| {
            idempotency::run_once(tx, now, &request, |tx| {
                let refund = request_refund(tx, now, command)?;
                Ok(RequestRefundResponse::Created(Json(refund.into())))
            })
        });
        Ok(response.await?)
    }

    /// List the refunds of an order
    ///
    /// Of one that you bought or sold; the oldest first.
    #[oai(path = "/:id/refunds", method = "get", operation_id = "listOrderRefunds")]
    async fn list_order_refunds(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The order.
        id: Path<OrderId>,
    ) -> Result<Json<RefundListView>, ListRefundsProblem> {
        let (id, user) = (id.0, user.user_id);
        let refunds = app.db.read(move |conn| {
            let (order, _) = order_of_party(conn, user, id)?;
            Ok::<_, RequestRefundError>(store::refunds_of_order(conn, order.id())?)
        });
        let items = refunds.await?.into_iter().map(RefundView::from).collect();
        Ok(Json(RefundListView { items }))
    }

    /// List the refunds of your sales
    ///
    /// The newest first. Those with the status `requested` wait for your decision.
    #[oai(path = "/refunds", method = "get", operation_id = "listRefunds")]
    async fn list_refunds(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// Only refunds with this status.
        state: Query<Option<RefundStatusView>>,
        /// The maximum number of refunds.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<RefundId>>>,
    ) -> Result<Json<Page<RefundView>>, ListSalesRefundsProblem> {
        let scope = CursorScope::new("listRefunds", &(seller.user_id, state.0.map(|status| status.to_json())));
        let before = scope.position(cursor.0)?;
        let (status, limit) = (state.0.map(Into::into), limit.0);
        let refunds = app
            .db
            .read(move |conn| store::refunds_of_seller(conn, seller.user_id, status, before, limit.rows()));
        Ok(Json(Page::from_rows(
            refunds.await?,
            &scope,
            limit,
            Refund::id,
            Into::into,
        )))
    }

    /// Approve a refund
    ///
    /// Of tickets that you sold. Approving it again changes nothing, also after it is paid or failed.
    #[oai(
        path = "/:id/refunds/:refundId/approve",
        method = "post",
        operation_id = "approveRefund"
    )]
    async fn approve_refund(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The order.
        id: Path<OrderId>,
        /// The refund.
        #[oai(name = "refundId")]
        refund_id: Path<RefundId>,
    ) -> Result<Json<RefundView>, DecideRefundProblem> {
        Ok(decide(app.0, (&seller, client), (id.0, refund_id.0), true).await?)
    }

    /// Decline a refund
    ///
    /// Of tickets that you sold. Declining it again changes nothing.
    #[oai(
        path = "/:id/refunds/:refundId/decline",
        method = "post",
        operation_id = "declineRefund"
    )]
    async fn decline_refund(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        client: ClientAddress,
        /// The order.
        id: Path<OrderId>,
        /// The refund.
        #[oai(name = "refundId")]
        refund_id: Path<RefundId>,
    ) -> Result<Json<RefundView>, DecideRefundProblem> {
        Ok(decide(app.0, (&seller, client), (id.0, refund_id.0), false).await?)
    }
}

fn command(order_id: OrderId, user: &SignedIn, client: ClientAddress, body: NewRefund) -> RequestRefund {
    RequestRefund {
        order_id,
        user_id: user.user_id,
        client: client.0,
        quantity: body.quantity.map(Whole::get),
        reason: body.reason.and_then(|reason| reason.0),
    }
}

async fn decide(
    app: &App,
    (seller, client): (&SignedIn, ClientAddress),
    (order_id, refund_id): (OrderId, RefundId),
    approve: bool,
) -> Result<Json<RefundView>, Problem> {
    let now = app.clock.now();
    let command = DecideRefund {
        order_id,
        refund_id,
        user_id: seller.user_id,
        client: client.0,
        approve,
    };
    let refund = app.db.write(move |tx| decide_refund(tx, now, command)).await?;
    Ok(Json(refund.into()))
}
