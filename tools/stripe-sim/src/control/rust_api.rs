//! Controls in Rust. The same over HTTP is in `http_api`.

use serde::Serialize;
use serde_json::Value;

use crate::{
    ControlError, Fault, Hold, RecordedRequest, Sim, Target, Timing, WebhookFault,
    domain::{Charge, PaymentIntent, confirmation, dispute, event, refund, test_card},
    error::StripeError,
    scheduler,
    store::{Tx, journal},
    webhooks,
};

impl Sim {
    /// Arms a fault for the next matching requests.
    pub fn inject(&self, target: Target, timing: Timing, fault: Fault) {
        self.state.faults.inject(target, timing, fault);
    }

    /// Holds the next matching requests until they are released.
    pub fn hold(&self, target: Target, timing: Timing) -> Hold {
        self.state.faults.hold(target, timing)
    }

    /// Disarms every fault and releases the held requests.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Waits until no request that [`Fault::Delay`] delays is in progress.
    pub async fn wait_for_delayed_requests(&self) {
        self.state.faults.wait_for_delayed_requests().await;
    }

    /// Arms a fault for the next deliveries of events of a type (`*` is any), to any endpoint.
    pub fn inject_webhook_fault(&self, event: &str, times: u32, fault: WebhookFault) {
        self.state.webhook_faults.add(event, times, fault);
    }

    /// Returns the ids of the events that [`WebhookFault::Hold`] holds, oldest first; once for each endpoint.
    pub fn held_events(&self) -> Vec<String> {
        self.state.webhook_faults.held()
    }

    /// Delivers the held events one after the other, in order or reversed.
    pub fn release_events(&self, reversed: bool) {
        webhooks::release_held(&self.state, reversed);
    }

    /// Disarms every webhook fault and delivers the held events.
    pub fn clear_webhook_faults(&self) {
        self.state.webhook_faults.clear();
        self.release_events(false);
    }

    /// Returns every payment intent as the API shows it, oldest first.
    pub async fn payment_intents(&self) -> Result<Vec<Value>, ControlError> {
        let all = self.state.transaction(PaymentIntent::all).await?;
        Ok(all.iter().map(PaymentIntent::to_json).collect())
    }

    /// Returns every request under `/v1`, oldest first.
    pub async fn requests(&self) -> Result<Vec<RecordedRequest>, ControlError> {
        Ok(self.state.transaction(journal::all).await?)
    }

    /// Passes or fails 3-D Secure for the cardholder. Returns the changed intent.
    pub async fn authenticate(&self, intent: &str, passed: bool) -> Result<Value, ControlError> {
        let id = intent.to_owned();
        let intent = self
            .state
            .transaction(move |tx| confirmation::complete_authentication(tx, tx.get(&id, "intent")?, passed))
            .await?;
        Ok(intent.to_json())
    }

    /// Disputes a captured charge for a reason such as `fraudulent`, or opens an inquiry. Returns the dispute.
    pub async fn open_dispute(&self, charge: &str, reason: &str, inquiry: bool) -> Result<Value, ControlError> {
        let (id, reason) = (charge.to_owned(), test_card::dispute_reason(reason, inquiry));
        let open = move |tx: &Tx<'_>| {
            let charge: Charge = tx.get(&id, "charge")?;
            dispute::open(tx, charge, &reason)
        };
        to_json(&self.state.transaction(open).await?)
    }

    /// Ends a dispute with the decision of the bank. Returns the dispute.
    pub async fn decide_dispute(&self, dispute: &str, won: bool) -> Result<Value, ControlError> {
        let id = dispute.to_owned();
        to_json(&self.state.transaction(move |tx| dispute::decide(tx, &id, won)).await?)
    }

    /// Ends a refund: a pending one can succeed, any can fail. Returns the refund.
    pub async fn end_refund(&self, refund: &str, succeeds: bool) -> Result<Value, ControlError> {
        let id = refund.to_owned();
        to_json(&self.state.transaction(move |tx| refund::end(tx, &id, succeeds)).await?)
    }

    /// Applies every scheduled effect now. Returns their number.
    pub async fn run_scheduled(&self) -> Result<usize, ControlError> {
        Ok(self.state.transaction(scheduler::apply_all).await?)
    }

    /// Delivers an event again to its subscribers.
    pub async fn resend_event(&self, event: &str) -> Result<(), ControlError> {
        let id = event.to_owned();
        self.state.transaction(move |tx| event::resend(tx, &id)).await?;
        Ok(())
    }
}

fn to_json(object: &impl Serialize) -> Result<Value, ControlError> {
    Ok(serde_json::to_value(object).map_err(StripeError::from)?)
}
