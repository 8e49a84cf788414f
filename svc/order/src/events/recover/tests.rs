//! A backup of any age and the journal restore the whole database.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use chassis::Service;
use db::Db;
use events::{
    Dispute, DisputeStatus, Event, Expiration, Payment, PaymentStatus, RefundOutcome, RefundStatus, Reversal, examples,
};
use proptest::{prelude::*, sample::Index, test_runner::TestCaseError};
use rusqlite::types::Value;
use values::UserId;

use super::*;
use crate::{
    Orders,
    domain::{RefundReason, SeenListing},
    events::consume,
    test_support::{EXTENSION, LIMITS, noon, runtime},
    use_cases::{
        DecideRefund, PlaceOrder, RequestRefund, cancel_order, continue_withdrawal, decide_refund, place_order,
        request_refund,
    },
};

/// A database, and the journal of all events published so far.
struct Scenario {
    db: Db,
    folder: tempfile::TempDir,
    now: Timestamp,
    listings: Vec<Ticket>,
    orders: Vec<Order>,
    payments: HashMap<String, PaymentStatus>,
    journal: Vec<Envelope>,
    /// The id of the last row of the outbox in the journal.
    last_published: i64,
}

/// One step of a scenario: the kind of step, which of several listings or orders, and a number from 1 to 3.
type Step = (u8, Index, u32);

impl Scenario {
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
            last_published: 0,
        }
    }

    async fn step(&mut self, (kind, which, number): Step) {
        self.now = self.now + Duration::from_secs(1);
        match kind {
            0 => self.create_listing(number * 2).await,
            1..=4 if !self.listings.is_empty() => self.place(which, number).await,
            5 if !self.listings.is_empty() => self.update_listing(which, number).await,
            6..=10 if !self.orders.is_empty() => self.advance_order(kind, which, number).await,
            11..=14 if !self.orders.is_empty() => self.refund(kind, which, number).await,
            15 => {
                let now = self.now;
                let refunded = self.db.write(move |tx| continue_withdrawal(tx, now, None));
                refunded.await.unwrap();
            }
            _ => {}
        }
        self.publish().await;
    }

    async fn create_listing(&mut self, quantity: u32) {
        let ticket = Ticket {
            quantity,
            ..examples::ticket(self.now)
        };
        self.listings.push(ticket.clone());
        self.consume(Event::TicketCreated(ticket)).await;
    }

    async fn update_listing(&mut self, which: Index, number: u32) {
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
        self.consume(Event::TicketUpdated(ticket)).await;
    }

    async fn place(&mut self, which: Index, quantity: u32) {
        let ticket = which.get(&self.listings);
        let now = self.now;
        let command = PlaceOrder {
            buyer_id: UserId::new(now),
            ticket_id: ticket.id,
            quantity,
            has_second_factor: false,
            seen: SeenListing::default(),
        };
        self.orders
            .extend(self.db.write(move |tx| place_order(tx, now, &LIMITS, command)).await);
    }

    async fn advance_order(&mut self, kind: u8, which: Index, number: u32) {
        let (order, now) = (which.get(&self.orders).clone(), self.now);
        match kind {
            6 => {
                let (id, buyer) = (order.id(), order.state().buyer_id);
                let _ = self.db.write(move |tx| cancel_order(tx, now, buyer, id)).await;
            }
            7 => self.pay(&order, number == 1, PaymentStatus::Authorized).await,
            8 if number < 3 => self.pay(&order, number == 1, PaymentStatus::Captured).await,
            8 => self.pay(&order, false, PaymentStatus::Failed).await,
            10 => self.pay(&order, number == 1, PaymentStatus::Pending).await,
            _ => {
                let deadline = self.stored(&order).await.state().expires_at;
                self.consume(Event::ExpirationCompleted(Expiration {
                    order_id: order.id(),
                    version: 1,
                    deadline,
                }))
                .await;
            }
        }
    }

    /// Advances one of two payments of an order: a payment is authorised, then captured or failed.
    async fn pay(&mut self, order: &Order, first: bool, status: PaymentStatus) {
        let id = if first {
            order.id().to_string()
        } else {
            order.state().buyer_id.to_string()
        };
        let before = self.payments.get(&id).copied();
        let is_next = match status {
            PaymentStatus::Pending => before.is_none(),
            PaymentStatus::Authorized => matches!(before, None | Some(PaymentStatus::Pending)),
            PaymentStatus::Failed => matches!(before, Some(PaymentStatus::Pending | PaymentStatus::Authorized)),
            _ => before == Some(PaymentStatus::Authorized),
        };
        if !is_next && before != Some(status) {
            return;
        }
        self.payments.insert(id.clone(), status);
        let payment = Payment {
            id: id.parse().unwrap(),
            version: 1,
            status,
            order_id: order.id(),
            buyer_id: order.state().buyer_id,
            amount: order.total(),
        };
        self.consume(examples::payment_event(payment)).await;
    }

    async fn stored(&self, order: &Order) -> Order {
        let id = order.id();
        let order = self.db.read(move |conn| store::find_order(conn, id)).await;
        order.unwrap().unwrap()
    }

    /// Requests, decides, pays or fails a refund, or disputes the charge.
    async fn refund(&mut self, kind: u8, which: Index, number: u32) {
        let order = self.stored(which.get(&self.orders)).await;
        let (state, now) = (order.state(), self.now);
        let (order_id, seller) = (state.id, state.seller_id);
        let refunds = self.db.read(move |conn| store::refunds_of_order(conn, order_id));
        let refund = refunds.await.unwrap().pop();
        match (kind, refund) {
            (11, _) => {
                let command = RequestRefund {
                    order_id,
                    user_id: if number == 1 { state.buyer_id } else { seller },
                    client: std::net::Ipv4Addr::LOCALHOST.into(),
                    quantity: Some(1),
                    reason: RefundReason::parse("It rains.").unwrap(),
                };
                let _ = self.db.write(move |tx| request_refund(tx, now, command)).await;
            }
            (12, Some(refund)) => {
                let command = DecideRefund {
                    order_id,
                    refund_id: refund.id(),
                    user_id: seller,
                    client: std::net::Ipv4Addr::LOCALHOST.into(),
                    approve: number < 3,
                };
                let _ = self.db.write(move |tx| decide_refund(tx, now, command)).await;
            }
            // A failed refund is not paid later.
            (13, Some(refund)) if [RefundStatus::Approved, RefundStatus::Paid].contains(&refund.status()) => {
                let failure = (number == 3).then(|| "The account is closed.".to_owned());
                let outcome = RefundOutcome {
                    id: refund.id(),
                    amount: refund.state().amount,
                    failure,
                };
                self.reverse(&order, Some(outcome), state.after_sale.dispute).await;
            }
            (14, _) if state.payment_id.is_some() => {
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
        let state = order.state();
        let reversal = Reversal {
            payment: Payment {
                id: state.payment_id.unwrap(),
                version: state.after_sale.payment_version.unwrap_or(4) + 1,
                status: PaymentStatus::Captured,
                order_id: state.id,
                buyer_id: state.buyer_id,
                amount: order.total(),
            },
            refunded_total: state.price,
            refund: refund.clone(),
            dispute,
        };
        self.consume(match refund.map(|refund| refund.failure.is_some()) {
            None => Event::PaymentDisputed(reversal),
            Some(false) => Event::PaymentRefunded(reversal),
            Some(true) => Event::PaymentRefundFailed(reversal),
        })
        .await;
    }

    /// Adds an event of another service to the journal and consumes it. If that fails, it stays in the journal only.
    async fn consume(&mut self, event: Event) {
        let envelope = Envelope::new("other", self.now, event);
        self.journal.push(envelope.clone());
        let now = self.now;
        let _ = self.db.write(move |tx| consume(tx, now, &envelope, EXTENSION)).await;
    }

    /// Adds the new rows of the outbox to the journal.
    async fn publish(&mut self) {
        let after = self.last_published;
        let read = move |conn: &Connection| {
            let mut rows = conn.prepare("SELECT id, body FROM outbox WHERE id > ? ORDER BY id")?;
            let rows = rows.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, db::Error>(rows.collect::<Result<Vec<(i64, String)>, _>>()?)
        };
        for (id, body) in self.db.read(read).await.unwrap() {
            self.last_published = id;
            self.journal.push(Envelope::parse(body.as_bytes()).unwrap());
        }
    }

    fn back_up(&self) -> PathBuf {
        let backup = self.folder.path().join("copy.db");
        db::admin::backup(&self.folder.path().join("order.db"), &backup).unwrap();
        backup
    }
}

/// Recovers as [`bus::Recovery`] does, and stops after `limit` messages: first all events are recovered, then those of
/// other services are consumed.
async fn recover_from(db: &Db, journal: &[Envelope], limit: usize) {
    let later = noon() + Duration::from_hours(1);
    for envelope in journal.iter().take(limit) {
        let envelope = envelope.clone();
        db.write(move |tx| recover(tx, later, &envelope)).await.unwrap();
    }
    let consumed = journal.iter().take(limit.saturating_sub(journal.len()));
    for envelope in consumed.filter(|envelope| envelope.source != "/ticketing/order") {
        let envelope = envelope.clone();
        let _ = db.write(move |tx| consume(tx, later, &envelope, EXTENSION)).await;
    }
}

/// Returns every column of every order, refund and listing.
async fn all_rows(db: &Db) -> Vec<Vec<Value>> {
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
    fn a_backup_of_any_age_and_the_journal_restore_the_database(
        steps in prop::collection::vec((0..16_u8, any::<Index>(), 1..4_u32), 1..90),
        backup_after in any::<Index>(),
        interruption in any::<Index>(),
    ) {
        runtime().block_on(async move {
            let mut scenario = Scenario::new();
            let (backup_after, mut backup) = (backup_after.index(steps.len()), PathBuf::new());
            for (number, step) in steps.into_iter().enumerate() {
                if number == backup_after {
                    backup = scenario.back_up();
                }
                scenario.step(step).await;
            }
            let restored = Db::open(&backup, &Orders::SCHEMA).unwrap();
            // The recovery is interrupted anywhere, and starts from the beginning.
            let all = scenario.journal.len() * 2;
            recover_from(&restored, &scenario.journal, interruption.index(all + 1)).await;
            recover_from(&restored, &scenario.journal, all).await;
            prop_assert_eq!(all_rows(&restored).await, all_rows(&scenario.db).await);
            restored.close().await;
            let findings = db::admin::check(&backup, &Orders::SCHEMA, Orders::INVARIANTS).unwrap();
            prop_assert!(findings.is_empty(), "{:?}", findings);
            Ok::<_, TestCaseError>(())
        })?;
    }
}
