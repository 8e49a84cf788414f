//! The personal data that this service stores about a user.

use input::Query;
use pagination::{Cursor, CursorScope, Limit};
use personal_data::{Activity, ActivityPosition, activity, end_of_page};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json, types::Example};
use problem::problem_responses;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use token::SignedIn;
use values::{OrderId, RefundId, UserId};

use super::{
    app::{App, Tag},
    views::{OrderView, RefundView},
};
use crate::{
    domain::{Order, Refund},
    store,
};

/// The operation that exports personal data.
#[derive(Debug)]
pub struct PersonalDataApi;

/// A position in the lists of an export, in their order. Each begins with the first item unless there is one that it follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Position {
    Orders(Option<OrderId>),
    Refunds(Option<(OrderId, RefundId)>),
    SalesRefunds(Option<RefundId>),
    Activity(Option<ActivityPosition>),
}

/// A page of the personal data that the order service stores about a user.
#[derive(Default, Object)]
#[oai(rename = "OrderPersonalData", rename_all = "camelCase", example)]
struct OrderData {
    /// Your orders, the newest first.
    #[oai(validator(max_items = "100"))]
    orders: Vec<OrderView>,
    /// The refunds of your orders, by order, the newest first.
    #[oai(validator(max_items = "100"))]
    refunds: Vec<RefundView>,
    /// The refunds of your sales that you have requested, the newest first.
    #[oai(validator(max_items = "100"))]
    sales_refunds: Vec<RefundView>,
    /// Entries of the audit log, by action and time.
    #[oai(validator(max_items = "100"))]
    activity: Vec<Activity>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl Example for OrderData {
    fn example() -> Self {
        Self {
            orders: vec![OrderView::example()],
            refunds: vec![RefundView::example()],
            sales_refunds: Vec::new(),
            activity: vec![Activity::example()],
            next_cursor: None,
        }
    }
}

problem_responses! {
    /// Why personal data is not exported.
    GetPersonalDataProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another user; the response names it.",
    }
}

#[OpenApi(prefix_path = "/api/v1/orders", tag = "Tag::Orders")]
impl PersonalDataApi {
    /// Get your personal data in this service
    ///
    /// In pages: each has items of one list. The lists follow each other until `nextCursor` is `null`. The orders of your
    /// listings are their buyers' data; `listSales` has them.
    #[oai(path = "/personal-data", method = "get", operation_id = "getOrderPersonalData")]
    async fn get_personal_data(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The maximum number of items.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<Position>>>,
    ) -> Result<Json<OrderData>, GetPersonalDataProblem> {
        let (user, limit) = (user.user_id, limit.0);
        let scope = CursorScope::new("getOrderPersonalData", &user);
        let position = scope.position(cursor.0)?.unwrap_or(Position::Orders(None));
        let read = move |conn: &Connection| {
            let mut data = OrderData::default();
            let next = data.add(conn, user, position, limit)?;
            data.next_cursor = next.map(|next| scope.cursor(next));
            Ok::<_, db::Error>(data)
        };
        Ok(Json(app.db.read(read).await?))
    }
}

impl OrderData {
    /// Adds the items that begin at a position. Returns the position of the next page.
    fn add(
        &mut self,
        conn: &Connection,
        user: UserId,
        position: Position,
        limit: Limit,
    ) -> Result<Option<Position>, db::Error> {
        let views = |refunds: Vec<Refund>| refunds.into_iter().map(RefundView::from).collect();
        Ok(match position {
            Position::Orders(before) => {
                let mut orders = store::orders_of_buyer(conn, user, None, before, limit.rows())?;
                let position = |order: &Order| Position::Orders(Some(order.id()));
                let next = end_of_page(&mut orders, limit, position, Some(Position::Refunds(None)));
                self.orders = orders.into_iter().map(OrderView::from).collect();
                next
            }
            Position::Refunds(before) => {
                let mut refunds = store::refunds_of_buyer(conn, user, before, limit.items() + 1)?;
                let position = |refund: &Refund| Position::Refunds(Some((refund.state().order_id, refund.id())));
                let next = end_of_page(&mut refunds, limit, position, Some(Position::SalesRefunds(None)));
                self.refunds = views(refunds);
                next
            }
            Position::SalesRefunds(before) => {
                let mut refunds = store::refunds_by_seller(conn, user, before, limit.rows())?;
                let position = |refund: &Refund| Position::SalesRefunds(Some(refund.id()));
                let next = end_of_page(&mut refunds, limit, position, Some(Position::Activity(None)));
                self.sales_refunds = views(refunds);
                next
            }
            Position::Activity(after) => {
                let (items, next) = activity(conn, user, after.as_ref(), limit)?;
                self.activity = items;
                next.map(|next| Position::Activity(Some(next)))
            }
        })
    }
}
