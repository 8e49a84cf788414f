//! Sends webhooks, and retries with growing pauses.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, redirect};
use tokio::sync::Semaphore;

use super::{
    WebhookFault,
    message::{Message, message},
    signature::signature,
};
use crate::{
    domain::event,
    state::SimState,
    store::deliveries::{self, Delivery, DeliveryState},
};

/// The time in which a receiver has to respond.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The number of requests to receivers at once.
const MAX_CONCURRENT_REQUESTS: usize = 8;

/// The resources that concurrent deliveries share.
#[derive(Clone)]
struct Sender {
    state: Arc<SimState>,
    client: Client,
    permits: Arc<Semaphore>,
}

/// Delivers pending events until the simulator stops. The next simulator on the same file delivers the rest.
pub(crate) async fn run(state: Arc<SimState>) {
    let client = match Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(RESPONSE_TIMEOUT)
        .build()
    {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "webhooks are not delivered: no HTTP client"),
    };
    let sender = Sender {
        state: state.clone(),
        client,
        permits: Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS)),
    };
    // The last delivery that was read: each is read once, however many are under way.
    let mut last = 0;
    // An earlier simulator on the same file may have left pending deliveries.
    state.deliveries_changed.notify_one();
    loop {
        tokio::select! {
            () = state.stop.cancelled() => return,
            () = state.deliveries_changed.notified() => {}
        }
        for batch in state.webhook_faults.take_released() {
            sender.send(batch, None);
        }
        let pending = state
            .background_transaction(move |tx| deliveries::pending(tx, last))
            .await;
        let Ok(pending) =
            pending.inspect_err(|error| tracing::error!(cause = error.cause, "pending webhooks cannot be read"))
        else {
            continue;
        };
        for delivery in pending {
            last = delivery.id;
            let fault = state.webhook_faults.take(&delivery);
            if fault != Some(WebhookFault::Hold) {
                sender.send(vec![delivery], fault);
            }
        }
    }
}

/// Delivers the held events one after the other, in order or reversed.
pub(crate) fn release_held(state: &SimState, reversed: bool) {
    state.webhook_faults.release(reversed);
    state.deliveries_changed.notify_one();
}

impl Sender {
    /// Delivers events one after the other, in a task of their own.
    fn send(&self, batch: Vec<Delivery>, fault: Option<WebhookFault>) {
        let sender = self.clone();
        self.state.tasks.spawn(async move {
            for delivery in batch {
                tokio::select! {
                    () = sender.deliver_with_fault(&delivery, fault) => {}
                    () = sender.state.stop.cancelled() => {}
                }
            }
        });
    }

    async fn deliver_with_fault(&self, delivery: &Delivery, fault: Option<WebhookFault>) {
        match fault {
            Some(WebhookFault::Drop) => self.record(delivery, DeliveryState::Failed).await,
            Some(WebhookFault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                self.deliver(delivery).await;
            }
            Some(WebhookFault::Duplicate) => {
                self.deliver(delivery).await;
                self.post(delivery).await;
            }
            Some(WebhookFault::Hold) | None => self.deliver(delivery).await,
        }
    }

    /// Tries until the event is accepted, the attempts are used up, or the endpoint is gone.
    async fn deliver(&self, delivery: &Delivery) {
        let attempts = self.state.webhook_attempts;
        let mut pause = self.state.webhook_backoff;
        for attempt in 1..=attempts {
            let accepted = {
                let _permit = self.permits.acquire().await;
                self.post(delivery).await
            };
            let state = match accepted {
                Some(true) => DeliveryState::Delivered,
                Some(false) if attempt < attempts => DeliveryState::Pending,
                Some(false) | None => DeliveryState::Failed,
            };
            self.record(delivery, state).await;
            if state != DeliveryState::Pending {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_BACKOFF);
        }
    }

    /// Makes one attempt. Returns whether the receiver accepted it (any 2xx); `None` if the endpoint is gone.
    async fn post(&self, delivery: &Delivery) -> Option<bool> {
        let loaded = self.state.background_transaction({
            let delivery = delivery.clone();
            move |tx| message(tx, &delivery)
        });
        let Message { url, secret, payload } = match loaded.await {
            Ok(Some(message)) => message,
            Ok(None) => return None,
            Err(error) => {
                tracing::error!(cause = error.cause, "a webhook cannot be read");
                return Some(false);
            }
        };
        let signature = signature(&secret, self.state.clock.now().seconds(), &payload);
        let request = self
            .client
            .post(&url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", signature)
            .body(payload);
        let accepted = match request.send().await {
            Ok(response) => {
                let status = response.status();
                // A connection is used again only if the response was read.
                let _ = response.bytes().await;
                status.is_success()
            }
            Err(_) => false,
        };
        tracing::debug!(event = delivery.event, url, accepted, "webhook attempted");
        Some(accepted)
    }

    async fn record(&self, delivery: &Delivery, state: DeliveryState) {
        let delivery = delivery.clone();
        let recorded = self.state.background_transaction(move |tx| {
            deliveries::record_attempt(tx, &delivery, state)?;
            if state == DeliveryState::Delivered {
                event::mark_delivered(tx, &delivery.event)?;
            }
            Ok(())
        });
        if let Err(error) = recorded.await {
            tracing::error!(cause = error.cause, "a webhook attempt cannot be recorded");
        }
    }
}
