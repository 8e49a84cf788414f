//! The HTTP operations: what comes in, which use case, what goes out.

use db::Tx;
use idempotency::{Key, Request, StoredResponse};
use pagination::{Cursor, Limit, Page};
use poem::web::Data;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};
use problem::{Body, Invalid, Problem, statuses};
use rusqlite::Connection;
use token::SignedIn;
use values::{OrderId, PaymentId, Timestamp};

use super::{
    app::{App, Tag},
    payment_view::{NewPayment, PaymentView},
    problems::{ASK_AGAIN, failed, unanswered},
};
use crate::{
    domain::{Gone, Means, NotPayable, Payment, Status},
    store,
    use_cases::{Pay, PayError, pay},
};

/// The HTTP operations.
#[derive(Debug)]
pub struct PaymentsApi;

#[derive(ApiResponse)]
enum Paid {
    /// `authorized`: the bank has set the money aside; it is taken as soon as the order is confirmed, else let go.
    /// `requires-payment-method`, `requires-action`: the buyer is to go on with `clientSecret`; look at the payment again.
    #[oai(status = 201)]
    Created(
        Json<PaymentView>,
        /// Where the payment is.
        #[oai(header = "Location")]
        String,
    ),
}

statuses! {
    /// Why an order is not paid.
    PayProblem {
        402 => "The card was declined, and `code` says why: nobody is charged, and another card may do.",
        404 => "There is no such order of yours.",
        409 => "`order-being-paid`, `order-complete`, `order-expired` or `order-cancelled`: it cannot be paid now.",
        503 => "For now not possible. If Stripe does not answer, the payment stays and is settled later: ask for it again, \
                with the same key or under its id.",
    }
}

statuses! {
    /// Why a payment is not shown.
    NoSuchPayment {
        404 => "There is no such payment of yours.",
    }
}

#[OpenApi(prefix_path = "/api/v1/payments", tag = "Tag::Payments")]
impl PaymentsApi {
    /// Pay an order
    ///
    /// Sets the order's total aside on the card. The order is then confirmed, and only then the money is taken: a payment
    /// that comes too late costs nothing. Test cards are those of Stripe, such as `tok_visa` and `tok_chargeDeclined`.
    ///
    /// Without a `token` the buyer's browser goes on by itself, with `clientSecret` and Stripe's Payment Element: the
    /// payment is `requires-payment-method`, and waits until the order ends. Asked again, the same payment is answered. A
    /// card whose bank asks its owner (3-D Secure) leads to `requires-action`. Another card may be tried at any time until
    /// the order ends; of an order's payments one goes on at most.
    ///
    /// An order that costs nothing is paid by asking for it: it is `authorized` at once, with or without a `token`, and
    /// nobody is charged.
    #[oai(path = "/", method = "post", operation_id = "payOrder")]
    async fn pay_order(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        #[oai(name = "Idempotency-Key")] key: Header<Option<Key>>,
        body: Body<NewPayment>,
    ) -> Result<StoredResponse<Paid>, PayProblem> {
        let request = Request::new("payOrder", buyer.user_id, key.0, &body.0);
        let wish = parse(&buyer, &body.0)?;
        let (order, asked) = (wish.order_id, request.clone());
        chassis::wait_for_replication(&app.db, order.is_recent(app.clock.now()), move |conn| {
            store::bill(conn, order)
        })
        .await?;
        let now = app.clock.now();
        let id = match app.db.write(move |tx| begin(tx, now, wish, &asked)).await? {
            Begun::Payment(id) => id,
            Begun::Answered(answer) => return Ok(answer),
        };
        app.settler.settle(id).await;
        let now = app.clock.now();
        let (app, rests) = (app.0.clone(), app.settler.rests_for());
        let answered = app.db.clone().write(move |tx| app.answer(tx, now, id, &request)).await;
        Ok(answered.map_err(|problem: Problem| match rests {
            Some(rest) if problem.status().is_server_error() => problem.retry_after(rest.max(ASK_AGAIN)),
            _ => problem,
        })?)
    }

    /// List your payments
    ///
    /// The newest first.
    #[oai(path = "/", method = "get", operation_id = "listPayments")]
    async fn list_payments(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// Only payments for this order.
        #[oai(name = "orderId")]
        order_id: Query<Option<OrderId>>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// Where the list goes on: `nextCursor` of the page before.
        cursor: Query<Option<Cursor<PaymentId>>>,
    ) -> Result<Json<Page<PaymentView>>, poem::Error> {
        let (order, limit) = (order_id.0, limit.0.unwrap_or_default());
        let before = cursor.0.map(|cursor| cursor.0);
        let rows = app
            .db
            .read(move |conn| with_gone(conn, store::of_buyer(conn, buyer.user_id, order, before, limit.rows())?));
        let rows = rows.await.map_err(Problem::from)?;
        Ok(Json(Page::cut(
            rows,
            limit,
            |(payment, _)| payment.id,
            |(payment, gone)| app.view(payment).with(&gone),
        )))
    }

    /// Look at one of your payments
    #[oai(path = "/:id", method = "get", operation_id = "getPayment")]
    async fn get_payment(
        &self,
        app: Data<&App>,
        buyer: SignedIn,
        /// The payment.
        id: Path<PaymentId>,
    ) -> Result<Json<PaymentView>, NoSuchPayment> {
        let id = id.0;
        let found = app
            .db
            .read(move |conn| with_gone(conn, store::payment(conn, id)?))
            .await?;
        let own = found.into_iter().find(|(payment, _)| payment.buyer_id == buyer.user_id);
        let (payment, gone) = own.ok_or_else(|| Problem::not_found(format_args!("you have no payment {id}")))?;
        Ok(Json(app.view(payment).with(&gone)))
    }
}

/// Payments, each with what of its money is gone.
fn with_gone(
    conn: &Connection,
    payments: impl IntoIterator<Item = Payment>,
) -> Result<Vec<(Payment, Gone)>, db::Error> {
    let gone = |payment: Payment| store::gone(conn, payment.id).map(|gone| (payment, gone));
    payments.into_iter().map(gone).collect()
}

fn parse(buyer: &SignedIn, body: &NewPayment) -> Result<Pay, Problem> {
    let mut invalid = Invalid::new();
    let return_url = body.return_url.as_deref().map(return_url).transpose();
    let return_url = invalid.field("returnUrl", return_url).flatten();
    let with = if let Some(token) = &body.token {
        invalid
            .field("token", token.parse())
            .map(|token| Means::Card { token, return_url })
    } else {
        if return_url.is_some() {
            invalid.add("returnUrl", "is for a token; in a browser, Stripe.js is told");
        }
        Some(Means::Browser)
    };
    Ok(Pay {
        buyer_id: buyer.user_id,
        order_id: body.order_id,
        with: invalid.finish(with)?,
    })
}

/// An address that a bank may send a browser to: encrypted, or this machine.
fn return_url(text: &str) -> Result<String, &'static str> {
    let url = url::Url::parse(text).map_err(|_| NO_RETURN)?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let fits = url.scheme() == "https" || (url.scheme() == "http" && local);
    fits.then(|| url.into()).ok_or(NO_RETURN)
}

const NO_RETURN: &str = "must be an address such as https://shop.example/paid";

enum Begun {
    /// This is to be settled, and then answered.
    Payment(PaymentId),
    /// This is the answer.
    Answered(StoredResponse<Paid>),
}

/// Begins a payment, or finds the one that the same request has begun before; or refuses, and remembers that.
fn begin(tx: &Tx, now: Timestamp, wish: Pay, request: &Request) -> Result<Begun, Problem> {
    if let Some(answer) = idempotency::replay(tx, request)? {
        return Ok(Begun::Answered(answer));
    }
    if let Some(key) = request.key() {
        match store::started_by(tx, wish.buyer_id, key)? {
            Some((id, fingerprint)) if fingerprint == request.fingerprint() => return Ok(Begun::Payment(id)),
            Some(_) => return Err(idempotency::reused()),
            None => {}
        }
    }
    match tx.attempt(|tx| pay(tx, now, wish, request))? {
        Ok(payment) => Ok(Begun::Payment(payment.id)),
        // Not kept: an order that has not arrived yet may be there the next time.
        Err(error @ PayError::NotFound(_)) => Err(error.into()),
        Err(error) => {
            let problem = Problem::from(error);
            if problem.status().is_server_error() {
                return Err(problem);
            }
            let answer = StoredResponse::render(problem);
            idempotency::store(tx, now, request, &answer)?;
            Ok(Begun::Answered(answer))
        }
    }
}

impl App {
    /// A payment as its buyer may see it.
    fn view(&self, payment: Payment) -> PaymentView {
        PaymentView::of(payment, self.publishable_key.as_deref())
    }

    /// The answer to a request by what has become of its payment. Kept, so that the same request gets the same answer for
    /// ever, unless it is that nothing is known yet.
    fn answer(
        &self,
        tx: &Tx,
        now: Timestamp,
        id: PaymentId,
        request: &Request,
    ) -> Result<StoredResponse<Paid>, Problem> {
        // Another request with the same key may have been faster.
        if let Some(answer) = idempotency::replay(tx, request)? {
            return Ok(answer);
        }
        let payment =
            store::payment(tx, id)?.ok_or_else(|| Problem::not_found(format_args!("you have no payment {id}")))?;
        let bill = store::bill(tx, payment.order_id)?;
        let still_payable = bill.map_or(Ok(()), |bill| bill.payable(now));
        let answer = match self.outcome(payment, still_payable) {
            Ok(paid) => StoredResponse::render(paid),
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => StoredResponse::render(problem),
        };
        idempotency::store(tx, now, request, &answer)?;
        Ok(answer)
    }

    fn outcome(&self, payment: Payment, still_payable: Result<(), NotPayable>) -> Result<Paid, Problem> {
        match (payment.status, &payment.failure) {
            (Status::Started, _) => Err(unanswered(&payment)),
            (
                Status::RequiresPaymentMethod
                | Status::RequiresAction
                | Status::Authorized
                | Status::Capturing
                | Status::Captured,
                _,
            ) => {
                let location = format!("/api/v1/payments/{}", payment.id);
                Ok(Paid::Created(Json(self.view(payment)), location))
            }
            (Status::Voiding | Status::Voided | Status::Failed, Some(failure)) => Err(failed(failure)),
            // Let go because of the order, or because the buyer has shown another card meanwhile.
            (Status::Voiding | Status::Voided | Status::Failed, None) => {
                Err(still_payable.err().unwrap_or(NotPayable::BeingPaid).into())
            }
        }
    }
}
