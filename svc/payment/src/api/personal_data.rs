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
use values::{PaymentId, UserId};

use super::{
    app::{App, Tag},
    ledger_view::{BalanceView, CurrencyBalanceView, LedgerLineView, PayoutView},
    payment_view::PaymentView,
};
use crate::{
    domain::{Payment, PaymentMethod},
    store,
};

/// The operation that exports personal data.
#[derive(Debug)]
pub struct PersonalDataApi;

/// A position in the lists of an export, in their order. Each begins with the first item unless there is one that it follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Position {
    Payments(Option<PaymentId>),
    Ledger(Option<i64>),
    Payouts(Option<i64>),
    Activity(Option<ActivityPosition>),
}

/// A page of the personal data that the payment service stores about a user.
#[derive(Object)]
#[oai(rename = "PaymentPersonalData", rename_all = "camelCase", example)]
struct PaymentData {
    /// Your balance as a seller.
    balance: BalanceView,
    /// Your payments, the newest first.
    #[oai(validator(max_items = "100"))]
    payments: Vec<OwnPayment>,
    /// The changes of your balance, the newest first.
    #[oai(validator(max_items = "100"))]
    ledger: Vec<LedgerLineView>,
    /// What the marketplace has paid to you, the newest first.
    #[oai(validator(max_items = "100"))]
    payouts: Vec<PayoutView>,
    /// Entries of the audit log, by action and time.
    #[oai(validator(max_items = "100"))]
    activity: Vec<Activity>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

/// A payment of the user.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct OwnPayment {
    payment: PaymentView,
    /// Stripe's payment intent. Stripe has the rest: the card and its owner.
    #[oai(skip_serializing_if_is_none)]
    stripe_intent: Option<String>,
    /// Stripe's token of the card, if it was sent with the payment.
    #[oai(skip_serializing_if_is_none)]
    stripe_token: Option<String>,
    /// Where the bank's page has sent the browser.
    #[oai(skip_serializing_if_is_none)]
    return_url: Option<String>,
}

impl Example for PaymentData {
    fn example() -> Self {
        Self {
            balance: BalanceView::example(),
            payments: vec![OwnPayment {
                payment: PaymentView::example(),
                stripe_intent: Some("pi_3MtwBwLkdIwHu7ix28a3tqPa".to_owned()),
                stripe_token: None,
                return_url: None,
            }],
            ledger: vec![LedgerLineView::example()],
            payouts: vec![PayoutView::example()],
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

#[OpenApi(prefix_path = "/api/v1/payments", tag = "Tag::Payments")]
impl PersonalDataApi {
    /// Get your personal data in this service
    ///
    /// In pages: each has your balance, and items of one list. The lists follow each other until `nextCursor` is `null`. Cards and
    /// their owners are stored by Stripe alone.
    #[oai(path = "/personal-data", method = "get", operation_id = "getPaymentPersonalData")]
    async fn get_personal_data(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The maximum number of items.
        limit: Query<Limit>,
        /// The `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<Position>>>,
    ) -> Result<Json<PaymentData>, GetPersonalDataProblem> {
        let (user, limit) = (user.user_id, limit.0);
        let scope = CursorScope::new("getPaymentPersonalData", &user);
        let position = scope.position(cursor.0)?.unwrap_or(Position::Payments(None));
        let read = move |conn: &Connection| {
            let balances = store::seller_balances(conn, user)?;
            let mut data = PaymentData {
                balance: BalanceView {
                    currencies: balances.into_iter().map(CurrencyBalanceView::new).collect(),
                },
                payments: Vec::new(),
                ledger: Vec::new(),
                payouts: Vec::new(),
                activity: Vec::new(),
                next_cursor: None,
            };
            let next = data.add(conn, user, position, limit)?;
            data.next_cursor = next.map(|next| scope.cursor(next));
            Ok::<_, db::Error>(data)
        };
        Ok(Json(app.db.read(read).await?))
    }
}

impl PaymentData {
    /// Adds the items that begin at a position. Returns the position of the next page.
    fn add(
        &mut self,
        conn: &Connection,
        user: UserId,
        position: Position,
        limit: Limit,
    ) -> Result<Option<Position>, db::Error> {
        Ok(match position {
            Position::Payments(before) => {
                let mut payments = store::payments_of_buyer(conn, user, None, before, limit.rows())?;
                let position = |payment: &Payment| Position::Payments(Some(payment.id()));
                let next = end_of_page(&mut payments, limit, position, Some(Position::Ledger(None)));
                for payment in &payments {
                    self.payments.push(own_payment(conn, payment)?);
                }
                next
            }
            Position::Ledger(before) => {
                let mut rows = store::ledger_rows(conn, user, before, limit.rows())?;
                let position = |row: &store::LedgerRow| Position::Ledger(Some(row.id));
                let next = end_of_page(&mut rows, limit, position, Some(Position::Payouts(None)));
                self.ledger = rows.into_iter().map(LedgerLineView::new).collect();
                next
            }
            Position::Payouts(before) => {
                let mut rows = store::payouts_of_seller(conn, user, before, limit.rows())?;
                let position = |row: &store::PayoutRow| Position::Payouts(Some(row.id));
                let next = end_of_page(&mut rows, limit, position, Some(Position::Activity(None)));
                self.payouts = rows.into_iter().map(PayoutView::new).collect();
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

fn own_payment(conn: &Connection, payment: &Payment) -> Result<OwnPayment, db::Error> {
    let view = PaymentView::without_secrets(payment, &store::refund_summary(conn, payment.id())?);
    let state = payment.state();
    let (stripe_token, return_url) = match &state.method {
        PaymentMethod::Card { token, return_url } => (Some(token.as_str().to_owned()), return_url.clone()),
        PaymentMethod::Browser => (None, None),
    };
    Ok(OwnPayment {
        payment: view,
        stripe_intent: state.intent_id.as_ref().map(ToString::to_string),
        stripe_token,
        return_url,
    })
}
