//! Faults of webhooks on demand: lost, duplicated, delayed, reordered.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::store::deliveries::Delivery;

/// A fault of the delivery of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookFault {
    /// The event is never delivered. The API still shows it.
    Drop,
    /// The event is delivered a second time after it was accepted.
    Duplicate,
    /// The event is delivered this much later.
    Delay(Duration),
    /// The event is held until it is released with the other held events, in order or reversed.
    Hold,
}

/// The faults that wait for their events, and the held deliveries.
#[derive(Default)]
pub(crate) struct WebhookFaults(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<(String, u32, WebhookFault)>,
    held: Vec<Delivery>,
    released: Vec<Vec<Delivery>>,
}

impl WebhookFaults {
    /// Arms a fault for the next deliveries of events of a type; `*` is any.
    pub(crate) fn add(&self, kind: &str, times: u32, fault: WebhookFault) {
        if times > 0 {
            self.state().waiting.push((kind.to_owned(), times, fault));
        }
    }

    /// Takes the first fault that applies to this delivery. A held delivery is stored here.
    pub(crate) fn take(&self, delivery: &Delivery) -> Option<WebhookFault> {
        let mut state = self.state();
        let applies = |(kind, ..): &(String, u32, WebhookFault)| kind == "*" || *kind == delivery.kind;
        let position = state.waiting.iter().position(applies)?;
        let (_, times, fault) = state.waiting.get_mut(position)?;
        *times -= 1;
        let (left, fault) = (*times, *fault);
        if left == 0 {
            state.waiting.remove(position);
        }
        if fault == WebhookFault::Hold {
            state.held.push(delivery.clone());
        }
        Some(fault)
    }

    /// Returns the ids of the held events, oldest first.
    pub(crate) fn held(&self) -> Vec<String> {
        self.state()
            .held
            .iter()
            .map(|delivery| delivery.event.clone())
            .collect()
    }

    /// Releases the held deliveries, in order or reversed.
    pub(crate) fn release(&self, reversed: bool) {
        let mut state = self.state();
        let mut held = std::mem::take(&mut state.held);
        if reversed {
            held.reverse();
        }
        state.released.push(held);
    }

    /// Takes the released deliveries: each list is to be delivered one after the other.
    pub(crate) fn take_released(&self) -> Vec<Vec<Delivery>> {
        std::mem::take(&mut self.state().released)
    }

    /// Disarms every fault.
    pub(crate) fn clear(&self) {
        self.state().waiting.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
