//! The services, Stripe and the network as one system, and the effect of each action.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, RwLock},
};

use payment::model::StripeRequest;
use stateright::{Model, Property};
use values::Timestamp;

use crate::{
    actions::Action,
    ids,
    messages::{MessageId, Messages},
    order_service::{OrderStep, OrderView, Orders, PRICE},
    payment_service::{PaymentStep, PaymentView, Payments},
    service_model::{ServiceModel, Transition},
    settlement::{self, UnsettledEnd},
    state::{Bounds, SystemState},
    stripe::{Decision, IntentStatus, RefundStatus, StripePayment},
};

pub(crate) struct System {
    pub(crate) orders: ServiceModel<Orders>,
    pub(crate) payments: ServiceModel<Payments>,
    messages: Messages,
    bounds: Bounds,
    /// Whether the exploration starts with a completed order.
    starts_with_sale: bool,
    /// The hashes of states that are known to settle.
    pub(crate) settled: RwLock<HashSet<u64>>,
    /// The end states: the status of the order, of its payments, of its refunds.
    pub(crate) end_states: Mutex<BTreeSet<String>>,
    /// The first end that violates a condition.
    pub(crate) unsettled: Mutex<Option<UnsettledEnd>>,
}

impl System {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self::with_injected_faults(bounds, None, None)
    }

    /// Returns a system with SQL that runs after each step of the order or of the payment service.
    pub(crate) fn with_injected_faults(
        bounds: Bounds,
        order: Option<&'static str>,
        payment: Option<&'static str>,
    ) -> Self {
        Self {
            orders: ServiceModel::new(order),
            payments: ServiceModel::new(payment),
            messages: Messages::default(),
            bounds,
            starts_with_sale: false,
            settled: RwLock::default(),
            end_states: Mutex::default(),
            unsettled: Mutex::default(),
        }
    }

    /// Starts the exploration with a completed order.
    pub(crate) fn starting_with_sale(self) -> Self {
        Self {
            starts_with_sale: true,
            ..self
        }
    }

    pub(crate) fn order(&self, state: &SystemState) -> Arc<OrderView> {
        self.orders.view(state.order)
    }

    pub(crate) fn payment(&self, state: &SystemState) -> Arc<PaymentView> {
        self.payments.view(state.payment)
    }

    /// Returns the state after the order is placed.
    fn placed_order(&self) -> SystemState {
        let mut state = SystemState {
            order: 0,
            payment: 0,
            tick: 0,
            stripe: Default::default(),
            in_flight: [None, None],
            delayed_requests: Vec::new(),
            messages: Vec::new(),
            browser_has_secret: [false; 2],
            has_unreported_refund: [false; 2],
            remaining: self.bounds,
            violation: None,
        };
        self.step_order(&mut state, &OrderStep::CreateListing);
        self.step_order(&mut state, &OrderStep::PlaceOrder);
        let (placed, _) = state.messages[0];
        self.deliver(&mut state, placed);
        state
    }

    /// Returns the state after the order is completed.
    fn completed_order(&self) -> SystemState {
        let state = SystemState {
            remaining: Bounds {
                attempts: 1,
                ..self.bounds
            },
            ..self.placed_order()
        };
        let started = self.apply(&state, &Action::BuyerPays { card: true });
        let mut state = std::iter::successors(started, |state| self.next_undisturbed_state(state))
            .last()
            .unwrap();
        state.remaining.attempts = 0;
        state
    }

    fn step_order(&self, state: &mut SystemState, step: &OrderStep) {
        let transition = self.orders.step(state.order, step, &self.messages);
        state.order = transition.next;
        collect_messages(state, &transition);
    }

    fn step_payment(&self, state: &mut SystemState, step: &PaymentStep) -> Option<StripeRequest> {
        let transition = self.payments.step(state.payment, step, &self.messages);
        state.payment = transition.next;
        collect_messages(state, &transition);
        transition.output.clone()
    }

    fn deliver(&self, state: &mut SystemState, id: MessageId) {
        let message = self.messages.get(id);
        for (other, was_delivered) in &mut state.messages {
            *was_delivered |= *other == id;
        }
        if message.to_order {
            self.step_order(state, &OrderStep::Consume(id));
        }
        if message.to_payment {
            let tick = state.tick;
            self.step_payment(state, &PaymentStep::Consume { message: id, tick });
        }
    }

    /// Drops the messages that can make no difference any more, at any later delivery.
    fn drop_obsolete_messages(&self, state: &mut SystemState) {
        if state.messages.is_empty() {
            return;
        }
        let (order_view, payment_view) = (self.order(state), self.payment(state));
        let (order, payment, tick) = (state.order, state.payment, state.tick);
        state.messages.retain(|(id, _)| {
            let message = self.messages.get(*id);
            if !message.content.is_obsolete(&order_view, &payment_view) {
                return true;
            }
            if message.to_order {
                let step = OrderStep::Consume(*id);
                changes(order, &self.orders.step(order, &step, &self.messages))
            } else {
                let step = PaymentStep::Consume { message: *id, tick };
                changes(payment, &self.payments.step(payment, &step, &self.messages))
            }
        });
    }

    /// Returns the next request of a payment; `None` if there is none, or if one is in flight.
    fn next_request(&self, state: &mut SystemState, payment: u8) -> Option<StripeRequest> {
        if state.in_flight[usize::from(payment)].is_some() {
            return None;
        }
        let tick = state.tick;
        let request = self.step_payment(state, &PaymentStep::NextRequest { payment, tick })?;
        if request == StripeRequest::Capture && !self.order(state).is_paid_with(payment.into()) {
            state.violation = Some("a capture is requested for an order that is not confirmed with that payment");
        }
        Some(request)
    }

    /// Returns the state after an action; `None` if the action is impossible or makes no difference.
    pub(crate) fn apply(&self, before: &SystemState, action: &Action) -> Option<SystemState> {
        let mut state = before.clone();
        self.perform(&mut state, action)?;
        self.drop_obsolete_messages(&mut state);
        (state != *before).then_some(state)
    }

    fn perform(&self, state: &mut SystemState, action: &Action) -> Option<()> {
        let tick = state.tick;
        match action {
            Action::BuyerPays { card } => {
                let before = state.payment;
                self.step_payment(state, &PaymentStep::StartPayment { card: *card, tick });
                if state.payment == before {
                    return None;
                }
                state.remaining.attempts -= 1;
            }
            Action::BuyerSubmitsCard { payment, decision } => {
                let stripe = &mut state.stripe[usize::from(*payment)];
                match decision {
                    Decision::Accept => stripe.set_status(IntentStatus::RequiresCapture),
                    Decision::Defer => stripe.set_status(IntentStatus::RequiresAction),
                    Decision::Refuse => {
                        stripe.set_status(IntentStatus::RequiresPaymentMethod);
                        stripe.declined += 1;
                        state.remaining.declines -= 1;
                    }
                }
            }
            Action::BuyerCancels => self.step_order(state, &OrderStep::Cancel),
            Action::SellerWithdraws => {
                state.remaining.withdraw = false;
                self.step_order(state, &OrderStep::WithdrawListing);
            }
            Action::BuyerRequestsRefund | Action::SellerRefunds => {
                let by_seller = *action == Action::SellerRefunds;
                // The buyer returns one of two tickets, the seller refunds all that are left.
                let quantity = (!by_seller).then_some(1);
                let before = state.order;
                self.step_order(state, &OrderStep::RequestRefund { by_seller, quantity });
                if state.order == before {
                    return None;
                }
                state.remaining.refunds -= 1;
            }
            Action::SellerDecides { refund, approve } => {
                let (refund, approve) = (*refund, *approve);
                self.step_order(state, &OrderStep::DecideRefund { refund, approve });
            }
            Action::SellerRetriesRefunds => {
                state.remaining.retries -= 1;
                self.step_order(state, &OrderStep::RetryWithdrawal);
            }
            Action::WithdrawalJobRuns => self.step_order(state, &OrderStep::RunWithdrawalJob),
            Action::DeadlinePasses { deadline } => {
                self.step_order(state, &OrderStep::DeadlinePassed { deadline: *deadline });
            }
            Action::ClockAdvances => state.tick += 1,
            Action::MessageDelivered(id) => self.deliver(state, *id),
            stripe_action => return self.perform_with_stripe(state, stripe_action),
        }
        Some(())
    }

    /// Performs an action between the payment service and Stripe, or at Stripe alone.
    fn perform_with_stripe(&self, state: &mut SystemState, action: &Action) -> Option<()> {
        let tick = state.tick;
        match action {
            Action::StripeCalled { payment, decision } => {
                let request = self.next_request(state, *payment)?;
                let stripe = &mut state.stripe[usize::from(*payment)];
                if !stripe.possible_decisions(&request).contains(decision) {
                    return None;
                }
                if *decision == Decision::Refuse {
                    let remaining = &mut state.remaining;
                    match request {
                        StripeRequest::Capture => {
                            remaining.refused_captures = remaining.refused_captures.checked_sub(1)?;
                        }
                        StripeRequest::Refund { .. } => {
                            remaining.uncovered_refunds = remaining.uncovered_refunds.checked_sub(1)?;
                        }
                        _ => {}
                    }
                }
                let response = stripe.handle(*payment, &request, *decision);
                state.in_flight[usize::from(*payment)] = Some(Box::new((request, response)));
            }
            Action::ResponseRecorded { payment } => {
                let (request, response) = *state.in_flight[usize::from(*payment)].take()?;
                let step = PaymentStep::RecordResponse {
                    payment: *payment,
                    tick,
                    request,
                    response,
                };
                self.step_payment(state, &step);
                let attempt = self.payment(state).payments[usize::from(*payment)].clone();
                state.browser_has_secret[usize::from(*payment)] |= attempt.has_client_secret;
            }
            Action::ResponseLost { payment } => {
                state.in_flight[usize::from(*payment)].take()?;
            }
            Action::RequestDelayed { payment } => {
                let request = self.next_request(state, *payment)?;
                let is_query = matches!(
                    request,
                    StripeRequest::RetrieveIntent | StripeRequest::FindIntent | StripeRequest::FollowUp { .. }
                );
                let delayed = (*payment, request);
                if is_query || state.delayed_requests.contains(&delayed) {
                    return None;
                }
                state.remaining.delayed_requests -= 1;
                state.delayed_requests.push(delayed);
            }
            Action::DelayedRequestArrives { index } => {
                let (payment, request) = state.delayed_requests.remove(*index);
                state.stripe[usize::from(payment)].handle_delayed(payment, &request);
            }
            Action::IntentWebhook { payment, status } => {
                let step = PaymentStep::IntentWebhook {
                    payment: *payment,
                    status: *status,
                    during_request: state.in_flight[usize::from(*payment)].is_some(),
                };
                self.step_payment(state, &step);
            }
            Action::RefundWebhook { payment } => {
                state.has_unreported_refund[usize::from(*payment)] = false;
                let step = PaymentStep::RefundWebhook {
                    payment: *payment,
                    during_request: state.in_flight[usize::from(*payment)].is_some(),
                };
                self.step_payment(state, &step);
            }
            Action::AuthorisationLapses { payment } => {
                state.remaining.lapses -= 1;
                state.stripe[usize::from(*payment)].set_status(IntentStatus::Canceled);
            }
            Action::RefundSucceeds { payment, index } => {
                state.stripe[usize::from(*payment)].refunds[*index].status = RefundStatus::Succeeded;
            }
            Action::RefundFails { payment, index } => {
                state.remaining.failed_refunds -= 1;
                state.has_unreported_refund[usize::from(*payment)] = true;
                state.stripe[usize::from(*payment)].refunds[*index].status = RefundStatus::Failed;
            }
            Action::RefundInDashboard { payment } => {
                state.remaining.dashboard_refunds -= 1;
                state.has_unreported_refund[usize::from(*payment)] = true;
                state.stripe[usize::from(*payment)].refund_in_dashboard(PRICE);
            }
            _ => unreachable!("not an action of Stripe: {action:?}"),
        }
        Some(())
    }

    /// Returns the deadlines of the order, present and past, that have passed.
    pub(crate) fn passed_deadlines(&self, state: &SystemState) -> impl Iterator<Item = Timestamp> + use<> {
        let deadlines = [Some(1), self.order(state).extended.then_some(2)].into_iter().flatten();
        let now = state.tick;
        deadlines.filter(move |tick| *tick <= now).map(ids::time_of)
    }
}

fn collect_messages<O>(state: &mut SystemState, transition: &Transition<O>) {
    state.violation = state.violation.or(transition.violation);
    for id in &transition.published {
        state.messages.retain(|(other, _)| other != id);
        state.messages.push((*id, false));
    }
    state.messages.sort_unstable();
}

fn changes<O>(from: u32, transition: &Transition<O>) -> bool {
    transition.next != from || !transition.published.is_empty() || transition.violation.is_some()
}

impl Model for System {
    type State = SystemState;
    type Action = Action;

    fn init_states(&self) -> Vec<SystemState> {
        vec![if self.starts_with_sale {
            self.completed_order()
        } else {
            self.placed_order()
        }]
    }

    fn actions(&self, state: &SystemState, actions: &mut Vec<Action>) {
        self.possible_actions(state, actions);
    }

    fn next_state(&self, before: &SystemState, action: Action) -> Option<SystemState> {
        self.apply(before, &action)
    }

    fn format_action(&self, action: &Action) -> String {
        match action {
            Action::MessageDelivered(id) => {
                let message = self.messages.get(*id);
                let payment = message.envelope.event.as_payment();
                let version =
                    payment.map_or_else(String::new, |payment| format!("{}, {}", payment.version, payment.id));
                format!("MessageDelivered({} {version})", message.envelope.event.name())
            }
            action => format!("{action:?}"),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no rule is violated", |_, state: &SystemState| {
                state.violation.is_none()
            }),
            Property::always("no order is paid twice", |_, state: &SystemState| {
                state.stripe.iter().filter(|stripe| stripe.is_captured()).count() <= 1
            }),
            Property::always(
                "a complete order has a capture, and a cancelled order has none",
                |system: &Self, state: &SystemState| {
                    let order = system.order(state);
                    let mut payments = state.stripe.iter().enumerate();
                    match order.status.as_str() {
                        "complete" => payments.any(|(index, stripe)| order.is_paid_with(index) && stripe.is_captured()),
                        "cancelled" => !payments.any(|(_, stripe)| stripe.is_captured()),
                        _ => true,
                    }
                },
            ),
            Property::always("no refund is paid twice", |_, state: &SystemState| {
                !state.stripe.iter().any(StripePayment::has_duplicate_refund)
            }),
            Property::always("every state settles", settlement::settles),
        ]
    }
}
