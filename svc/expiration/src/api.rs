use std::time::Duration;

use db::Db;
use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, Tags, param::Path, payload::Json, types::Example};
use problem::Problem;
use token::SignedIn;
use values::{Clock, OrderId, Timestamp};

use crate::{
    domain::{self, Timer, TimerState},
    store,
};

/// The state of the handlers.
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
    /// Deadlines of orders.
    Expirations,
}

#[OpenApi(prefix_path = "/api/v1/expirations", tag = "Tag::Expirations")]
impl Api {
    /// The deadline of one of your orders
    ///
    /// For a new order the request waits until the order is known, for up to three seconds.
    #[oai(path = "/:orderId", method = "get", operation_id = "getExpiration")]
    async fn get_expiration(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The order.
        #[oai(name = "orderId")]
        order_id: Path<OrderId>,
    ) -> Result<GetExpirationResponse, GetExpirationProblem> {
        let id = order_id.0;
        let is_recent = id.is_recent(app.clock.now());
        chassis::wait_for_replication(&app.db, buyer.user_id, &id, is_recent, move |conn| {
            Ok::<_, db::Error>(store::find_timer(conn, id)?.is_some())
        })
        .await?;
        let timer = app.db.read(move |conn| store::find_timer(conn, id)).await?;
        let not_found = Problem::not_found("You have no such order.");
        match timer {
            Some(timer) if timer.buyer_id() == buyer.user_id => Ok(GetExpirationResponse::Ok(Json(timer.into()))),
            Some(_) => Err(not_found.denied().into()),
            None => Err(not_found.into()),
        }
    }
}

#[derive(ApiResponse)]
enum GetExpirationResponse {
    /// The deadline and its state.
    #[oai(status = 200)]
    Ok(Json<Expiration>),
}

problem::problem_responses! {
    /// Problems of `getExpiration`.
    pub(crate) GetExpirationProblem {
        404 => "You have no such order.",
    }
}

/// The deadline of an order.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
struct Expiration {
    /// The order.
    order_id: OrderId,
    /// The time until which the order can be paid.
    deadline: Timestamp,
    /// The state of the deadline.
    state: ExpirationState,
    /// The status of the order that stopped the timer; only with `stopped`.
    #[oai(skip_serializing_if_is_none)]
    stopped_by: Option<StoppedBy>,
}

/// The state of a deadline: `pending` while the order can still be paid; `expired` once it has passed; `stopped` when
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
        let (state, stopped_by) = match timer.state() {
            TimerState::Pending => (ExpirationState::Pending, None),
            TimerState::Expired => (ExpirationState::Expired, None),
            TimerState::Stopped(by) => (ExpirationState::Stopped, Some(by.into())),
        };
        Self {
            order_id: timer.order_id(),
            deadline: timer.deadline(),
            state,
            stopped_by,
        }
    }
}

impl From<domain::StoppedBy> for StoppedBy {
    fn from(by: domain::StoppedBy) -> Self {
        match by {
            domain::StoppedBy::AwaitingPayment => Self::AwaitingPayment,
            domain::StoppedBy::Complete => Self::Complete,
            domain::StoppedBy::Cancelled => Self::Cancelled,
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
