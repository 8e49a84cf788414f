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
    sim::Inner,
    webhooks::{self, Delivery},
};

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(30);
/// How many receivers are spoken to at once.
const AT_ONCE: usize = 8;

type UnderWay = Arc<Mutex<HashSet<Delivery>>>;

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
    let (under_way, seats) = (UnderWay::default(), Arc::new(Semaphore::new(AT_ONCE)));
    // Before the first change: a predecessor on the same file may have left something.
    sim.wake.notify_one();
    loop {
        tokio::select! {
            () = sim.stop.cancelled() => return,
            () = sim.wake.notified() => {}
        }
        let pending = sim.blocking(|sim| sim.transact(webhooks::pending)).await;
        let Ok(pending) = pending.inspect_err(|error| tracing::error!(cause = error.cause, "webhooks cannot be read"))
        else {
            continue;
        };
        for delivery in pending {
            if lock(&under_way).insert(delivery.clone()) {
                let (sim, client) = (sim.clone(), client.clone());
                let (under_way, seats) = (under_way.clone(), seats.clone());
                sim.clone().tasks.spawn(async move {
                    tokio::select! {
                        () = deliver(&sim, &client, &seats, &delivery) => {}
                        () = sim.stop.cancelled() => {}
                    }
                    lock(&under_way).remove(&delivery);
                });
            }
        }
    }
}

fn lock(under_way: &UnderWay) -> MutexGuard<'_, HashSet<Delivery>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
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
        let written = sim.blocking({
            let delivery = delivery.clone();
            move |sim| sim.transact(|tx| webhooks::attempted(tx, &delivery, state))
        });
        if let Err(error) = written.await {
            tracing::error!(cause = error.cause, "a webhook cannot be recorded");
        }
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
