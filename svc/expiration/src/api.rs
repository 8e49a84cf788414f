use std::time::Duration;

use db::Db;
use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, Tags, param::Path, payload::Json, types::Example};
use problem::Problem;
use token::SignedIn;
use values::{Clock, OrderId, Timestamp};

use crate::{
    store,
    timer::{self, Timer},
};

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
}

/// The HTTP operations of the expiration service.
#[derive(Debug)]
pub struct Api;

#[derive(Tags)]
enum Tag {
    /// The time that an order has.
    Expirations,
}

#[OpenApi(prefix_path = "/api/v1/expirations", tag = "Tag::Expirations")]
impl Api {
    /// The deadline of one of your orders
    ///
    /// An order that was placed a moment ago is waited for.
    #[oai(path = "/:orderId", method = "get", operation_id = "getExpiration")]
    async fn get_expiration(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The order.
        #[oai(name = "orderId")]
        order_id: Path<OrderId>,
    ) -> Result<Found, GetExpirationProblem> {
        let id = order_id.0;
        chassis::wait_for_replication(&app.db, id.is_recent(app.clock.now()), move |conn| {
            store::find(conn, id)
        })
        .await?;
        let timer = app.db.read(move |conn| store::find(conn, id)).await?;
        let own = timer.filter(|timer| timer.buyer_id == buyer.user_id);
        let timer = own.ok_or_else(|| Problem::not_found("You have no such order."))?;
        Ok(Found::Ok(Json(timer.into())))
    }
}

#[derive(ApiResponse)]
enum Found {
    /// The deadline, and what became of it.
    #[oai(status = 200)]
    Ok(Json<Expiration>),
}

problem::statuses! {
    /// Why an order's deadline is not told.
    pub(crate) GetExpirationProblem {
        404 => "You have no such order.",
    }
}

/// The time that an order has.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
struct Expiration {
    /// The order.
    order_id: OrderId,
    /// Until when the order is to be paid.
    deadline: Timestamp,
    /// What became of the deadline.
    state: ExpirationState,
    /// The status of the order that stopped its time; only with `stopped`.
    #[oai(skip_serializing_if_is_none)]
    stopped_by: Option<StoppedBy>,
}

/// What became of a deadline: `pending` while the order can still be paid; `expired` once it has passed; `stopped` when
/// the order can no longer expire, because it was paid, is being paid, or was cancelled for another reason.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum ExpirationState {
    Pending,
    Expired,
    Stopped,
}

/// The status of an order that can no longer expire.
#[derive(Enum)]
enum StoppedBy {
    #[oai(rename = "awaiting:payment")]
    AwaitingPayment,
    #[oai(rename = "complete")]
    Complete,
    #[oai(rename = "cancelled")]
    Cancelled,
}

impl From<Timer> for Expiration {
    fn from(timer: Timer) -> Self {
        let (state, stopped_by) = match timer.state {
            timer::State::Pending => (ExpirationState::Pending, None),
            timer::State::Expired => (ExpirationState::Expired, None),
            timer::State::Stopped(by) => (ExpirationState::Stopped, Some(by.into())),
        };
        Self {
            order_id: timer.order_id,
            deadline: timer.deadline,
            state,
            stopped_by,
        }
    }
}

impl From<timer::StoppedBy> for StoppedBy {
    fn from(by: timer::StoppedBy) -> Self {
        match by {
            timer::StoppedBy::AwaitingPayment => Self::AwaitingPayment,
            timer::StoppedBy::Complete => Self::Complete,
            timer::StoppedBy::Cancelled => Self::Cancelled,
        }
    }
}

impl Example for Expiration {
    fn example() -> Self {
        let placed = Timestamp::from_millis(1_811_878_200_000);
        Self {
            // The same in every run: the document is compared with the committed one.
            order_id: "01a5dc5b-42c0-7c3e-9d2b-4f6a8b0c2d4e"
                .parse()
                .unwrap_or_else(|_| OrderId::new(placed)),
            deadline: placed + Duration::from_mins(15),
            state: ExpirationState::Pending,
            stopped_by: None,
        }
    }
}
