//! Any history of refunds of two orders.

use events::{DisputeStatus, RefundStatus, RefundTerms};
use proptest::{prelude::*, test_runner::TestCaseError};
use values::OrderId;

use super::fixture::{disputed, refund_failed, refund_paid};
use crate::test_support::{TestDb, runtime};

/// What the buyer, the seller, the payment service and the job do about the orders.
#[derive(Clone, Copy, Debug)]
enum Step {
    Request { by_seller: bool, quantity: u32 },
    Decide { index: usize, approve: bool },
    Outcome { index: usize, is_paid: bool, is_old: bool },
    Dispute(DisputeStatus),
    ChangeTerms { resell_refunded: bool },
    Withdraw,
    Retry,
    RunJob,
    Place { quantity: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (any::<bool>(), 1..3_u32).prop_map(|(by_seller, quantity)| Step::Request { by_seller, quantity }),
        4 => (0..4_usize, any::<bool>()).prop_map(|(index, approve)| Step::Decide { index, approve }),
        6 => (0..4_usize, any::<bool>(), any::<bool>())
            .prop_map(|(index, is_paid, is_old)| Step::Outcome { index, is_paid, is_old }),
        1 => prop::sample::select(vec![DisputeStatus::Open, DisputeStatus::Won]).prop_map(Step::Dispute),
        1 => any::<bool>().prop_map(|resell_refunded| Step::ChangeTerms { resell_refunded }),
        1 => Just(Step::Withdraw),
        1 => Just(Step::Retry),
        2 => Just(Step::RunJob),
        2 => (1..3_u32).prop_map(|quantity| Step::Place { quantity }),
    ];
    prop::collection::vec(step, 0..24)
}

impl TestDb {
    async fn step(&self, step: Step, order: OrderId, version: u64) {
        let order = self.order(order).await;
        match step {
            Step::Request { by_seller, quantity } => {
                let _ = if by_seller {
                    self.request_by_seller(&order, Some(quantity)).await
                } else {
                    self.request_by_buyer(&order, Some(quantity)).await
                };
            }
            Step::Decide { index, approve } => {
                if let Some(refund) = self.refunds(order.id()).await.get(index) {
                    let _ = self.decide(refund.state().seller_id, refund, approve).await;
                }
            }
            Step::Outcome { index, is_paid, is_old } => {
                // The payment service publishes outcomes of approved refunds, repeated or late.
                let undecided = [RefundStatus::Requested, RefundStatus::Declined];
                let refunds = self.refunds(order.id()).await;
                let refund = refunds
                    .get(index)
                    .filter(|refund| !undecided.contains(&refund.status()));
                if let Some(refund) = refund {
                    let version = if is_old { 5 } else { version };
                    let event = if is_paid {
                        refund_paid(&order, version, refund.state().amount.amount, refund)
                    } else {
                        refund_failed(&order, version, 0, refund)
                    };
                    let _ = self.try_consume(event).await;
                }
            }
            Step::Dispute(status) => self.consume(disputed(&order, version, status)).await,
            Step::ChangeTerms { resell_refunded } => {
                let terms = RefundTerms {
                    resell_refunded,
                    ..RefundTerms::default()
                };
                self.change_terms(version, terms).await;
            }
            // The version is newer than any other, so the listing stays withdrawn.
            Step::Withdraw => self.withdraw(1000).await,
            Step::Retry => drop(self.retry(self.ticket.seller_id).await),
            Step::RunJob => drop(self.run_job_once().await),
            Step::Place { quantity } => drop(self.place(quantity).await),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_stock_is_exact_after_any_history_of_refunds(steps in steps()) {
        runtime().block_on(async move {
            let test_db = TestDb::with_tickets(6).await;
            let orders = [test_db.paid_order(3).await.id(), test_db.paid_order(2).await.id()];
            for (version, step) in (6..).zip(steps) {
                test_db.step(step, orders[0], version).await;
                let stock = test_db.stock().await;
                let (first, second) = (test_db.order(orders[0]).await, test_db.order(orders[1]).await);
                prop_assert!(stock.held + stock.sold <= stock.quantity);
                prop_assert_eq!(stock.sold, first.sold_quantity() + second.sold_quantity(), "{:?}", step);
                let claimed = first.state().claimed_quantity;
                prop_assert!(claimed <= first.quantity() && first.state().after_sale.tickets.refunded <= claimed);
            }
            test_db.close_and_check().await;
            Ok::<_, TestCaseError>(())
        })?;
    }
}
