//! Runs a script. Each action gets a moment to finish, and then continues in the background.

use std::{sync::Arc, time::Duration};

use stripe_sim::Hold;
use tokio::{
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{
    actions::{Actions, POLL_INTERVAL},
    environment::Environment,
    marketplace::Marketplace,
    script::{Service, Step},
};

/// The time that an action has before the next step.
const ACTION_TIMEOUT: Duration = Duration::from_millis(400);

/// Runs a script to its end, and removes all faults.
pub(crate) async fn run_script(marketplace: &mut Marketplace, script: &[Step]) {
    let actions = Arc::new(Actions::new(&marketplace.env).await);
    let (mut running, mut pending_crashes) = (JoinSet::new(), Vec::<(Service, Hold)>::new());
    let (mut wait, mut disconnected_steps) = (true, 0);
    for step in script {
        match step {
            Step::DoNotWait => {
                wait = false;
                continue;
            }
            Step::DisconnectBroker(steps) => {
                marketplace.env.broker.disconnect();
                disconnected_steps = *steps + 1;
            }
            Step::ExpireIdempotencyKeys => marketplace.env.expire_idempotency_keys().await,
            Step::CrashService(service) => marketplace.crash(*service).await,
            Step::CrashServiceDuringCall(service, call, timing) => {
                pending_crashes.push((*service, marketplace.env.stripe.hold(call.target(), *timing)));
            }
            _ if marketplace.env.apply(step) => {}
            _ => {
                let (actions, step) = (actions.clone(), step.clone());
                let action = running.spawn(async move { actions.run(&step).await });
                let finished = async {
                    let mut ticks = interval(POLL_INTERVAL / 5);
                    while !action.is_finished() {
                        ticks.tick().await;
                    }
                };
                if wait {
                    let _continues_in_background = timeout(ACTION_TIMEOUT, finished).await;
                }
            }
        }
        wait = true;
        disconnected_steps -= disconnected_steps.min(1);
        if disconnected_steps == 0 {
            marketplace.env.broker.forward_to_broker();
        }
        pending_crashes = crash_services_in_calls(marketplace, pending_crashes).await;
    }
    drop(pending_crashes);
    while let Some(finished) = running.join_next().await {
        finished.unwrap();
    }
    marketplace.env.remove_faults().await;
    actions.get_every_order().await;
}

/// Crashes the services whose call has reached Stripe. Returns the others.
async fn crash_services_in_calls(marketplace: &mut Marketplace, pending: Vec<(Service, Hold)>) -> Vec<(Service, Hold)> {
    let mut still_pending = Vec::new();
    for (service, hold) in pending {
        if timeout(Duration::ZERO, hold.wait_for_request()).await.is_ok() {
            marketplace.crash(service).await;
            hold.cut();
        } else {
            still_pending.push((service, hold));
        }
    }
    still_pending
}

impl Environment {
    /// Applies a step that is a fault of Stripe or changes the clock. Returns whether it was one.
    fn apply(&self, step: &Step) -> bool {
        match step {
            Step::FailCalls(call, timing, fault, times) => {
                self.stripe
                    .inject(call.target().times(*times), *timing, fault.in_simulator());
            }
            Step::FailDeliveries(fault, times) => {
                self.stripe.inject_webhook_fault("*", *times, fault.in_simulator());
            }
            Step::DeliverHeldEvents(newest_first) => self.stripe.release_events(*newest_first),
            Step::PassOrderWindow => self.test_env.clock.advance(order::Settings::default().order_window),
            _ => return false,
        }
        true
    }

    /// Removes all faults. Sends events about refunds and disputes again, as Stripe does for three days.
    /// Does not send events about new payments again: the services must not need them.
    async fn remove_faults(&self) {
        self.stripe.clear_faults();
        self.stripe.clear_webhook_faults();
        self.broker.forward_to_broker();
        for event in self.stripe_objects("events").await {
            let kind = event["type"].as_str().unwrap();
            if kind.starts_with("charge.dispute") || kind.starts_with("refund") {
                self.stripe.resend_event(event["id"].as_str().unwrap()).await.unwrap();
            }
        }
    }
}
