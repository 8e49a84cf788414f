//! The HTTP operations on refunds: what comes in, which use case, what goes out.

use idempotency::{Key, Request, StoredResponse};
use pagination::{Cursor, Limit, Page};
use poem::web::Data;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};
use problem::{Body, Invalid, Problem, statuses};
use token::SignedIn;
use values::{OrderId, RefundId};

use super::{
    app::{App, Tag},
    views::{NewRefund, RefundStatusView, RefundView, RefundsView},
};
use crate::{
    domain::Reason,
    store,
    use_cases::{DecideRefund, RequestRefund, RequestRefundError, decide_refund, request_refund},
};

/// The HTTP operations on refunds.
#[derive(Debug)]
pub struct RefundsApi;

#[derive(ApiResponse)]
enum Asked {
    /// `requested`: the seller decides. `approved`: it is being paid back.
    #[oai(status = 201)]
    Created(Json<RefundView>),
}

statuses! {
    /// Why there is no refund.
    AskRefundProblem {
        404 => "There is no such order that you bought or sold.",
        409 => "`order-not-paid`, `order-disputed` or `nothing-to-refund`.",
    }
}

statuses! {
    /// Why nothing was decided.
    DecideRefundProblem {
        403 => "Only the seller decides, or a cookie came with a write from another site.",
        404 => "There is no such refund of an order that you sold.",
        409 => "`refund-decided`, or `order-disputed`: it cannot be decided so any more, or not now.",
    }
}

statuses! {
    /// Why refunds are not shown.
    NoSuchRefunds {
        404 => "There is no such order that you bought or sold.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl RefundsApi {
    /// Ask for a refund
    ///
    /// Of tickets that you bought: the seller decides, unless the listing promises it until later (`refundableUntil`). Of
    /// tickets that you sold: it is approved at once.
    #[oai(path = "/:id/refunds", method = "post", operation_id = "askRefund")]
    async fn ask_refund(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The order.
        id: Path<OrderId>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<Key>>,
        body: Body<NewRefund>,
    ) -> Result<StoredResponse<Asked>, AskRefundProblem> {
        let request = Request::new("askRefund", user.user_id, key.0, &(id.0, &body.0));
        let asked = parse(id.0, &user, &body.0)?;
        let now = app.clock.now();
        let answer = app.db.write(move |tx| {
            idempotency::once(tx, now, &request, |tx| {
                let refund = request_refund(tx, now, asked)?;
                Ok(Asked::Created(Json(refund.into())))
            })
        });
        Ok(answer.await?)
    }

    /// List the refunds of an order
    ///
    /// Of one that you bought or sold; the oldest first.
    #[oai(path = "/:id/refunds", method = "get", operation_id = "listOrderRefunds")]
    async fn refunds_of_order(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The order.
        id: Path<OrderId>,
    ) -> Result<Json<RefundsView>, NoSuchRefunds> {
        let (id, user) = (id.0, user.user_id);
        let found = app.db.read(move |conn| {
            let order = store::order(conn, id)?.filter(|order| [order.buyer_id, order.seller_id].contains(&user));
            let refunds = order.map(|order| store::refunds_of(conn, order.id));
            refunds.transpose()
        });
        let found = found.await?.ok_or(RequestRefundError::NotFound(id))?;
        let items = found.into_iter().map(RefundView::from).collect();
        Ok(Json(RefundsView { items }))
    }

    /// List the refunds of what you sold
    ///
    /// The newest first. Those that wait for you are `requested`.
    #[oai(path = "/refunds", method = "get", operation_id = "listRefunds")]
    async fn refunds_of_seller(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// Only refunds that stand so.
        state: Query<Option<RefundStatusView>>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// Where the list goes on: `nextCursor` of the page before.
        cursor: Query<Option<Cursor<RefundId>>>,
    ) -> Result<Json<Page<RefundView>>, poem::Error> {
        let (status, limit) = (state.0.map(Into::into), limit.0.unwrap_or_default());
        let before = cursor.0.map(|cursor| cursor.0);
        let rows = app
            .db
            .read(move |conn| store::refunds_of_seller(conn, seller.user_id, status, before, limit.rows()));
        let rows = rows.await.map_err(Problem::from)?;
        Ok(Json(Page::cut(rows, limit, |refund| refund.id, Into::into)))
    }

    /// Approve a refund
    ///
    /// Of tickets that you sold. Approved again, nothing happens.
    #[oai(
        path = "/:id/refunds/:refundId/approve",
        method = "post",
        operation_id = "approveRefund"
    )]
    async fn approve_refund(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// The order.
        id: Path<OrderId>,
        /// The refund.
        #[oai(name = "refundId")]
        refund_id: Path<RefundId>,
    ) -> Result<Json<RefundView>, DecideRefundProblem> {
        Ok(decide(app.0, &seller, (id.0, refund_id.0), true).await?)
    }

    /// Decline a refund
    ///
    /// Of tickets that you sold. Declined again, nothing happens.
    #[oai(
        path = "/:id/refunds/:refundId/decline",
        method = "post",
        operation_id = "declineRefund"
    )]
    async fn decline_refund(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        /// The order.
        id: Path<OrderId>,
        /// The refund.
        #[oai(name = "refundId")]
        refund_id: Path<RefundId>,
    ) -> Result<Json<RefundView>, DecideRefundProblem> {
        Ok(decide(app.0, &seller, (id.0, refund_id.0), false).await?)
    }
}

fn parse(order_id: OrderId, user: &SignedIn, body: &NewRefund) -> Result<RequestRefund, Problem> {
    let mut invalid = Invalid::new();
    let quantity = match body.quantity {
        Some(0) => Err("must be at least 1"),
        quantity => Ok(quantity),
    };
    let quantity = invalid.field("quantity", quantity);
    let reason = invalid.field("reason", Reason::parse(body.reason.as_deref().unwrap_or_default()));
    let asked = quantity.zip(reason).map(|(quantity, reason)| RequestRefund {
        order_id,
        by: user.user_id,
        quantity,
        reason,
    });
    invalid.finish(asked)
}

async fn decide(
    app: &App,
    seller: &SignedIn,
    (order_id, refund_id): (OrderId, RefundId),
    approve: bool,
) -> Result<Json<RefundView>, Problem> {
    let now = app.clock.now();
    let decision = DecideRefund {
        order_id,
        refund_id,
        by: seller.user_id,
        approve,
    };
    let refund = app.db.write(move |tx| decide_refund(tx, now, decision)).await?;
    Ok(Json(refund.into()))
}
