//! Payments: start, list and read.

use chassis::ClientAddress;
use db::Tx;
use idempotency::{IdempotencyKey, IdempotentRequest, StoredResponse};
use input::{Body, Header, Query};
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json};
use problem::{Problem, problem_responses};
use rusqlite::Connection;
use token::SignedIn;
use values::{OrderId, PaymentId, Timestamp};

use super::{
    app::{App, Tag},
    new_payment::NewPayment,
    payment_view::PaymentView,
    problems::{RETRY_AFTER, no_result, payment_failed},
};
use crate::{
    domain::{
        CardAttempts, CardLimits, CountedNetwork, NotPayable, Payment, PaymentMethod, PaymentStatus, RefundSummary,
    },
    store,
    use_cases::{PayOrder, pay_order},
};

/// The operations on payments.
#[derive(Debug)]
pub struct PaymentsApi;

#[derive(ApiResponse)]
enum PayOrderResponse {
    /// `authorized`: the money is authorised; it is captured once the order is confirmed, else released.
    /// `requires-payment-method`, `requires-action`: the buyer has to continue with `clientSecret`; then read the payment
    /// again.
    #[oai(status = 201)]
    Created(
        Json<PaymentView>,
        /// The URL of the payment.
        #[oai(header = "Location")]
        String,
    ),
}

problem_responses! {
    /// Why an order was not paid.
    PayOrderProblem {
        402 => "The card was declined; `code` is the reason. Nothing was charged, and another card may be used.",
        404 => "You have no such order.",
        409 => "`order-being-paid`, `order-complete`, `order-expired` or `order-cancelled`: it cannot be paid now.",
        429 => "`card-attempts`: too many cards were tried for the order, by you or from your network; `code` says which. Retry \
                after `Retry-After` seconds.",
        503 => "Temporarily unavailable. If Stripe did not answer, the payment stays and is settled later: repeat the \
                request with the same key, or read the payment.",
    }
}

problem_responses! {
    /// Why payments were not returned.
    ListPaymentsProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another query; the response names it.",
    }
}

problem_responses! {
    /// Why a payment was not returned.
    GetPaymentProblem {
        404 => "You have no such payment.",
    }
}

#[OpenApi(prefix_path = "/api/v1/payments", tag = "Tag::Payments")]
impl PaymentsApi {
    /// Pay an order
    ///
    /// Authorises the order's total on the card. The order is then confirmed, and only then the money is captured: a
    /// payment that is too late costs nothing. The test cards are Stripe's, such as `tok_visa` and `tok_chargeDeclined`.
    ///
    /// Without a `token`, the payment is `requires-payment-method`: the browser continues it with `clientSecret` and
    /// Stripe's Payment Element until the order ends. A repeated request returns the same payment. A card with
    /// authentication (3-D Secure) leads to `requires-action`. The buyer may use another card until the order ends; an
    /// order has at most one live payment. The cards that may be tried in an hour are limited: for an order, for a buyer, and
    /// for a network. A declined card counts four times as much as any other attempt.
    ///
    /// A free order is `authorized` at once, with or without a `token`, and nothing is charged.
    #[oai(path = "/", method = "post", operation_id = "payOrder")]
    async fn pay_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        client: ClientAddress,
        #[oai(name = "Idempotency-Key")] key: Header<Option<IdempotencyKey>>,
        body: Body<NewPayment>,
    ) -> Result<StoredResponse<PayOrderResponse>, PayOrderProblem> {
        let request = IdempotentRequest::new("payOrder", buyer.user_id, key.0, &body.0.content());
        let networks = counted_networks(client, app.attempts.limits);
        let command = PayOrder {
            is_stripe_silent: app.settler.blocked_for().is_some(),
            ..command(&buyer, client, networks, body.0)
        };
        let (order, start_request) = (command.order_id, request.clone());
        let is_recent = order.is_recent(app.clock.now());
        chassis::wait_for_replication(&app.db, buyer.user_id, &order, is_recent, move |conn| {
            Ok::<_, db::Error>(store::order(conn, order)?.is_some())
        })
        .await?;
        let now = app.clock.now();
        let attempts = app.attempts.clone();
        let started = app
            .db
            .write(move |tx| start(tx, now, command, &start_request, &attempts));
        let id = match started.await? {
            Started::Payment(id) => id,
            Started::Response(response) => return Ok(*response),
        };
        app.settler.settle(id).await;
        let now = app.clock.now();
        let (app, blocked_for) = (app.0.clone(), app.settler.blocked_for());
        let db = app.db.clone();
        let response = db.write(move |tx| app.respond(tx, now, id, &request)).await;
        Ok(response.map_err(|problem: Problem| match blocked_for {
            Some(pause) if problem.status().is_server_error() => problem.retry_after(pause.max(RETRY_AFTER)),
            _ => problem,
        })?)
    }

    /// List your payments
    ///
    /// Newest first.
    #[oai(path = "/", method = "get", operation_id = "listPayments")]
    async fn list_payments(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// Return only payments for this order.
        #[oai(name = "orderId")]
        order_id: Query<Option<OrderId>>,
        /// The maximum number of payments.
        limit: Query<Limit>,
        /// The `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<PaymentId>>>,
    ) -> Result<Json<Page<PaymentView>>, ListPaymentsProblem> {
        let (order, limit) = (order_id.0, limit.0);
        let scope = CursorScope::new("listPayments", &(buyer.user_id, order));
        let before = scope.position(cursor.0)?;
        let rows = app.db.read(move |conn| {
            let payments = store::payments_of_buyer(conn, buyer.user_id, order, before, limit.rows())?;
            with_summaries(conn, payments)
        });
        Ok(Json(Page::from_rows(
            rows.await?,
            &scope,
            limit,
            |(payment, _)| payment.id(),
            |(payment, summary)| app.view(&payment, &summary),
        )))
    }

    /// Get one of your payments
    #[oai(path = "/:id", method = "get", operation_id = "getPayment")]
    async fn get_payment(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The id of the payment.
        id: Path<PaymentId>,
    ) -> Result<Json<PaymentView>, GetPaymentProblem> {
        let id = id.0;
        let found = app
            .db
            .read(move |conn| with_summaries(conn, store::payment(conn, id)?))
            .await?;
        let found = found.into_iter().next();
        let (payment, summary) = found.ok_or_else(|| no_such_payment(id))?;
        if payment.buyer_id() != buyer.user_id {
            return Err(no_such_payment(id).denied().into());
        }
        Ok(Json(app.view(&payment, &summary)))
    }
}

/// Returns each payment with its refund summary.
fn with_summaries(
    conn: &Connection,
    payments: impl IntoIterator<Item = Payment>,
) -> Result<Vec<(Payment, RefundSummary)>, db::Error> {
    payments
        .into_iter()
        .map(|payment| store::refund_summary(conn, payment.id()).map(|summary| (payment, summary)))
        .collect()
}

fn no_such_payment(id: PaymentId) -> Problem {
    Problem::not_found(format_args!("you have no payment {id}"))
}

/// Returns the networks that an attempt of a client is counted by.
fn counted_networks(client: ClientAddress, limits: CardLimits) -> Vec<CountedNetwork> {
    let networks = client.networks().map(|network| CountedNetwork {
        name: network.to_string().into(),
        limit: network.allowance(limits.per_network),
    });
    networks.collect()
}

fn command(buyer: &SignedIn, client: ClientAddress, networks: Vec<CountedNetwork>, body: NewPayment) -> PayOrder {
    let return_url = body.return_url.map(|url| url.0);
    let card = body.token.map(|token| PaymentMethod::Card {
        token: token.0,
        return_url,
    });
    PayOrder {
        buyer_id: buyer.user_id,
        order_id: body.order_id,
        method: card.unwrap_or(PaymentMethod::Browser),
        client: client.0,
        networks,
        is_stripe_silent: false,
    }
}

enum Started {
    /// This payment has to be settled.
    Payment(PaymentId),
    /// The request is complete.
    Response(Box<StoredResponse<PayOrderResponse>>),
}

/// Starts a payment, or returns the one that the same request started before.
fn start(
    tx: &Tx,
    now: Timestamp,
    command: PayOrder,
    request: &IdempotentRequest,
    attempts: &CardAttempts,
) -> Result<Started, Problem> {
    if let Some(response) = idempotency::replay(tx, request)? {
        return Ok(Started::Response(Box::new(response)));
    }
    if let Some(key) = request.key() {
        match store::payment_started_by(tx, command.buyer_id, key)? {
            Some((id, fingerprint)) if fingerprint == request.fingerprint() => return Ok(Started::Payment(id)),
            Some(_) => return Err(idempotency::key_reused()),
            None => {}
        }
    }
    let payment = pay_order(tx, now, command, request, attempts)?;
    Ok(Started::Payment(payment.id()))
}

impl App {
    fn view(&self, payment: &Payment, summary: &RefundSummary) -> PaymentView {
        PaymentView::new(payment, summary, self.publishable_key.as_deref())
    }

    /// Returns the response to a request to pay, from the state of its payment, and stores it for repetitions. It is not
    /// stored while Stripe's result is missing, or the payment waits for its buyer: then it has Stripe's secret.
    fn respond(
        &self,
        tx: &Tx,
        now: Timestamp,
        id: PaymentId,
        request: &IdempotentRequest,
    ) -> Result<StoredResponse<PayOrderResponse>, Problem> {
        // A concurrent request with the same key may have been faster.
        if let Some(response) = idempotency::replay(tx, request)? {
            return Ok(response);
        }
        let payment = store::payment(tx, id)?.ok_or_else(|| no_such_payment(id))?;
        let order = store::order(tx, payment.order_id())?;
        let payable = order.map_or(Ok(()), |order| order.ensure_payable(now));
        // What is not stored is derived from the payment again, a refusal as well.
        let response = StoredResponse::new(request, self.outcome(&payment, payable, now)?);
        if !payment.waits_for_buyer() {
            idempotency::store(tx, now, request, &response)?;
        }
        Ok(response)
    }

    fn outcome(
        &self,
        payment: &Payment,
        payable: Result<(), NotPayable>,
        now: Timestamp,
    ) -> Result<PayOrderResponse, Problem> {
        match (payment.status(), &payment.state().failure) {
            (PaymentStatus::Started, _) => Err(no_result(payment, now)),
            (
                PaymentStatus::RequiresPaymentMethod
                | PaymentStatus::RequiresAction
                | PaymentStatus::Authorized
                | PaymentStatus::Capturing
                | PaymentStatus::Captured,
                _,
            ) => {
                let location = format!("/api/v1/payments/{}", payment.id());
                // A new payment has no refunds.
                let view = self.view(payment, &RefundSummary::default());
                Ok(PayOrderResponse::Created(Json(view), location))
            }
            (PaymentStatus::Voiding | PaymentStatus::Voided | PaymentStatus::Failed, Some(failure)) => {
                Err(payment_failed(failure))
            }
            // Voided because the order ended, or because the buyer used another card meanwhile.
            (PaymentStatus::Voiding | PaymentStatus::Voided | PaymentStatus::Failed, None) => {
                Err(payable.err().unwrap_or(NotPayable::BeingPaid).into())
            }
        }
    }
}
