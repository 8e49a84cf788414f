//! A test's hand on the double: what Stripe does not have, in Rust. The same over HTTP is in `control`.

use serde_json::Value;

use crate::{
    ControlError, Fault, Hold, RecordedRequest, Sim, Target, Timing, WebhookFault, cards, charges::Charge, confirm,
    delivery, disputes, intent::PaymentIntent, intents, journal, later, refunds, webhooks,
};

impl Sim {
    /// Orders a fault for the next matching requests.
    pub fn inject(&self, on: Target, when: Timing, fault: Fault) {
        self.inner.faults.inject(on, when, fault);
    }

    /// Holds the next matching requests until they are released.
    pub fn hold(&self, on: Target, when: Timing) -> Hold {
        self.inner.faults.hold(on, when)
    }

    /// Disarms every fault and releases what is held.
    pub fn clear_faults(&self) {
        self.inner.faults.clear();
    }

    /// Disturbs the next deliveries of events of a type (`*` is any) to whoever is told.
    pub fn inject_webhook_fault(&self, event: &str, times: u32, what: WebhookFault) {
        self.inner.disturbances.add(event, times, what);
    }

    /// The ids of the events that [`WebhookFault::Hold`] keeps, in the order in which they happened; once for each
    /// endpoint.
    pub fn held_events(&self) -> Vec<String> {
        self.inner.disturbances.held()
    }

    /// Tells what is held, one after the other: in its order, or the last first.
    pub fn release_events(&self, last_first: bool) {
        delivery::release(&self.inner, last_first);
    }

    /// Disturbs deliveries no more, and tells what is held.
    pub fn clear_webhook_faults(&self) {
        self.inner.disturbances.clear();
        self.release_events(false);
    }

    /// Every payment intent as the API shows it, oldest first.
    pub async fn payment_intents(&self) -> Result<Vec<Value>, ControlError> {
        let all = self.inner.within(intents::all).await?;
        Ok(all.iter().map(PaymentIntent::view).collect())
    }

    /// Every request under `/v1` so far, oldest first.
    pub async fn requests(&self) -> Result<Vec<RecordedRequest>, ControlError> {
        Ok(self.inner.within(journal::read).await?)
    }

    /// Does what the owner of the card does when 3-D Secure asks. Gives the intent as it is then.
    pub async fn authenticate(&self, intent: &str, passed: bool) -> Result<Value, ControlError> {
        let id = intent.to_owned();
        let answer = self
            .inner
            .within(move |tx| confirm::authenticated(tx, tx.get(&id, "intent")?, passed))
            .await?;
        Ok(answer.body)
    }

    /// The bank takes a captured charge back for a reason such as `fraudulent`, or only asks about it. Gives the dispute.
    pub async fn open_dispute(&self, charge: &str, reason: &str, inquiry: bool) -> Result<Value, ControlError> {
        let (id, complaint) = (charge.to_owned(), cards::complaint(reason, inquiry));
        let open = move |tx: &crate::store::Tx<'_>| {
            let charge: Charge = tx.get(&id, "charge")?;
            disputes::open(tx, charge, &complaint)
        };
        Ok(self.inner.within(open).await?.body)
    }

    /// The bank decides a dispute. Gives the dispute.
    pub async fn decide_dispute(&self, dispute: &str, won: bool) -> Result<Value, ControlError> {
        let id = dispute.to_owned();
        Ok(self.inner.within(move |tx| disputes::decide(tx, &id, won)).await?.body)
    }

    /// A pending refund succeeds, or any refund fails. Gives the refund.
    pub async fn end_refund(&self, refund: &str, succeeds: bool) -> Result<Value, ControlError> {
        let id = refund.to_owned();
        Ok(self.inner.within(move |tx| refunds::end(tx, &id, succeeds)).await?.body)
    }

    /// Lets happen at once what would happen some time later. Gives how many things those were.
    pub async fn run_scheduled(&self) -> Result<usize, ControlError> {
        Ok(self.inner.within(later::all).await?)
    }

    /// Tells an event once more to everybody who wants it.
    pub async fn resend_event(&self, event: &str) -> Result<(), ControlError> {
        let id = event.to_owned();
        self.inner.within(move |tx| webhooks::resend(tx, &id)).await?;
        Ok(())
    }
}
