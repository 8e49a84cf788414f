//! Faults on demand: the next matching requests are delayed, held, refused or cut off, before their effect or after.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use poem::http::StatusCode;
use tokio::sync::watch;

/// Which requests a fault strikes, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct On {
    method: String,
    path: String,
    times: u32,
}

impl On {
    /// The next request of this method (`*` is any) and path, in which a segment `*` is any:
    /// `/v1/payment_intents/*/capture`.
    pub fn request(method: &str, path: &str) -> Self {
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            times: 1,
        }
    }

    /// The next POST to this path.
    pub fn post(path: &str) -> Self {
        Self::request("POST", path)
    }

    /// The next GET of this path.
    pub fn get(path: &str) -> Self {
        Self::request("GET", path)
    }

    /// So many of them instead of one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        (self.method == "*" || self.method == method)
            && loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => break true,
                    (Some(our), Some(their)) if our == "*" || our == their => {}
                    _ => break false,
                }
            }
    }
}

/// Which side of the effect a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing has happened yet. The request's idempotency key is in use meanwhile.
    Before,
    /// Everything has happened and is kept; only the answer is on its way. A retry is answered.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It takes so much longer.
    Delay(Duration),
    /// This status is answered, as Stripe would: 429 as its rate limiter, 500 and 503 as its own trouble.
    Answer(u16),
    /// The connection ends without an answer.
    Cut,
}

#[derive(Clone)]
enum Effect {
    Fault(Fault),
    Hold(Arc<Gate>),
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(Fault::Delay(by)) => write!(f, "delay {} ms", by.as_millis()),
            Self::Fault(Fault::Answer(status)) => write!(f, "answer {status}"),
            Self::Fault(Fault::Cut) => f.write_str("cut"),
            Self::Hold(_) => f.write_str("hold"),
        }
    }
}

/// The faults that wait for their request.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Armed>>);

#[derive(Default)]
struct Armed {
    waiting: Vec<(On, When, Effect)>,
    /// The holds that were asked for over HTTP, by the id that was answered.
    gates: HashMap<String, Arc<Gate>>,
}

impl Faults {
    pub(crate) fn inject(&self, on: On, when: When, fault: Fault) {
        self.armed().waiting.push((on, when, Effect::Fault(fault)));
    }

    pub(crate) fn hold(&self, on: On, when: When) -> Hold {
        let gate = Arc::new(Gate::new());
        self.armed().waiting.push((on, when, Effect::Hold(gate.clone())));
        Hold { gate }
    }

    /// A hold that outlives the request that asked for it, under an id.
    pub(crate) fn hold_as(&self, id: &str, on: On, when: When) {
        let gate = Arc::new(Gate::new());
        let mut armed = self.armed();
        armed.waiting.push((on, when, Effect::Hold(gate.clone())));
        armed.gates.insert(id.to_owned(), gate);
    }

    pub(crate) fn gate(&self, id: &str) -> Option<Arc<Gate>> {
        self.armed().gates.get(id).cloned()
    }

    /// Disarms everything and lets go of everything that is held.
    pub(crate) fn clear(&self) {
        let armed = std::mem::take(&mut *self.armed());
        armed.gates.values().for_each(|gate| gate.open(Opened::Go));
        for (_, _, effect) in armed.waiting {
            if let Effect::Hold(gate) = effect {
                gate.open(Opened::Go);
            }
        }
    }

    /// Takes the first fault that is meant for this request.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Strike> {
        let mut armed = self.armed();
        let at = armed
            .waiting
            .iter()
            .position(|(on, ..)| on.times > 0 && on.matches(method, path))?;
        let (on, when, effect) = armed.waiting.get_mut(at)?;
        on.times -= 1;
        let strike = Strike {
            when: *when,
            effect: effect.clone(),
        };
        if on.times == 0 {
            armed.waiting.remove(at);
        }
        Some(strike)
    }

    fn armed(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault that has found its request.
pub(crate) struct Strike {
    pub(crate) when: When,
    effect: Effect,
}

/// How a request goes on after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Go,
    Answer(StatusCode),
    Cut,
}

impl Strike {
    /// How the journal calls it.
    pub(crate) fn name(&self) -> String {
        let when = if self.when == When::Before { "before" } else { "after" };
        format!("{when}: {}", self.effect)
    }

    /// Lets the fault happen.
    pub(crate) async fn happen(&self) -> Then {
        match &self.effect {
            Effect::Fault(Fault::Delay(by)) => {
                tokio::time::sleep(*by).await;
                Then::Go
            }
            Effect::Fault(Fault::Answer(status)) => {
                Then::Answer(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Effect::Fault(Fault::Cut) => Then::Cut,
            Effect::Hold(gate) => gate.pass().await,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    Not,
    Go,
    Cut,
}

/// Where held requests wait.
pub(crate) struct Gate {
    arrived: watch::Sender<u32>,
    opened: watch::Sender<Opened>,
}

impl Gate {
    fn new() -> Self {
        Self {
            arrived: watch::Sender::new(0),
            opened: watch::Sender::new(Opened::Not),
        }
    }

    async fn pass(&self) -> Then {
        self.arrived.send_modify(|arrived| *arrived += 1);
        // The gate holds the sender: waiting cannot fail.
        let opened = self
            .opened
            .subscribe()
            .wait_for(|opened| *opened != Opened::Not)
            .await
            .map(|opened| *opened);
        if matches!(opened, Ok(Opened::Cut)) {
            Then::Cut
        } else {
            Then::Go
        }
    }

    pub(crate) async fn arrivals(&self, count: u32) -> u32 {
        self.arrived
            .subscribe()
            .wait_for(|arrived| *arrived >= count)
            .await
            .map_or(0, |arrived| *arrived)
    }

    pub(crate) fn arrived(&self) -> u32 {
        *self.arrived.borrow()
    }

    pub(crate) fn open(&self, how: Opened) {
        self.opened.send_if_modified(|opened| {
            let closed = *opened == Opened::Not;
            if closed {
                *opened = how;
            }
            closed
        });
    }
}

/// A test's hand on the requests that it holds. Dropping it lets them go.
pub struct Hold {
    gate: Arc<Gate>,
}

impl Hold {
    /// Waits until a request is held.
    pub async fn arrived(&self) {
        self.arrivals(1).await;
    }

    /// Waits until so many requests were held, one after the other or at once.
    pub async fn arrivals(&self, count: u32) {
        self.gate.arrivals(count).await;
    }

    /// Lets them go on.
    pub fn release(self) {
        self.gate.open(Opened::Go);
    }

    /// Ends their connections without an answer.
    pub fn cut(self) {
        self.gate.open(Opened::Cut);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("arrived", &self.gate.arrived()).finish()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.gate.open(Opened::Go);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_segment() {
        let on = On::post("/v1/payment_intents/*/capture");
        assert!(on.matches("POST", "/v1/payment_intents/pi_1/capture"));
        assert!(!on.matches("GET", "/v1/payment_intents/pi_1/capture"));
        assert!(!on.matches("POST", "/v1/payment_intents/pi_1"));
        assert!(!on.matches("POST", "/v1/payment_intents/pi_1/capture/more"));
        assert!(On::request("*", "/v1/events").matches("GET", "/v1/events"));
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_was_told_to() {
        let faults = Faults::default();
        faults.inject(On::get("/v1/events").times(2), When::Before, Fault::Cut);
        assert!(faults.take("POST", "/v1/events").is_none());
        assert!(faults.take("GET", "/v1/events").is_some());
        assert!(faults.take("GET", "/v1/events").is_some());
        assert!(faults.take("GET", "/v1/events").is_none());
    }
}
