//! A copy of the database of any age, and the journal, make the whole.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use chassis::Service;
use db::Db;
use events::{Dispute, DisputeStatus, Expiration, Payment, PaymentStatus, RefundOutcome, RefundStatus, Reversal};
use proptest::{prelude::*, sample::Index, test_runner::TestCaseError};
use rusqlite::types::Value;
use values::UserId;

use super::*;
use crate::{
    Orders,
    events::consume,
    test_support::{EXTENSION, noon},
    use_cases::{
        DecideRefund, PlaceOrder, RequestRefund, cancel_order, decide_refund, place_order, refund_withdrawn_sales,
        request_refund,
    },
};

/// A database, and what everybody has said so far.
struct World {
    db: Db,
    folder: tempfile::TempDir,
    now: Timestamp,
    listings: Vec<Ticket>,
    orders: Vec<Order>,
    payments: HashMap<String, PaymentStatus>,
    journal: Vec<Envelope>,
    published: i64,
}

/// What may happen, with what, and how many or which of several.
type Step = (u8, Index, u32);

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("order.db"), &Orders::SCHEMA).unwrap();
        Self {
            db,
            folder,
            now: noon(),
            listings: Vec::new(),
            orders: Vec::new(),
            payments: HashMap::new(),
            journal: Vec::new(),
            published: 0,
        }
    }

    async fn step(&mut self, (what, which, number): Step) {
        self.now = self.now + Duration::from_secs(1);
        match what {
            0 => self.list(number * 2).await,
            1..=4 if !self.listings.is_empty() => self.place(which, number).await,
            5 if !self.listings.is_empty() => self.change(which, number).await,
            6..=10 if !self.orders.is_empty() => self.end(what, which, number).await,
            11..=14 if !self.orders.is_empty() => self.give_back(what, which, number).await,
            15 => self
                .db
                .write({
                    let now = self.now;
                    move |tx| refund_withdrawn_sales(tx, now)
                })
                .await
                .unwrap(),
            _ => {}
        }
        self.publish().await;
    }

    async fn list(&mut self, quantity: u32) {
        let ticket = Ticket {
            id: TicketId::new(self.now),
            version: 1,
            seller_id: UserId::new(self.now),
            title: "The Lighthouse Keepers, live".to_owned(),
            price: Money {
                amount: 1999,
                currency: "usd".parse().unwrap(),
            },
            quantity,
            starts_at: None,
            order_window_seconds: None,
            withdrawn_at: None,
            refund_terms: events::RefundTerms::default(),
            record: None,
        };
        self.listings.push(ticket.clone());
        self.hear(Event::TicketCreated(ticket)).await;
    }

    async fn change(&mut self, which: Index, number: u32) {
        let (index, now) = (which.index(self.listings.len()), self.now);
        let ticket = &mut self.listings[index];
        if ticket.withdrawn_at.is_some() {
            return;
        }
        ticket.version += 1;
        match number {
            1 => ticket.withdrawn_at = Some(now),
            more => ticket.quantity = more * 3,
        }
        let ticket = ticket.clone();
        self.hear(Event::TicketUpdated(ticket)).await;
    }

    async fn place(&mut self, which: Index, quantity: u32) {
        let ticket = which.get(&self.listings);
        let now = self.now;
        let wish = PlaceOrder {
            buyer_id: UserId::new(now),
            ticket_id: ticket.id,
            quantity,
            window: Duration::from_mins(15),
        };
        self.orders
            .extend(self.db.write(move |tx| place_order(tx, now, wish)).await);
    }

    async fn end(&mut self, what: u8, which: Index, number: u32) {
        let (order, now) = (which.get(&self.orders).clone(), self.now);
        match what {
            6 => {
                let (id, buyer) = (order.id, order.buyer_id);
                let _ = self.db.write(move |tx| cancel_order(tx, now, buyer, id)).await;
            }
            7 => self.pay(&order, number == 1, PaymentStatus::Authorized).await,
            8 if number < 3 => self.pay(&order, number == 1, PaymentStatus::Captured).await,
            8 => self.pay(&order, false, PaymentStatus::Failed).await,
            10 => self.pay(&order, number == 1, PaymentStatus::Pending).await,
            _ => {
                let deadline = self.get(&order).await.expires_at;
                self.hear(Event::ExpirationCompleted(Expiration {
                    order_id: order.id,
                    version: 1,
                    deadline,
                }))
                .await;
            }
        }
    }

    /// One of two payments of an order goes on as payments go: they are authorised, then captured or failed.
    async fn pay(&mut self, order: &Order, first: bool, status: PaymentStatus) {
        let id = if first {
            order.id.to_string()
        } else {
            order.buyer_id.to_string()
        };
        let before = self.payments.get(&id).copied();
        let goes = match status {
            PaymentStatus::Pending => before.is_none(),
            PaymentStatus::Authorized => matches!(before, None | Some(PaymentStatus::Pending)),
            PaymentStatus::Failed => matches!(before, Some(PaymentStatus::Pending | PaymentStatus::Authorized)),
            _ => before == Some(PaymentStatus::Authorized),
        };
        if !goes && before != Some(status) {
            return;
        }
        self.payments.insert(id.clone(), status);
        let payment = Payment {
            id: id.parse().unwrap(),
            version: 1,
            status,
            order_id: order.id,
            buyer_id: order.buyer_id,
            amount: order.total(),
        };
        self.hear(match status {
            PaymentStatus::Pending => Event::PaymentPending(payment),
            PaymentStatus::Authorized => Event::PaymentAuthorized(payment),
            PaymentStatus::Captured => Event::PaymentCreated(payment),
            _ => Event::PaymentFailed(payment),
        })
        .await;
    }

    async fn get(&self, order: &Order) -> Order {
        let id = order.id;
        self.db.read(move |conn| store::order(conn, id)).await.unwrap().unwrap()
    }

    /// Tickets of an order go back, as its people and the payment service may have it.
    async fn give_back(&mut self, what: u8, which: Index, number: u32) {
        let order = self.get(which.get(&self.orders)).await;
        let (id, now) = (order.id, self.now);
        let refunds = self.db.read(move |conn| store::refunds_of(conn, id)).await.unwrap();
        let refund = refunds.last().cloned();
        match (what, refund) {
            (11, _) => {
                let asked = RequestRefund {
                    order_id: id,
                    by: if number == 1 { order.buyer_id } else { order.seller_id },
                    quantity: Some(1),
                    reason: Reason::parse("It rains.").unwrap(),
                };
                let _ = self.db.write(move |tx| request_refund(tx, now, asked)).await;
            }
            (12, Some(refund)) => {
                let decision = DecideRefund {
                    order_id: id,
                    refund_id: refund.id,
                    by: order.seller_id,
                    approve: number < 3,
                };
                let _ = self.db.write(move |tx| decide_refund(tx, now, decision)).await;
            }
            // What could not be paid once is not paid later.
            (13, Some(refund)) if [RefundStatus::Approved, RefundStatus::Paid].contains(&refund.status) => {
                let failure = (number == 3).then(|| "The account is closed.".to_owned());
                let answer = RefundOutcome {
                    id: refund.id,
                    amount: refund.amount,
                    failure,
                };
                self.reverse(&order, Some(answer), order.after.dispute).await;
            }
            (14, _) if order.payment_id.is_some() => {
                let status = [DisputeStatus::Open, DisputeStatus::Won, DisputeStatus::Lost];
                let dispute = Dispute {
                    status: status[usize::try_from(number - 1).unwrap()],
                    amount: order.total(),
                };
                self.reverse(&order, None, Some(dispute)).await;
            }
            _ => {}
        }
    }

    async fn reverse(&mut self, order: &Order, refund: Option<RefundOutcome>, dispute: Option<Dispute>) {
        let reversal = Reversal {
            payment: Payment {
                id: order.payment_id.unwrap(),
                version: order.after.payment_version.unwrap_or(4) + 1,
                status: PaymentStatus::Captured,
                order_id: order.id,
                buyer_id: order.buyer_id,
                amount: order.total(),
            },
            refunded_total: order.price,
            refund: refund.clone(),
            dispute,
        };
        self.hear(match refund.map(|refund| refund.failure.is_some()) {
            None => Event::PaymentDisputed(reversal),
            Some(false) => Event::PaymentRefunded(reversal),
            Some(true) => Event::PaymentRefundFailed(reversal),
        })
        .await;
    }

    /// What cannot be taken now would be parked: here it is only known.
    async fn hear(&mut self, event: Event) {
        let envelope = Envelope::new("other", self.now, event);
        self.journal.push(envelope.clone());
        let now = self.now;
        let _ = self.db.write(move |tx| consume(tx, now, &envelope, EXTENSION)).await;
    }

    /// What the outbox holds goes to the journal.
    async fn publish(&mut self) {
        let after = self.published;
        let read = move |conn: &Connection| {
            let mut rows = conn.prepare("SELECT id, body FROM outbox WHERE id > ? ORDER BY id")?;
            let rows = rows.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, db::Error>(rows.collect::<Result<Vec<(i64, String)>, _>>()?)
        };
        for (id, body) in self.db.read(read).await.unwrap() {
            self.published = id;
            self.journal.push(Envelope::parse(body.as_bytes()).unwrap());
        }
    }

    fn copy(&self) -> PathBuf {
        let copy = self.folder.path().join("copy.db");
        db::admin::backup(&self.folder.path().join("order.db"), &copy).unwrap();
        copy
    }
}

/// As [`bus::Recovery`] does it, unless it dies after so many messages.
async fn catch_up(db: &Db, journal: &[Envelope], until: usize) {
    let later = noon() + Duration::from_hours(1);
    for envelope in journal.iter().take(until) {
        let envelope = envelope.clone();
        db.write(move |tx| recover(tx, later, &envelope)).await.unwrap();
    }
    let others = journal.iter().take(until.saturating_sub(journal.len()));
    for envelope in others.filter(|envelope| envelope.source != "/ticketing/order") {
        let envelope = envelope.clone();
        let _ = db.write(move |tx| consume(tx, later, &envelope, EXTENSION)).await;
    }
}

/// Every column of every order, refund and listing.
async fn whole(db: &Db) -> Vec<Vec<Value>> {
    db.read(|conn| {
        let mut all = Vec::new();
        for sql in [
            r#"SELECT * FROM "order" ORDER BY id"#,
            "SELECT * FROM refund ORDER BY id",
            "SELECT * FROM listing ORDER BY id",
        ] {
            let mut rows = conn.prepare(sql)?;
            let columns = rows.column_count();
            let rows = rows.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
            all.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok::<_, db::Error>(all)
    })
    .await
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_backup_of_any_age_and_the_journal_make_the_whole(
        steps in prop::collection::vec((0..16_u8, any::<Index>(), 1..4_u32), 1..90),
        cut in any::<Index>(),
        death in any::<Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut world = World::new();
            let (cut, mut copy) = (cut.index(steps.len()), PathBuf::new());
            for (number, step) in steps.into_iter().enumerate() {
                if number == cut {
                    copy = world.copy();
                }
                world.step(step).await;
            }
            let restored = Db::open(&copy, &Orders::SCHEMA).unwrap();
            // It dies somewhere, and begins anew.
            let all = world.journal.len() * 2;
            catch_up(&restored, &world.journal, death.index(all + 1)).await;
            catch_up(&restored, &world.journal, all).await;
            prop_assert_eq!(whole(&restored).await, whole(&world.db).await);
            restored.close().await;
            let findings = db::admin::check(&copy, &Orders::SCHEMA, Orders::INVARIANTS).unwrap();
            prop_assert!(findings.is_empty(), "{:?}", findings);
            Ok::<_, TestCaseError>(())
        })?;
    }
}
