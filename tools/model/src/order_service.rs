//! The order service.

use db::Tx;
use events::{Envelope, Event, Expiration, Ticket, examples};
use rusqlite::{OptionalExtension, types::FromSql};
use values::Timestamp;

use crate::{
    database::StableIds,
    ids,
    messages::{MessageId, Messages},
    service_model::{ModelledService, StepError},
};

/// The price of a ticket, in minor units.
pub(crate) const PRICE: i64 = 1999;
/// The total of an order of two tickets.
pub(crate) const TOTAL: i64 = 2 * PRICE;

pub(crate) struct Orders;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum OrderStep {
    /// The seller creates the listing.
    CreateListing,
    WithdrawListing,
    PlaceOrder,
    Consume(MessageId),
    /// The expiration service reports that this deadline has passed.
    DeadlinePassed {
        deadline: Timestamp,
    },
    Cancel,
    RequestRefund {
        by_seller: bool,
        quantity: Option<u32>,
    },
    DecideRefund {
        refund: u8,
        approve: bool,
    },
    /// The seller of a withdrawn listing starts its refunds again.
    RetryWithdrawal,
    /// The job that refunds the sales of a withdrawn listing.
    RunWithdrawalJob,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct OrderView {
    /// The status as text; empty if there is no order yet.
    pub(crate) status: String,
    pub(crate) version: i64,
    pub(crate) payment: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) extended: bool,
    pub(crate) refunded: i64,
    /// The newest consumed version of its payment.
    pub(crate) payment_version: i64,
    pub(crate) refunds: Vec<RefundView>,
    /// Whether the withdrawal job has work.
    pub(crate) has_withdrawal_work: bool,
    pub(crate) withdrawn: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RefundView {
    /// The status as text.
    pub(crate) status: String,
    /// The newest consumed version of the payment that concerns the refund.
    pub(crate) payment_version: i64,
}

impl OrderView {
    pub(crate) fn is_paid_with(&self, payment: usize) -> bool {
        ["awaiting:payment", "complete"].contains(&self.status.as_str())
            && self.payment.as_deref() == Some(ids::PAYMENTS[payment])
    }
}

fn listing(withdrawn: bool) -> Ticket {
    Ticket {
        id: ids::ticket(),
        version: if withdrawn { 2 } else { 1 },
        seller_id: ids::seller(),
        title: "Opera".to_owned(),
        price: examples::usd(PRICE),
        quantity: 2,
        withdrawn_at: withdrawn.then_some(ids::START),
        ..examples::ticket(ids::START)
    }
}

/// Maps a refusal by the service, which is `false`, to an error.
pub(crate) fn accepted(is_accepted: bool) -> Result<(), StepError> {
    if is_accepted { Ok(()) } else { Err(StepError::Refused) }
}

pub(crate) fn query_value<T: FromSql>(tx: &Tx, sql: &str) -> Option<T> {
    tx.prepare_cached(sql)
        .unwrap()
        .query_row([], |row| row.get(0))
        .optional()
        .unwrap()
}

pub(crate) fn defect(error: impl std::fmt::Display) -> StepError {
    StepError::Defect(error.to_string())
}

impl ModelledService for Orders {
    type Service = order::Orders;
    type Step = OrderStep;
    type Output = ();
    type View = OrderView;

    const TABLES: &'static [&'static str] = &["listing", "order", "refund", "withdrawal"];
    const IGNORED_TABLES: &'static [&'static str] = &[
        "outbox",
        "idempotency",
        "readable_since",
        "audit",
        "audit_counts",
        "audit_retention",
        "tally",
        // Triggers maintain them.
        "buyer_open_orders",
        "buyer_tickets",
        // No step closes an account.
        "account_closure",
        "denied_tokens",
    ];
    const TRIGGER_COLUMNS: &'static [&'static str] = &["claimed_quantity"];
    const STABLE_IDS: &'static [(&'static str, &'static [&'static str])] =
        &[("order", &[ids::ORDER]), ("refund", &ids::REFUNDS)];

    fn run(tx: &Tx, step: &OrderStep, messages: &Messages) -> Result<Option<()>, StepError> {
        use order::model;
        // The order service compares deadlines, and never reads the clock.
        let now = ids::START;
        let consume = |event: Event| {
            let envelope = Envelope::new("model", now, event);
            model::consume_event(tx, now, &envelope, ids::EXTENSION).map_err(defect)
        };
        match *step {
            OrderStep::CreateListing => consume(Event::TicketCreated(listing(false)))?,
            OrderStep::WithdrawListing => consume(Event::TicketUpdated(listing(true)))?,
            OrderStep::PlaceOrder => {
                accepted(model::place_order(
                    tx,
                    now,
                    ids::buyer(),
                    ids::ticket(),
                    2,
                    ids::ORDER_WINDOW,
                ))?;
            }
            OrderStep::Consume(id) => {
                let message = messages.get(id);
                model::consume_event(tx, now, &message.envelope, ids::EXTENSION).map_err(defect)?;
            }
            OrderStep::DeadlinePassed { deadline } => consume(Event::ExpirationCompleted(Expiration {
                order_id: ids::order(),
                version: 1,
                deadline,
            }))?,
            OrderStep::Cancel => accepted(model::cancel_order(tx, now, ids::buyer(), ids::order()))?,
            OrderStep::RequestRefund { by_seller, quantity } => {
                let by = if by_seller { ids::seller() } else { ids::buyer() };
                accepted(model::request_refund(tx, now, by, ids::order(), quantity))?;
            }
            OrderStep::DecideRefund { refund, approve } => {
                let refund = ids::refund(refund.into());
                accepted(model::decide_refund(
                    tx,
                    now,
                    ids::seller(),
                    ids::order(),
                    refund,
                    approve,
                ))?;
            }
            OrderStep::RetryWithdrawal => accepted(model::retry_withdrawal(tx, now, ids::ticket(), ids::seller()))?,
            OrderStep::RunWithdrawalJob => model::continue_withdrawal(tx, now).map_err(defect)?,
        }
        Ok(None)
    }

    fn view(tx: &Tx, _ids: &StableIds) -> OrderView {
        let mut refunds = tx
            .prepare_cached("SELECT status, coalesce(payment_version, 0) FROM refund ORDER BY created_at, id")
            .unwrap();
        let refunds = refunds.query_map([], |row| {
            Ok(RefundView {
                status: row.get(0)?,
                payment_version: row.get(1)?,
            })
        });
        let order = tx
            .prepare_cached(
                r#"SELECT status, version, payment_id, expires_at, extended_at IS NOT NULL, refunded_amount,
                       coalesce(payment_version, 0)
                   FROM "order""#,
            )
            .unwrap()
            .query_row([], |row| {
                Ok(OrderView {
                    status: row.get(0)?,
                    version: row.get(1)?,
                    payment: row.get(2)?,
                    expires_at: row.get(3)?,
                    extended: row.get(4)?,
                    refunded: row.get(5)?,
                    payment_version: row.get(6)?,
                    ..OrderView::default()
                })
            });
        OrderView {
            refunds: refunds.unwrap().map(Result::unwrap).collect(),
            has_withdrawal_work: query_value(tx, "SELECT count(*) > 0 FROM withdrawal WHERE done = 0").unwrap(),
            withdrawn: query_value(tx, "SELECT count(*) > 0 FROM listing WHERE withdrawn_at IS NOT NULL").unwrap(),
            ..order.optional().unwrap().unwrap_or_default()
        }
    }

    fn forbidden(before: &OrderView, after: &OrderView) -> Option<&'static str> {
        let is_final = ["complete", "cancelled"].contains(&before.status.as_str());
        if is_final && (before.status != after.status || before.payment != after.payment) {
            return Some("an order has left a final state");
        }
        let is_confirmed = |view: &OrderView| view.status == "awaiting:payment";
        let is_reopened = is_confirmed(before) && after.status == "created";
        (is_reopened || (is_confirmed(before) && before.payment != after.payment))
            .then_some("a confirmed order went back")
    }
}
