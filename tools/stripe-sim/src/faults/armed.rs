//! The faults that wait for their requests.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use poem::http::StatusCode;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{Fault, Gate, GateState, Hold, Target, Timing, hold::Passage};

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
            Self::Fault(Fault::Fail(status)) => write!(f, "fail {status}"),
            Self::Fault(Fault::LockTimeout) => f.write_str("lock timeout"),
            Self::Fault(Fault::Cut) => f.write_str("cut"),
            Self::Hold(_) => f.write_str("hold"),
        }
    }
}

/// The faults that wait for their request, and the requests that are delayed.
#[derive(Clone, Default)]
pub(crate) struct ArmedFaults {
    state: Arc<Mutex<State>>,
    delayed: TaskTracker,
}

#[derive(Default)]
struct State {
    waiting: Vec<(Target, Timing, Effect)>,
    /// The holds that were created over HTTP, by id.
    gates: HashMap<String, Arc<Gate>>,
}

impl ArmedFaults {
    /// Arms a fault for the next matching requests.
    pub(crate) fn inject(&self, target: Target, timing: Timing, fault: Fault) {
        self.state().waiting.push((target, timing, Effect::Fault(fault)));
    }

    /// Holds the next matching requests until the returned hold releases them.
    pub(crate) fn hold(&self, target: Target, timing: Timing) -> Hold {
        let gate = Arc::new(Gate::new());
        self.state().waiting.push((target, timing, Effect::Hold(gate.clone())));
        Hold::new(gate)
    }

    /// Holds the next matching requests until the gate of this id is opened.
    pub(crate) fn hold_with_id(&self, id: &str, target: Target, timing: Timing) {
        let gate = Arc::new(Gate::new());
        let mut state = self.state();
        state.waiting.push((target, timing, Effect::Hold(gate.clone())));
        state.gates.insert(id.to_owned(), gate);
    }

    /// Returns the gate of a hold that has an id.
    pub(crate) fn gate(&self, id: &str) -> Option<Arc<Gate>> {
        self.state().gates.get(id).cloned()
    }

    /// Disarms every fault and releases every held request.
    pub(crate) fn clear(&self) {
        let state = std::mem::take(&mut *self.state());
        state.gates.values().for_each(|gate| gate.open(GateState::Open));
        for (_, _, effect) in state.waiting {
            if let Effect::Hold(gate) = effect {
                gate.open(GateState::Open);
            }
        }
    }

    /// Takes the first fault that applies to this request.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<ActiveFault> {
        let mut state = self.state();
        let position = state
            .waiting
            .iter_mut()
            .position(|(target, ..)| target.take(method, path))?;
        let (target, timing, effect) = state.waiting.get(position)?;
        let fault = ActiveFault {
            timing: *timing,
            effect: effect.clone(),
            _delayed: matches!(effect, Effect::Fault(Fault::Delay(_))).then(|| self.delayed.token()),
        };
        if target.is_used_up() {
            state.waiting.remove(position);
        }
        Some(fault)
    }

    /// Waits until no delayed request is in progress.
    pub(crate) async fn wait_for_delayed_requests(&self) {
        self.delayed.close();
        self.delayed.wait().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fault of one request.
pub(crate) struct ActiveFault {
    pub(crate) timing: Timing,
    effect: Effect,
    /// For a delay: until the request has ended.
    _delayed: Option<TaskTrackerToken>,
}

/// How a request continues after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Continuation {
    Proceed,
    /// With a response of this status.
    Respond(StatusCode),
    /// With a response of this status, which is stored under the idempotency key.
    RespondAndStore(StatusCode),
    /// With the response of a lock timeout.
    LockTimeout,
    /// Without a response: the connection is closed.
    Disconnect,
}

impl ActiveFault {
    /// Returns the text for the journal, such as `before: cut`.
    pub(crate) fn name(&self) -> String {
        let timing = if self.timing == Timing::Before {
            "before"
        } else {
            "after"
        };
        format!("{timing}: {}", self.effect)
    }

    /// Applies the fault.
    pub(crate) async fn apply(&self) -> Continuation {
        match &self.effect {
            Effect::Fault(Fault::Delay(by)) => {
                tokio::time::sleep(*by).await;
                Continuation::Proceed
            }
            Effect::Fault(Fault::Answer(status)) => Continuation::Respond(status_code(*status)),
            Effect::Fault(Fault::Fail(status)) => Continuation::RespondAndStore(status_code(*status)),
            Effect::Fault(Fault::LockTimeout) => Continuation::LockTimeout,
            Effect::Fault(Fault::Cut) => Continuation::Disconnect,
            Effect::Hold(gate) => match gate.pass().await {
                Passage::Proceed => Continuation::Proceed,
                Passage::Disconnect => Continuation::Disconnect,
            },
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_applied_as_often_as_it_was_armed_for() {
        let faults = ArmedFaults::default();
        faults.inject(Target::get("/v1/events").times(2), Timing::Before, Fault::Cut);
        assert!(faults.take("POST", "/v1/events").is_none());
        assert!(faults.take("GET", "/v1/events").is_some());
        assert!(faults.take("GET", "/v1/events").is_some());
        assert!(faults.take("GET", "/v1/events").is_none());
    }
}
