//! What the tests of refunds and withdrawals do with a [`TestDb`].

use events::{
    Dispute, DisputeStatus, Event, Payment, PaymentStatus, RefundOutcome, RefundTerms, Reversal,
    examples::{payment_event, usd},
};
use rusqlite::Connection;
use values::{OrderId, PaymentId, RefundId, TicketId, UserId};

use crate::{
    domain::{Order, Refund, WithdrawalProgress},
    store,
    test_support::{TestDb, noon},
    use_cases::{
        DecideRefund, DecideRefundError, RequestRefund, RequestRefundError, RetryWithdrawal, RetryWithdrawalError,
        continue_withdrawal, decide_refund, request_refund, retry_withdrawal,
    },
};

/// A version of an order's payment after `refunded` went back, with the outcome of a refund.
pub(super) fn reversal(order: &Order, version: u64, refunded: i64, refund: Option<(&Refund, bool)>) -> Reversal {
    let state = order.state();
    Reversal {
        payment: Payment {
            id: state.payment_id.unwrap(),
            version,
            status: PaymentStatus::Captured,
            order_id: state.id,
            buyer_id: state.buyer_id,
            amount: order.total(),
        },
        refunded_total: usd(refunded),
        refund: refund.map(|(refund, is_paid)| RefundOutcome {
            id: refund.id(),
            amount: refund.state().amount,
            failure: (!is_paid).then(|| "The account is closed.".to_owned()),
        }),
        dispute: None,
    }
}

pub(super) fn disputed(order: &Order, version: u64, status: DisputeStatus) -> Event {
    Event::PaymentDisputed(Reversal {
        dispute: Some(Dispute {
            status,
            amount: order.total(),
        }),
        ..reversal(order, version, 0, None)
    })
}

pub(super) fn refund_paid(order: &Order, version: u64, refunded: i64, refund: &Refund) -> Event {
    Event::PaymentRefunded(reversal(order, version, refunded, Some((refund, true))))
}

pub(super) fn refund_failed(order: &Order, version: u64, refunded: i64, refund: &Refund) -> Event {
    Event::PaymentRefundFailed(reversal(order, version, refunded, Some((refund, false))))
}

impl TestDb {
    pub(super) async fn refund(&self, id: RefundId) -> Refund {
        let refund = self.db.read(move |conn| store::find_refund(conn, id)).await;
        refund.unwrap().unwrap()
    }

    pub(super) async fn refunds(&self, id: OrderId) -> Vec<Refund> {
        self.db
            .read(move |conn| store::refunds_of_order(conn, id))
            .await
            .unwrap()
    }

    /// Places and pays an order.
    pub(super) async fn paid_order(&self, quantity: u32) -> Order {
        let id = self.place(quantity).await.unwrap();
        self.pay(id).await;
        self.order(id).await
    }

    /// Captures the payment that the order was confirmed with, or a new one.
    pub(super) async fn pay(&self, id: OrderId) {
        let confirmed = self.order(id).await.state().payment_id;
        let payment = confirmed.unwrap_or_else(|| PaymentId::new(noon()));
        self.consume_total(id, payment, PaymentStatus::Captured, 4).await;
    }

    /// Confirms an order.
    pub(super) async fn authorize(&self, id: OrderId) {
        self.consume_total(id, PaymentId::new(noon()), PaymentStatus::Authorized, 2)
            .await;
    }

    async fn consume_total(&self, order_id: OrderId, id: PaymentId, status: PaymentStatus, version: u64) {
        let order = self.order(order_id).await;
        let payment = Payment {
            id,
            version,
            status,
            order_id,
            buyer_id: order.state().buyer_id,
            amount: order.total(),
        };
        self.consume(payment_event(payment)).await;
    }

    pub(super) async fn request_by_buyer(
        &self,
        order: &Order,
        quantity: Option<u32>,
    ) -> Result<Refund, RequestRefundError> {
        self.request(order.state().buyer_id, order.id(), quantity).await
    }

    pub(super) async fn request_by_seller(
        &self,
        order: &Order,
        quantity: Option<u32>,
    ) -> Result<Refund, RequestRefundError> {
        self.request(order.state().seller_id, order.id(), quantity).await
    }

    pub(super) async fn request(
        &self,
        user_id: UserId,
        order_id: OrderId,
        quantity: Option<u32>,
    ) -> Result<Refund, RequestRefundError> {
        let command = RequestRefund {
            order_id,
            user_id,
            client: std::net::Ipv4Addr::LOCALHOST.into(),
            quantity,
            reason: None,
        };
        self.db.write(move |tx| request_refund(tx, noon(), command)).await
    }

    pub(super) async fn decide(
        &self,
        user_id: UserId,
        refund: &Refund,
        approve: bool,
    ) -> Result<Refund, DecideRefundError> {
        let command = DecideRefund {
            order_id: refund.state().order_id,
            refund_id: refund.id(),
            user_id,
            client: std::net::Ipv4Addr::LOCALHOST.into(),
            approve,
        };
        self.db.write(move |tx| decide_refund(tx, noon(), command)).await
    }

    pub(super) async fn change_terms(&self, version: u64, terms: RefundTerms) {
        self.update_listing(version, |ticket| ticket.refund_terms = terms).await;
    }

    pub(super) async fn withdraw(&self, version: u64) {
        self.update_listing(version, |ticket| ticket.withdrawn_at = Some(noon()))
            .await;
    }

    /// Creates and withdraws another listing.
    pub(super) async fn withdrawn_listing(&self) -> TicketId {
        let mut other = events::Ticket {
            id: TicketId::new(noon()),
            ..self.ticket.clone()
        };
        self.consume(Event::TicketCreated(other.clone())).await;
        other.version = 2;
        other.withdrawn_at = Some(noon());
        self.consume(Event::TicketUpdated(other.clone())).await;
        other.id
    }

    pub(super) async fn progress(&self) -> WithdrawalProgress {
        let ticket = self.ticket.id;
        let progress = self.db.read(move |conn| store::withdrawal_progress(conn, ticket));
        progress.await.unwrap()
    }

    pub(super) async fn retry(&self, seller: UserId) -> Result<(), RetryWithdrawalError> {
        let command = RetryWithdrawal {
            ticket_id: self.ticket.id,
            user_id: seller,
            client: std::net::Ipv4Addr::LOCALHOST.into(),
        };
        self.db.write(move |tx| retry_withdrawal(tx, noon(), command)).await
    }

    /// Runs the job for one batch. Returns whether another batch follows.
    pub(super) async fn run_job_once(&self) -> bool {
        self.db
            .write(move |tx| continue_withdrawal(tx, noon(), None))
            .await
            .unwrap();
        self.db.read(store::has_open_withdrawal).await.unwrap()
    }

    pub(super) async fn run_job(&self) {
        while self.run_job_once().await {}
    }

    /// The names of all published events.
    pub(super) async fn published(&self) -> Vec<String> {
        let read = |conn: &Connection| {
            let mut rows = conn.prepare("SELECT event_type FROM outbox ORDER BY id")?;
            let rows = rows.query_map([], |row| row.get(0))?;
            Ok::<_, db::Error>(rows.collect::<Result<Vec<String>, _>>()?)
        };
        self.db.read(read).await.unwrap()
    }
}
