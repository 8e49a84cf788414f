//! The payment service.

use db::Tx;
use payment::model::{StripeRequest, StripeResponse};
use values::Timestamp;

use crate::{
    database::{REQUEST_OFFSET_MS, StableIds, WEBHOOK_OFFSET_MS},
    ids,
    messages::{MessageId, Messages},
    order_service::{accepted, defect, query_value},
    service_model::{ModelledService, StepError},
    stripe::IntentStatus,
};

pub(crate) struct Payments;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum PaymentStep {
    Consume {
        message: MessageId,
        tick: u8,
    },
    /// The buyer starts a payment, with a card or in a browser.
    StartPayment {
        card: bool,
        tick: u8,
    },
    /// Returns the next request to Stripe.
    NextRequest {
        payment: u8,
        tick: u8,
    },
    RecordResponse {
        payment: u8,
        tick: u8,
        request: StripeRequest,
        response: StripeResponse,
    },
    /// A webhook with a present or past status of the intent.
    IntentWebhook {
        payment: u8,
        status: IntentStatus,
        during_request: bool,
    },
    /// A webhook about a refund.
    RefundWebhook {
        payment: u8,
        during_request: bool,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PaymentView {
    pub(crate) bill_version: i64,
    pub(crate) bill_status: String,
    pub(crate) payments: Vec<Attempt>,
    /// The refunds by id, with their states.
    pub(crate) refunds: Vec<(String, String)>,
    /// The sums of the ledger: from buyers, held, refunded.
    pub(crate) ledger: (i64, i64, i64),
    /// Whether captured funds are to be queried again.
    pub(crate) has_pending_query: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Attempt {
    /// The status as text.
    pub(crate) status: String,
    /// Whether the buyer can continue in a browser.
    pub(crate) has_client_secret: bool,
    /// Whether a webhook has arrived since the last request.
    pub(crate) has_unchecked_webhook: bool,
}

impl ModelledService for Payments {
    type Service = payment::Payments;
    type Step = PaymentStep;
    type Output = StripeRequest;
    type View = PaymentView;

    const TABLES: &'static [&'static str] = &["bill", "payment", "taking", "refund", "dispute", "ledger"];
    const IGNORED_TABLES: &'static [&'static str] = &[
        "outbox",
        "idempotency",
        "readable_since",
        "audit",
        "audit_counts",
        "audit_retention",
        "tally",
        "stripe_event",
        "amnesia",
        "seller_balance",
        "missing_ledger",
        "declined_charge",
        // No step closes an account or pays a seller out.
        "account_closure",
        "payout",
        "denied_tokens",
    ];
    const TRIGGER_COLUMNS: &'static [&'static str] = &["refunded"];
    const STABLE_IDS: &'static [(&'static str, &'static [&'static str])] =
        &[("payment", &ids::PAYMENTS), ("refund", &ids::DASHBOARD_REFUNDS)];

    fn run(tx: &Tx, step: &PaymentStep, messages: &Messages) -> Result<Option<StripeRequest>, StepError> {
        use payment::model;
        let time_within = |tick: u8, millis: i64| Timestamp::from_millis(ids::time_of(tick).millis() + millis);
        let webhook_time = |during_request: bool| time_within(0, if during_request { WEBHOOK_OFFSET_MS } else { 0 });
        match step {
            PaymentStep::Consume { message, tick } => {
                model::consume(tx, ids::time_of(*tick), &messages.get(*message).envelope).map_err(defect)?;
            }
            PaymentStep::StartPayment { card, tick } => {
                accepted(model::start_payment(
                    tx,
                    ids::time_of(*tick),
                    ids::buyer(),
                    ids::order(),
                    *card,
                ))?;
            }
            PaymentStep::NextRequest { payment, tick } => {
                let payment = ids::payment((*payment).into());
                let request = model::next_request(tx, ids::time_of(*tick), payment).map_err(defect)?;
                // Every earlier webhook precedes this request.
                for sql in [
                    "UPDATE payment SET told_at = ?1 WHERE id = ?2 AND told_at IS NOT NULL",
                    "UPDATE taking SET told_at = ?1 WHERE payment_id = ?2 AND told_at IS NOT NULL",
                ] {
                    tx.prepare_cached(sql).unwrap().execute((ids::START, payment)).unwrap();
                }
                return Ok(request);
            }
            PaymentStep::RecordResponse {
                payment,
                tick,
                request,
                response,
            } => {
                let payment = ids::payment((*payment).into());
                let times = (time_within(*tick, 0), time_within(0, REQUEST_OFFSET_MS));
                model::record_response(tx, times, payment, request, response).map_err(defect)?;
            }
            PaymentStep::IntentWebhook {
                payment,
                status,
                during_request,
            } => {
                let event = serde_json::json!({
                    "id": "evt_1",
                    "type": "payment_intent.processing",
                    "data": { "object": {
                        "id": format!("pi_{payment}"),
                        "status": status.as_str(),
                        "metadata": { "payment_id": ids::PAYMENTS[usize::from(*payment)] },
                    } },
                });
                model::receive_stripe_event(tx, webhook_time(*during_request), event).map_err(defect)?;
            }
            PaymentStep::RefundWebhook {
                payment,
                during_request,
            } => {
                let event = serde_json::json!({
                    "id": "evt_1",
                    "type": "charge.refunded",
                    "data": { "object": { "payment_intent": format!("pi_{payment}") } },
                });
                model::receive_stripe_event(tx, webhook_time(*during_request), event).map_err(defect)?;
            }
        }
        Ok(None)
    }

    fn view(tx: &Tx, ids: &StableIds) -> PaymentView {
        let mut payments = tx
            .prepare_cached("SELECT status, client_secret IS NOT NULL, told_at IS NOT NULL FROM payment ORDER BY id")
            .unwrap();
        let payments = payments.query_map([], |row| {
            Ok(Attempt {
                status: row.get(0)?,
                has_client_secret: row.get(1)?,
                has_unchecked_webhook: row.get(2)?,
            })
        });
        let mut refunds = tx.prepare_cached("SELECT id, state FROM refund ORDER BY id").unwrap();
        let refunds = refunds.query_map([], |row| {
            Ok((ids.replace(row.get_ref(0)?.as_str()?).to_owned(), row.get(1)?))
        });
        let ledger = tx
            .prepare_cached(
                "SELECT coalesce(sum(buyer), 0), coalesce(sum(held), 0), coalesce(sum(refunds), 0) FROM ledger",
            )
            .unwrap()
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        PaymentView {
            bill_version: query_value(tx, "SELECT version FROM bill").unwrap_or_default(),
            bill_status: query_value(tx, "SELECT status FROM bill").unwrap_or_default(),
            payments: payments.unwrap().map(Result::unwrap).collect(),
            refunds: refunds.unwrap().map(Result::unwrap).collect(),
            ledger: ledger.unwrap(),
            has_pending_query: query_value(tx, "SELECT count(*) > 0 FROM taking WHERE look_at IS NOT NULL").unwrap(),
        }
    }

    fn forbidden(before: &PaymentView, after: &PaymentView) -> Option<&'static str> {
        let went_back = before
            .payments
            .iter()
            .zip(&after.payments)
            .any(|(before, after)| before.status == "captured" && after.status != "captured");
        went_back.then_some("a captured payment went back")
    }
}
