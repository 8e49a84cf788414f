//! The conditions that must hold in the end, once nothing disturbs the system any more: every message is delivered,
//! every request is sent and its response recorded, the clock advances, and no user starts anything new.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{
    actions::Action,
    ids::TICKS_MS,
    order_service::TOTAL,
    state::SystemState,
    stripe::{Decision, IntentStatus, RefundStatus},
    system::System,
};

/// An end state that violates a condition.
#[derive(Clone, Debug)]
pub(crate) struct UnsettledEnd {
    pub(crate) reason: &'static str,
    /// The undisturbed actions that lead to it.
    pub(crate) path: Vec<Action>,
    pub(crate) end: SystemState,
}

/// The number of undisturbed actions after which a state counts as never settling.
const MAX_ACTIONS: usize = 300;

/// Whether the undisturbed continuation of a state ends with every condition met.
pub(crate) fn settles(system: &System, state: &SystemState) -> bool {
    let (mut hashes, mut path, mut state) = (Vec::new(), Vec::new(), state.clone());
    loop {
        let hash = hash_of(&state);
        if system.settled.read().unwrap().contains(&hash) {
            break;
        }
        hashes.push(hash);
        let Some((action, next)) = system.next_undisturbed(&state) else {
            if let Some(reason) = system.unmet_condition(&state) {
                return system.report_unsettled(UnsettledEnd {
                    reason,
                    path,
                    end: state,
                });
            }
            system.record_end_state(&state);
            break;
        };
        if path.len() == MAX_ACTIONS {
            let reason = "the system never settles";
            return system.report_unsettled(UnsettledEnd {
                reason,
                path,
                end: state,
            });
        }
        path.push(action);
        state = next;
    }
    system.settled.write().unwrap().extend(hashes);
    true
}

fn hash_of(state: &SystemState) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

impl System {
    pub(crate) fn next_undisturbed_state(&self, state: &SystemState) -> Option<SystemState> {
        self.next_undisturbed(state).map(|(_, next)| next)
    }

    /// Stores the first unsettled end. Returns `false`: no state on the path settles.
    fn report_unsettled(&self, end: UnsettledEnd) -> bool {
        self.unsettled.lock().unwrap().get_or_insert(end);
        false
    }

    fn record_end_state(&self, state: &SystemState) {
        let (order, payment) = (self.order(state), self.payment(state));
        let attempts = payment.payments.iter().map(|attempt| attempt.status.as_str());
        let refunds = order.refunds.iter().map(|refund| refund.status.as_str());
        let statuses = [order.status.as_str()].into_iter().chain(attempts).chain(refunds);
        let text = statuses.collect::<Vec<_>>().join(" ");
        self.end_states.lock().unwrap().insert(text);
    }

    /// Returns the next action that happens without a user or a disturbance, and the state after it.
    fn next_undisturbed(&self, state: &SystemState) -> Option<(Action, SystemState)> {
        let apply = |action: Action| self.apply(state, &action).map(|next| (action, next));
        let payments = || 0..u8::try_from(self.payment(state).payments.len()).unwrap();
        for payment in payments() {
            if state.in_flight[usize::from(payment)].is_some() {
                return apply(Action::ResponseRecorded { payment });
            }
        }
        // Stripe retries a webhook for three days; where it is lost for good, `reconcile` finds the refund.
        for payment in payments() {
            if state.has_unreported_refund[usize::from(payment)] {
                return apply(Action::RefundWebhook { payment });
            }
        }
        if let Some((id, _)) = state.messages.iter().find(|(_, was_delivered)| !was_delivered) {
            return apply(Action::MessageDelivered(*id));
        }
        if !state.delayed_requests.is_empty() {
            return apply(Action::DelayedRequestArrives { index: 0 });
        }
        for payment in payments() {
            let called = apply(Action::StripeCalled {
                payment,
                decision: Decision::Accept,
            });
            // A response can change nothing. Then the request would repeat forever, and does not count as an action.
            let recorded = Action::ResponseRecorded { payment };
            let effective = called.filter(|(_, called)| self.apply(called, &recorded).as_ref() != Some(state));
            if effective.is_some() {
                return effective;
            }
        }
        for payment in payments() {
            let refunds = &state.stripe[usize::from(payment)].refunds;
            let pending = refunds.iter().position(|refund| refund.status == RefundStatus::Pending);
            if let Some(index) = pending {
                return apply(Action::RefundSucceeds { payment, index });
            }
        }
        if self.order(state).has_withdrawal_work {
            return apply(Action::WithdrawalJobRuns);
        }
        let mut deadlines = self
            .passed_deadlines(state)
            .map(|deadline| Action::DeadlinePasses { deadline });
        deadlines
            .find_map(apply)
            .or_else(|| (usize::from(state.tick) + 1 < TICKS_MS.len()).then(|| apply(Action::ClockAdvances))?)
    }

    /// Returns a condition that an end state does not meet.
    fn unmet_condition(&self, state: &SystemState) -> Option<&'static str> {
        let (order, payment) = (self.order(state), self.payment(state));
        let (mut captured, mut refunded) = (0, 0);
        for (index, stripe) in state.stripe.iter().enumerate() {
            let attempt = payment.payments.get(index);
            let expected = match stripe.intent {
                Some(IntentStatus::RequiresCapture) => {
                    return Some("an authorisation is neither captured nor cancelled");
                }
                Some(IntentStatus::RequiresAction) => return Some("an intent still waits for its buyer"),
                // A declined card leaves an intent whose client secret was never returned.
                Some(IntentStatus::RequiresPaymentMethod) | None => "failed",
                Some(IntentStatus::Succeeded) => "captured",
                Some(IntentStatus::Canceled) => "voided",
            };
            let agrees = |status: &str| status == expected || (expected == "voided" && status == "failed");
            let is_unsettled = attempt.is_some_and(|attempt| {
                !agrees(&attempt.status) || attempt.has_unchecked_webhook || attempt.has_client_secret
            });
            if is_unsettled {
                return Some("a payment does not agree with its intent");
            }
            if stripe.is_captured() {
                captured += TOTAL;
                refunded += stripe.refunded_amount();
            }
        }
        if !["complete", "cancelled"].contains(&order.status.as_str()) {
            return Some("an order has not ended");
        }
        if (captured > 0) != (order.status == "complete") {
            return Some("an order does not agree with its payments");
        }
        if payment.bill_version != order.version || payment.bill_status != order.status {
            return Some("the payment service has not consumed the last event of the order");
        }
        let has_open_refund = payment
            .refunds
            .iter()
            .any(|(_, state)| ["asked", "pending"].contains(&state.as_str()));
        if payment.has_pending_query || has_open_refund {
            return Some("a refund is not settled");
        }
        if order.refunds.iter().any(|refund| refund.status == "approved") || order.has_withdrawal_work {
            return Some("an approved refund is neither paid nor failed");
        }
        if payment.ledger != (-captured, 0, refunded) {
            return Some("the ledger does not agree with Stripe");
        }
        (order.refunded != refunded).then_some("the refunded amount of the order does not agree with Stripe")
    }
}
