//! Webhooks on their way: signed as Stripe signs (<https://docs.stripe.com/webhooks#verify-manually>), delivered at
//! least once, in no promised order, tried again with growing pauses.

use std::{
    collections::HashSet,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, redirect};
use sha2::Sha256;
use tokio::sync::Semaphore;

use crate::{
    disturb::WebhookFault,
    sim::Inner,
    webhooks::{self, Delivery},
};

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(30);
/// How many receivers are spoken to at once.
const AT_ONCE: usize = 8;

/// Who tells: shared by the deliveries that are under way.
#[derive(Clone)]
struct Office {
    sim: Arc<Inner>,
    client: Client,
    seats: Arc<Semaphore>,
    /// What has ended, however it ended.
    ended: Arc<Mutex<Vec<Delivery>>>,
}

/// Delivers what is pending, until the double stops. What is still pending then is delivered by the next one.
pub(crate) async fn run(sim: Arc<Inner>) {
    let client = match Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
    {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "webhooks are not delivered"),
    };
    let office = Office {
        sim: sim.clone(),
        client,
        seats: Arc::new(Semaphore::new(AT_ONCE)),
        ended: Arc::default(),
    };
    let mut under_way: HashSet<Delivery> = HashSet::new();
    // Before the first change: a predecessor on the same file may have left something.
    sim.wake.notify_one();
    loop {
        tokio::select! {
            () = sim.stop.cancelled() => return,
            () = sim.wake.notified() => {}
        }
        for batch in sim.disturbances.released() {
            office.send(batch, None);
        }
        // What had ended before the question is not in the answer; what ends meanwhile may be, and stays under way.
        let ended = std::mem::take(&mut *office.ended());
        let pending = sim.blocking(|sim| sim.transact(webhooks::pending)).await;
        let Ok(pending) = pending.inspect_err(|error| tracing::error!(cause = error.cause, "webhooks cannot be read"))
        else {
            continue;
        };
        for delivery in ended {
            under_way.remove(&delivery);
        }
        for delivery in pending {
            if under_way.insert(delivery.clone()) {
                let disturbance = sim.disturbances.take(&delivery);
                if disturbance != Some(WebhookFault::Hold) {
                    office.send(vec![delivery], disturbance);
                }
            }
        }
    }
}

/// Lets what is held be told, one after the other.
pub(crate) fn release(sim: &Inner, last_first: bool) {
    sim.disturbances.release(last_first);
    sim.wake.notify_one();
}

impl Office {
    /// Delivers one after the other, beside everything else.
    fn send(&self, batch: Vec<Delivery>, disturbance: Option<WebhookFault>) {
        let office = self.clone();
        self.sim.tasks.spawn(async move {
            let Office { sim, client, seats, .. } = &office;
            for delivery in batch {
                tokio::select! {
                    () = disturbed(sim, client, seats, &delivery, disturbance) => {}
                    () = sim.stop.cancelled() => {}
                }
                office.ended().push(delivery);
            }
        });
    }

    fn ended(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delivers, with what was ordered to go wrong.
async fn disturbed(
    sim: &Arc<Inner>,
    client: &Client,
    seats: &Semaphore,
    delivery: &Delivery,
    disturbance: Option<WebhookFault>,
) {
    match disturbance {
        Some(WebhookFault::Drop) => record(sim, delivery, "failed").await,
        Some(WebhookFault::Delay(by)) => {
            tokio::time::sleep(by).await;
            deliver(sim, client, seats, delivery).await;
        }
        Some(WebhookFault::Duplicate) => {
            deliver(sim, client, seats, delivery).await;
            post(sim, client, delivery).await;
        }
        Some(WebhookFault::Hold) | None => deliver(sim, client, seats, delivery).await,
    }
}

async fn record(sim: &Arc<Inner>, delivery: &Delivery, state: &'static str) {
    let delivery = delivery.clone();
    let written = sim.blocking(move |sim| sim.transact(|tx| webhooks::attempted(tx, &delivery, state)));
    if let Err(error) = written.await {
        tracing::error!(cause = error.cause, "a webhook cannot be recorded");
    }
}

/// Tries until it is taken, the attempts are used up, or there is nobody to tell.
async fn deliver(sim: &Arc<Inner>, client: &Client, seats: &Semaphore, delivery: &Delivery) {
    let mut pause = sim.webhook_backoff;
    for attempt in 1..=sim.webhook_attempts {
        let taken = {
            let _seat = seats.acquire().await;
            post(sim, client, delivery).await
        };
        let state = match taken {
            Some(true) => "delivered",
            Some(false) if attempt < sim.webhook_attempts => "pending",
            Some(false) | None => "failed",
        };
        record(sim, delivery, state).await;
        if state != "pending" {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// One attempt: whether it was taken (any 2xx); `None` if there is nobody to tell.
async fn post(sim: &Arc<Inner>, client: &Client, delivery: &Delivery) -> Option<bool> {
    let letter = sim.blocking({
        let delivery = delivery.clone();
        move |sim| sim.transact(|tx| webhooks::letter(tx, &delivery))
    });
    let (url, secret, payload) = match letter.await {
        Ok(Some(letter)) => letter,
        Ok(None) => return None,
        Err(error) => {
            tracing::error!(cause = error.cause, "a webhook cannot be read");
            return Some(false);
        }
    };
    let signature = signature(&secret, sim.clock.now().seconds(), &payload);
    let request = client
        .post(&url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("stripe-signature", signature)
        .body(payload);
    let taken = request
        .send()
        .await
        .is_ok_and(|response| response.status().is_success());
    tracing::debug!(event = delivery.event, url, taken, "webhook");
    Some(taken)
}

/// `t=…,v1=…`: the moment, and the HMAC-SHA256 of moment and payload.
fn signature(secret: &str, seconds: i64, payload: &str) -> String {
    let mut tag = String::new();
    // HMAC takes a key of any length, and a String takes any text: neither can fail.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{seconds}.{payload}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _infallible = write!(tag, "{byte:02x}");
        }
    }
    format!("t={seconds},v1={tag}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_the_hmac_of_moment_and_payload() {
        // echo -n '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
        assert_eq!(super::signature("whsec_test", 1_700_000_000, "{}"), expected);
    }
}
