//! The actions that can happen, and those that are possible in a state.

use values::Timestamp;

use crate::{
    messages::MessageId,
    order_service::{PRICE, TOTAL},
    state::SystemState,
    stripe::{Decision, IntentStatus, RefundStatus},
    system::System,
};

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Action {
    BuyerPays {
        card: bool,
    },
    BuyerSubmitsCard {
        payment: u8,
        decision: Decision,
    },
    BuyerCancels,
    SellerWithdraws,
    BuyerRequestsRefund,
    SellerRefunds,
    SellerDecides {
        refund: u8,
        approve: bool,
    },
    SellerRetriesRefunds,
    WithdrawalJobRuns,
    DeadlinePasses {
        deadline: Timestamp,
    },
    ClockAdvances,
    MessageDelivered(MessageId),
    /// The payment service sends its next request, and Stripe handles it.
    StripeCalled {
        payment: u8,
        decision: Decision,
    },
    ResponseRecorded {
        payment: u8,
    },
    /// A timeout or a crash after Stripe has handled the request.
    ResponseLost {
        payment: u8,
    },
    /// A timeout before the request arrives at Stripe.
    RequestDelayed {
        payment: u8,
    },
    DelayedRequestArrives {
        index: usize,
    },
    IntentWebhook {
        payment: u8,
        status: IntentStatus,
    },
    RefundWebhook {
        payment: u8,
    },
    AuthorisationLapses {
        payment: u8,
    },
    RefundSucceeds {
        payment: u8,
        index: usize,
    },
    RefundFails {
        payment: u8,
        index: usize,
    },
    RefundInDashboard {
        payment: u8,
    },
}

impl System {
    /// Adds the actions that are possible in a state. A state that violates a rule has none.
    pub(crate) fn possible_actions(&self, state: &SystemState, actions: &mut Vec<Action>) {
        if state.violation.is_some() {
            return;
        }
        self.user_and_clock_actions(state, actions);
        let attempts = self.payment(state).payments.len();
        for payment in 0..u8::try_from(attempts).unwrap() {
            stripe_actions(state, payment, actions);
        }
    }

    fn user_and_clock_actions(&self, state: &SystemState, actions: &mut Vec<Action>) {
        let (remaining, order) = (&state.remaining, self.order(state));
        if remaining.attempts > 0 {
            let methods = [(remaining.cards, true), (remaining.browsers, false)];
            let enabled = methods.into_iter().filter(|(is_enabled, _)| *is_enabled);
            actions.extend(enabled.map(|(_, card)| Action::BuyerPays { card }));
        }
        if remaining.cancel {
            actions.push(Action::BuyerCancels);
        }
        if remaining.withdraw {
            actions.push(Action::SellerWithdraws);
        }
        if remaining.refunds > 0 {
            actions.extend([Action::BuyerRequestsRefund, Action::SellerRefunds]);
        }
        for (index, refund) in (0..).zip(&order.refunds) {
            if refund.status == "requested" {
                actions.extend([true, false].map(|approve| Action::SellerDecides { refund: index, approve }));
            }
        }
        if order.withdrawn && !order.has_withdrawal_work && remaining.retries > 0 {
            actions.push(Action::SellerRetriesRefunds);
        }
        if order.has_withdrawal_work {
            actions.push(Action::WithdrawalJobRuns);
        }
        actions.extend(
            self.passed_deadlines(state)
                .map(|deadline| Action::DeadlinePasses { deadline }),
        );
        // A request is delayed by less than a day, after which Stripe has deleted its key.
        if state.tick < remaining.clock && (state.tick < 2 || state.delayed_requests.is_empty()) {
            actions.push(Action::ClockAdvances);
        }
        actions.extend(state.messages.iter().map(|(id, _)| Action::MessageDelivered(*id)));
        actions.extend((0..state.delayed_requests.len()).map(|index| Action::DelayedRequestArrives { index }));
    }
}

fn stripe_actions(state: &SystemState, payment: u8, actions: &mut Vec<Action>) {
    let index = usize::from(payment);
    let (remaining, stripe) = (&state.remaining, &state.stripe[index]);
    if state.in_flight[index].is_some() {
        actions.extend([Action::ResponseRecorded { payment }, Action::ResponseLost { payment }]);
    } else {
        actions.extend(Decision::ALL.map(|decision| Action::StripeCalled { payment, decision }));
        if remaining.delayed_requests > 0 {
            actions.push(Action::RequestDelayed { payment });
        }
    }
    let mut submit = |decision| actions.push(Action::BuyerSubmitsCard { payment, decision });
    let waits_for_buyer = matches!(
        stripe.intent,
        Some(IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresAction)
    );
    if waits_for_buyer && state.browser_has_secret[index] {
        submit(Decision::Accept);
        if stripe.intent == Some(IntentStatus::RequiresPaymentMethod) {
            submit(Decision::Defer);
        }
        if remaining.declines > 0 {
            submit(Decision::Refuse);
        }
    }
    if stripe.intent == Some(IntentStatus::RequiresCapture) && remaining.lapses > 0 {
        actions.push(Action::AuthorisationLapses { payment });
    }
    if remaining.webhooks {
        let statuses = stripe.present_and_past_statuses();
        actions.extend(statuses.map(|status| Action::IntentWebhook { payment, status }));
        if !stripe.refunds.is_empty() {
            actions.push(Action::RefundWebhook { payment });
        }
    }
    for (index, refund) in stripe.refunds.iter().enumerate() {
        if refund.status == RefundStatus::Pending {
            actions.push(Action::RefundSucceeds { payment, index });
        }
        if refund.status != RefundStatus::Failed && remaining.failed_refunds > 0 {
            actions.push(Action::RefundFails { payment, index });
        }
    }
    let refundable = TOTAL - stripe.refunded_amount();
    if stripe.is_captured() && remaining.dashboard_refunds > 0 && PRICE <= refundable {
        actions.push(Action::RefundInDashboard { payment });
    }
}
