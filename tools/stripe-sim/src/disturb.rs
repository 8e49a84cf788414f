//! Webhooks gone wrong on demand: lost, told twice, told late, told in another order.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::webhooks::Delivery;

/// What goes wrong with an event on its way to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookFault {
    /// It is never told. The API still shows it.
    Drop,
    /// It is told once more after it was taken.
    Duplicate,
    /// It is told so much later.
    Delay(Duration),
    /// It is kept until it is released, with the others, in their order or the other way round.
    Hold,
}

/// The disturbances that wait for their event, and what is held.
#[derive(Default)]
pub(crate) struct WebhookFaults(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<(String, u32, WebhookFault)>,
    held: Vec<Delivery>,
    released: Vec<Vec<Delivery>>,
}

impl WebhookFaults {
    /// Disturbs the next deliveries of events of a kind; `*` is any.
    pub(crate) fn add(&self, kind: &str, times: u32, what: WebhookFault) {
        if times > 0 {
            self.state().waiting.push((kind.to_owned(), times, what));
        }
    }

    /// What goes wrong with this delivery. One that is held is kept here.
    pub(crate) fn take(&self, delivery: &Delivery) -> Option<WebhookFault> {
        let mut state = self.state();
        let wanted = |(kind, ..): &(String, u32, WebhookFault)| kind == "*" || *kind == delivery.kind;
        let at = state.waiting.iter().position(wanted)?;
        let (_, times, what) = state.waiting.get_mut(at)?;
        *times -= 1;
        let (left, what) = (*times, *what);
        if left == 0 {
            state.waiting.remove(at);
        }
        if what == WebhookFault::Hold {
            state.held.push(delivery.clone());
        }
        Some(what)
    }

    /// The events that are held, in the order in which they happened.
    pub(crate) fn held(&self) -> Vec<String> {
        self.state()
            .held
            .iter()
            .map(|delivery| delivery.event.clone())
            .collect()
    }

    /// Lets go of what is held, in its order or the last first.
    pub(crate) fn release(&self, last_first: bool) {
        let mut state = self.state();
        let mut held = std::mem::take(&mut state.held);
        if last_first {
            held.reverse();
        }
        state.released.push(held);
    }

    /// Takes what was let go of: each list is to be told one after the other.
    pub(crate) fn released(&self) -> Vec<Vec<Delivery>> {
        std::mem::take(&mut self.state().released)
    }

    /// Disturbs no more.
    pub(crate) fn clear(&self) {
        self.state().waiting.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
