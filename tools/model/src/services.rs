//! The two services that are explored.

use db::Tx;
use events::{Envelope, Event, Expiration, Ticket, examples};
use payment::model::{StripeRequest, StripeResponse};
use rusqlite::{OptionalExtension, types::FromSql};
use values::Timestamp;

use crate::{
    bank::Word,
    lab::{ASKED, Actor, Failed, Mail, Names, Post, SINCE},
    names,
};

/// What two tickets cost.
pub(crate) const TOTAL: i64 = 2 * PRICE;
pub(crate) const PRICE: i64 = 1999;

pub(crate) struct Orders;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum OrderStep {
    /// Tickets are on sale.
    Listed,
    Withdrawn,
    Placed,
    Hear(Mail),
    /// The deadline that was said so has passed.
    Ring {
        deadline: Timestamp,
    },
    Cancel,
    Refund {
        by_seller: bool,
        quantity: Option<u32>,
    },
    Decide {
        refund: u8,
        approve: bool,
    },
    /// The seller of a withdrawn listing wants the job to go through its sales once more.
    Retry,
    /// The job that refunds the sales of a withdrawn listing.
    RefundWithdrawn,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct OrderView {
    /// The word for it in the database; empty as long as there is no order.
    pub(crate) status: String,
    pub(crate) version: i64,
    pub(crate) payment: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) extended: bool,
    pub(crate) refunded: i64,
    /// The newest version of its payment that was heard of.
    pub(crate) payment_version: i64,
    pub(crate) refunds: Vec<RefundView>,
    /// Whether the job has something to do.
    pub(crate) refunding: bool,
    pub(crate) withdrawn: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RefundView {
    /// The word for it in the database.
    pub(crate) status: String,
    /// The newest version of the payment that said something of it.
    pub(crate) payment_version: i64,
}

impl OrderView {
    pub(crate) fn is_paid_with(&self, payment: usize) -> bool {
        ["awaiting:payment", "complete"].contains(&self.status.as_str())
            && self.payment.as_deref() == Some(names::PAYMENTS[payment])
    }
}

fn listing(withdrawn: bool) -> Ticket {
    Ticket {
        id: names::ticket(),
        version: if withdrawn { 2 } else { 1 },
        seller_id: names::seller(),
        title: "Opera".to_owned(),
        price: examples::usd(PRICE),
        quantity: 2,
        withdrawn_at: withdrawn.then_some(names::NOON),
        ..examples::ticket(names::NOON)
    }
}

fn done(possible: bool) -> Result<(), Failed> {
    if possible { Ok(()) } else { Err(Failed::Refused) }
}

fn one<T: FromSql>(tx: &Tx, sql: &str) -> Option<T> {
    tx.prepare_cached(sql)
        .unwrap()
        .query_row([], |row| row.get(0))
        .optional()
        .unwrap()
}

fn wrong(error: impl std::fmt::Display) -> Failed {
    Failed::Wrong(error.to_string())
}

impl Actor for Orders {
    type Service = order::Orders;
    type Step = OrderStep;
    type Answer = ();
    type View = OrderView;

    const TABLES: &'static [&'static str] = &["listing", "order", "refund", "withdrawal"];
    const LEFT_OUT: &'static [&'static str] = &["outbox", "idempotency", "readable_since", "tally"];
    const KEPT: &'static [&'static str] = &["claimed_quantity"];
    const NAMES: &'static [(&'static str, &'static [&'static str])] =
        &[("order", &[names::ORDER]), ("refund", &names::REFUNDS)];

    fn run(tx: &Tx, step: &OrderStep, post: &Post) -> Result<Option<()>, Failed> {
        use order::model;
        // It looks at deadlines, never at the clock.
        let now = names::NOON;
        let hear = |event: Event| {
            let said = Envelope::new("model", now, event);
            model::consume_event(tx, now, &said, names::EXTENSION).map_err(wrong)
        };
        match *step {
            OrderStep::Listed => hear(Event::TicketCreated(listing(false)))?,
            OrderStep::Withdrawn => hear(Event::TicketUpdated(listing(true)))?,
            OrderStep::Placed => done(model::place_order(
                tx,
                now,
                names::buyer(),
                names::ticket(),
                2,
                names::WINDOW,
            ))?,
            OrderStep::Hear(mail) => {
                let letter = post.letter(mail);
                model::consume_event(tx, now, &letter.envelope, names::EXTENSION).map_err(wrong)?;
            }
            OrderStep::Ring { deadline } => hear(Event::ExpirationCompleted(Expiration {
                order_id: names::order(),
                version: 1,
                deadline,
            }))?,
            OrderStep::Cancel => done(model::cancel_order(tx, now, names::buyer(), names::order()))?,
            OrderStep::Refund { by_seller, quantity } => {
                let by = if by_seller { names::seller() } else { names::buyer() };
                done(model::request_refund(tx, now, by, names::order(), quantity))?;
            }
            OrderStep::Decide { refund, approve } => {
                let refund = names::refund(refund.into());
                done(model::decide_refund(
                    tx,
                    now,
                    names::seller(),
                    names::order(),
                    refund,
                    approve,
                ))?;
            }
            OrderStep::Retry => done(model::retry_withdrawal(tx, names::ticket(), names::seller()))?,
            OrderStep::RefundWithdrawn => model::refund_withdrawn_sales(tx, now).map_err(wrong)?,
        }
        Ok(None)
    }

    fn view(tx: &Tx, _names: &Names) -> OrderView {
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
            refunding: one(tx, "SELECT count(*) > 0 FROM withdrawal WHERE done = 0").unwrap(),
            withdrawn: one(tx, "SELECT count(*) > 0 FROM listing WHERE withdrawn_at IS NOT NULL").unwrap(),
            ..order.optional().unwrap().unwrap_or_default()
        }
    }

    fn forbidden(before: &OrderView, after: &OrderView) -> Option<&'static str> {
        let ends = ["complete", "cancelled"].contains(&before.status.as_str());
        if ends && (before.status != after.status || before.payment != after.payment) {
            return Some("an order has left a final state");
        }
        let paid = |view: &OrderView| view.status == "awaiting:payment";
        let leaves = paid(before) && after.status == "created";
        (leaves || (paid(before) && before.payment != after.payment)).then_some("a confirmed order went back")
    }
}

pub(crate) struct Payments;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum PaymentStep {
    Hear {
        mail: Mail,
        tick: u8,
    },
    Pay {
        card: bool,
        tick: u8,
    },
    /// What Stripe is to be asked.
    Ask {
        payment: u8,
        tick: u8,
    },
    WriteDown {
        payment: u8,
        tick: u8,
        question: StripeRequest,
        answer: StripeResponse,
    },
    /// Stripe tells, unasked, that the intent is or was so; `asking` says whether it is being asked just now.
    Told {
        payment: u8,
        was: Word,
        asking: bool,
    },
    /// Stripe tells, unasked, that something became of the money.
    ToldOfMoney {
        payment: u8,
        asking: bool,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PaymentView {
    pub(crate) bill_version: i64,
    pub(crate) bill_status: String,
    pub(crate) payments: Vec<Attempt>,
    /// Which refunds there are, and how they stand.
    pub(crate) refunds: Vec<(String, String)>,
    /// What stands in the books: from buyers, held, given back.
    pub(crate) books: (i64, i64, i64),
    /// Whether something is awaited of money that was taken.
    pub(crate) looks: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Attempt {
    /// The word for it in the database.
    pub(crate) status: String,
    /// Whether the buyer can go on with it in a browser.
    pub(crate) secret: bool,
    pub(crate) told: bool,
}

impl Actor for Payments {
    type Service = payment::Payments;
    type Step = PaymentStep;
    type Answer = StripeRequest;
    type View = PaymentView;

    const TABLES: &'static [&'static str] = &["bill", "payment", "taking", "refund", "dispute", "ledger"];
    const LEFT_OUT: &'static [&'static str] = &[
        "outbox",
        "idempotency",
        "readable_since",
        "tally",
        "stripe_event",
        "amnesia",
        "seller_balance",
    ];
    const KEPT: &'static [&'static str] = &["refunded"];
    const NAMES: &'static [(&'static str, &'static [&'static str])] =
        &[("payment", &names::PAYMENTS), ("refund", &names::BY_HAND)];

    fn run(tx: &Tx, step: &PaymentStep, post: &Post) -> Result<Option<StripeRequest>, Failed> {
        use payment::model;
        let within = |tick: u8, millis: i64| Timestamp::from_millis(names::at(tick).millis() + millis);
        let told = |asking: bool| within(0, if asking { SINCE } else { 0 });
        match step {
            PaymentStep::Hear { mail, tick } => {
                model::consume(tx, names::at(*tick), &post.letter(*mail).envelope).map_err(wrong)?;
            }
            PaymentStep::Pay { card, tick } => {
                done(model::start_payment(
                    tx,
                    names::at(*tick),
                    names::buyer(),
                    names::order(),
                    *card,
                ))?;
            }
            PaymentStep::Ask { payment, tick } => {
                let payment = names::payment((*payment).into());
                let question = model::next_request(tx, names::at(*tick), payment).map_err(wrong)?;
                // Whatever was told is told before this question.
                let aged = "UPDATE payment SET told_at = ?1 WHERE id = ?2 AND told_at IS NOT NULL";
                tx.prepare_cached(aged)
                    .unwrap()
                    .execute((names::NOON, payment))
                    .unwrap();
                let aged = "UPDATE taking SET told_at = ?1 WHERE payment_id = ?2 AND told_at IS NOT NULL";
                tx.prepare_cached(aged)
                    .unwrap()
                    .execute((names::NOON, payment))
                    .unwrap();
                return Ok(question);
            }
            PaymentStep::WriteDown {
                payment,
                tick,
                question,
                answer,
            } => {
                let payment = names::payment((*payment).into());
                let times = (within(*tick, 0), within(0, ASKED));
                model::record_response(tx, times, payment, question, answer).map_err(wrong)?;
            }
            PaymentStep::Told { payment, was, asking } => {
                let letter = serde_json::json!({
                    "id": "evt_1",
                    "type": "payment_intent.processing",
                    "data": { "object": {
                        "id": format!("pi_{payment}"),
                        "status": was.text(),
                        "metadata": { "payment_id": names::PAYMENTS[usize::from(*payment)] },
                    } },
                });
                model::receive_stripe_event(tx, told(*asking), letter).map_err(wrong)?;
            }
            PaymentStep::ToldOfMoney { payment, asking } => {
                let letter = serde_json::json!({
                    "id": "evt_1",
                    "type": "charge.refunded",
                    "data": { "object": { "payment_intent": format!("pi_{payment}") } },
                });
                model::receive_stripe_event(tx, told(*asking), letter).map_err(wrong)?;
            }
        }
        Ok(None)
    }

    fn view(tx: &Tx, names: &Names) -> PaymentView {
        let mut payments = tx
            .prepare_cached("SELECT status, client_secret IS NOT NULL, told_at IS NOT NULL FROM payment ORDER BY id")
            .unwrap();
        let payments = payments.query_map([], |row| {
            Ok(Attempt {
                status: row.get(0)?,
                secret: row.get(1)?,
                told: row.get(2)?,
            })
        });
        let mut refunds = tx.prepare_cached("SELECT id, state FROM refund ORDER BY id").unwrap();
        let refunds = refunds.query_map([], |row| {
            Ok((names.of(row.get_ref(0)?.as_str()?).to_owned(), row.get(1)?))
        });
        let books = tx
            .prepare_cached(
                "SELECT coalesce(sum(buyer), 0), coalesce(sum(held), 0), coalesce(sum(refunds), 0) FROM ledger",
            )
            .unwrap()
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        PaymentView {
            bill_version: one(tx, "SELECT version FROM bill").unwrap_or_default(),
            bill_status: one(tx, "SELECT status FROM bill").unwrap_or_default(),
            payments: payments.unwrap().map(Result::unwrap).collect(),
            refunds: refunds.unwrap().map(Result::unwrap).collect(),
            books: books.unwrap(),
            looks: one(tx, "SELECT count(*) > 0 FROM taking WHERE look_at IS NOT NULL").unwrap(),
        }
    }

    fn forbidden(before: &PaymentView, after: &PaymentView) -> Option<&'static str> {
        let back = before
            .payments
            .iter()
            .zip(&after.payments)
            .any(|(before, after)| before.status == "captured" && after.status != "captured");
        back.then_some("a captured payment went back")
    }
}

/// What a message is about, as far as it may be out of date.
#[derive(Debug)]
pub(crate) enum Gist {
    /// The order stands so.
    Order {
        version: i64,
    },
    /// A payment waits, or is authorised.
    UnderWay,
    /// A payment is captured, or over.
    Decided,
    Approved {
        refund: String,
    },
    /// What became of a refund of the order, by its number, or of one that somebody made by hand.
    Reversal {
        version: i64,
        refund: Option<usize>,
    },
    Other,
}

impl Gist {
    pub(crate) fn of(event: &Event) -> Self {
        if let Some(order) = event.as_order() {
            return Self::Order {
                version: order.version.cast_signed(),
            };
        }
        match event {
            Event::PaymentPending(_) | Event::PaymentAuthorized(_) => Self::UnderWay,
            Event::PaymentCreated(_) | Event::PaymentFailed(_) => Self::Decided,
            Event::RefundApproved(refund) => Self::Approved {
                refund: refund.id.to_string(),
            },
            Event::PaymentRefunded(said) | Event::PaymentRefundFailed(said) => Self::Reversal {
                version: said.payment.version.cast_signed(),
                refund: said.refund.as_ref().and_then(|refund| {
                    let id = refund.id.to_string();
                    names::REFUNDS.iter().position(|name| *name == id)
                }),
            },
            _ => Self::Other,
        }
    }

    /// Whether the message can never again make a difference to services that have come so far. Only those are
    /// forgotten that make none now.
    pub(crate) fn is_spent(&self, order: &OrderView, payment: &PaymentView) -> bool {
        match self {
            Self::Order { version } => *version <= payment.bill_version,
            Self::UnderWay => order.status != "created",
            Self::Decided => ["complete", "cancelled"].contains(&order.status.as_str()),
            Self::Approved { refund } => payment.refunds.iter().any(|(known, _)| known == refund),
            // What was paid is paid; of all else the newest version counts.
            Self::Reversal { version, refund } => {
                let knows = |refund: &RefundView| refund.status == "paid" && refund.payment_version >= *version;
                order.payment_version >= *version
                    && refund.is_none_or(|index| order.refunds.get(index).is_some_and(knows))
            }
            Self::Other => false,
        }
    }
}
