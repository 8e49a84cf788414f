use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::line::{Line, Networks, QueueFull, QueueLimits};

/// What a password is hashed for. Each purpose has a queue of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    SignUp,
    SignIn,
}

/// Grants a number of permits at a time. Those that wait are served in turns: the purposes alternate, and so do the networks
/// within a purpose: the widest ones, and within one the narrowest. So a network that sends many requests delays its own.
#[derive(Clone, Debug)]
pub(super) struct FairQueue(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    permits: usize,
    /// The permits that are not granted. If there are any, nobody waits.
    free: usize,
    next_ticket: u64,
    lines: [Line<oneshot::Sender<Permit>>; 2],
    /// The line that is served next, if somebody waits in it.
    turn: usize,
}

/// The right to hash one password, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit(FairQueue);

/// A place in a line, left when it is dropped: a client that hangs up does not keep it.
struct Place {
    queue: FairQueue,
    purpose: Purpose,
    networks: Networks,
    ticket: u64,
}

impl FairQueue {
    pub(super) fn new(permits: usize, limits: QueueLimits) -> Self {
        Self(Arc::new(Mutex::new(State {
            permits,
            free: permits,
            next_ticket: 0,
            lines: [Line::new(limits), Line::new(limits)],
            turn: 0,
        })))
    }

    /// Waits for a permit. A caller that is cancelled leaves the queue.
    pub(super) async fn acquire(&self, purpose: Purpose, networks: Networks) -> Result<Permit, QueueFull> {
        let (granted, ticket) = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Ok(Permit(self.clone()));
            }
            let ticket = state.next_ticket;
            state.next_ticket += 1;
            let (sender, granted) = oneshot::channel();
            let displaced = state.line(purpose).enter(networks, ticket, sender)?;
            drop(state);
            drop(displaced);
            (granted, ticket)
        };
        let _place = Place {
            queue: self.clone(),
            purpose,
            networks,
            ticket,
        };
        // A sender that is dropped was displaced.
        granted.await.map_err(|_| QueueFull)
    }

    /// Whether nobody waits and no permit is granted.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.free == state.permits
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&mut self, purpose: Purpose) -> &mut Line<oneshot::Sender<Permit>> {
        match (&mut self.lines, purpose) {
            ([line, _], Purpose::SignUp) | ([_, line], Purpose::SignIn) => line,
        }
    }

    /// Removes the one whose turn it is.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        for _ in 0..self.lines.len() {
            let turn = self.turn;
            self.turn = (turn + 1) % self.lines.len();
            if let Some(next) = self.lines.get_mut(turn).and_then(Line::next) {
                return Some(next);
            }
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = self.queue.state().line(self.purpose).leave(self.networks, self.ticket);
        drop(left);
    }
}

impl Drop for Permit {
    /// Grants the permit to the next one.
    fn drop(&mut self) {
        let mut state = self.0.state();
        let Some(next) = state.next() else {
            state.free += 1;
            return;
        };
        drop(state);
        // One that was cancelled meanwhile returns the permit, which is dropped and granted again.
        drop(next.send(Self(self.0.clone())));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::IpAddr,
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Result<Permit, QueueFull>>>>;

    fn queue(waiting: usize, per_network: usize) -> FairQueue {
        FairQueue::new(1, QueueLimits { waiting, per_network })
    }

    fn enter(queue: &FairQueue, purpose: Purpose, address: &str) -> Waiting {
        let (queue, networks) = (queue.clone(), Networks::from(address.parse::<IpAddr>().unwrap()));
        let mut waiting: Waiting = Box::pin(async move { queue.acquire(purpose, networks).await });
        if let Poll::Ready(outcome) = poll(&mut waiting) {
            waiting = Box::pin(async { outcome });
        }
        waiting
    }

    fn poll(waiting: &mut Waiting) -> Poll<Result<Permit, QueueFull>> {
        waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    fn granted(waiting: &mut Waiting) -> Permit {
        match poll(waiting) {
            Poll::Ready(Ok(permit)) => permit,
            other => panic!("{other:?}"),
        }
    }

    /// Grants one permit after the other. Returns the names in the order in which they got it.
    fn serve(first: Permit, mut waiting: Vec<(&'static str, Waiting)>) -> Vec<&'static str> {
        let (mut permit, mut served) = (Some(first), Vec::new());
        while !waiting.is_empty() {
            drop(permit.take());
            let next = waiting
                .iter_mut()
                .enumerate()
                .find_map(|(place, (name, waiting))| match poll(waiting) {
                    Poll::Ready(outcome) => Some((place, *name, outcome.unwrap())),
                    Poll::Pending => None,
                });
            let (place, name, next) = next.expect("the permit is granted");
            drop(waiting.remove(place));
            served.push(name);
            permit = Some(next);
        }
        served
    }

    #[test]
    fn networks_and_purposes_take_turns() {
        let queue = queue(100, 100);
        let first = granted(&mut enter(&queue, Purpose::SignUp, "192.0.2.9"));
        let mut waiting = Vec::new();
        for _ in 0..4 {
            waiting.push(("flood", enter(&queue, Purpose::SignUp, "2001:db8::1")));
            waiting.push(("flood", enter(&queue, Purpose::SignUp, "2001:db8::ffff:2")));
        }
        waiting.push(("sign-up", enter(&queue, Purpose::SignUp, "2001:db8:0:1::1")));
        waiting.push(("sign-in", enter(&queue, Purpose::SignIn, "2001:db8::1")));
        let served = serve(first, waiting);
        assert_eq!(served.len(), 10);
        let place = |name| served.iter().position(|served| *served == name).unwrap();
        assert!(place("sign-in") <= 1 && place("sign-up") <= 3, "{served:?}");
        assert!(queue.is_idle());
    }

    #[test]
    fn a_client_with_many_networks_has_one_turn() {
        let queue = queue(100, 100);
        let first = granted(&mut enter(&queue, Purpose::SignUp, "192.0.2.9"));
        let mut waiting = Vec::new();
        for subnet in 0..20 {
            waiting.push((
                "flood",
                enter(&queue, Purpose::SignUp, &format!("2001:db8:0:{subnet:x}::1")),
            ));
        }
        waiting.push(("other", enter(&queue, Purpose::SignUp, "2001:db8:1::1")));
        let served = serve(first, waiting);
        assert!(served[..2].contains(&"other"), "{served:?}");
    }

    #[test]
    fn one_that_is_cancelled_leaves_the_queue() {
        let queue = queue(2, 2);
        let first = granted(&mut enter(&queue, Purpose::SignUp, "192.0.2.1"));
        let abandoned: Vec<_> = (0..2).map(|_| enter(&queue, Purpose::SignUp, "192.0.2.1")).collect();
        assert!(matches!(
            poll(&mut enter(&queue, Purpose::SignUp, "192.0.2.1")),
            Poll::Ready(Err(QueueFull))
        ));
        drop(abandoned);
        let mut waiting = enter(&queue, Purpose::SignUp, "192.0.2.1");
        drop(first);
        let second = granted(&mut waiting);
        // One that is cancelled after the grant passes the permit on.
        let (unaware, mut last) = (
            enter(&queue, Purpose::SignUp, "192.0.2.1"),
            enter(&queue, Purpose::SignUp, "192.0.2.2"),
        );
        drop(second);
        drop(unaware);
        drop(granted(&mut last));
        assert!(queue.is_idle());
        let state = queue.state();
        assert!(state.lines.iter().all(Line::is_empty));
    }

    #[test]
    fn a_network_has_a_share_and_a_full_queue_has_room_for_others() {
        let queue = queue(4, 3);
        let first = granted(&mut enter(&queue, Purpose::SignIn, "192.0.2.1"));
        let mut flood: Vec<_> = (0..3).map(|_| enter(&queue, Purpose::SignIn, "192.0.2.1")).collect();
        let over_its_share = poll(&mut enter(&queue, Purpose::SignIn, "192.0.2.1"));
        assert!(matches!(over_its_share, Poll::Ready(Err(QueueFull))));
        let mut others: Vec<_> = ["192.0.2.2", "192.0.2.3"]
            .into_iter()
            .map(|address| enter(&queue, Purpose::SignIn, address))
            .collect();
        // The queue was full for the second one: the newest of the flood has to leave.
        assert!(matches!(poll(&mut flood[2]), Poll::Ready(Err(QueueFull))));
        assert!(
            flood[..2]
                .iter_mut()
                .chain(&mut others)
                .all(|waiting| poll(waiting).is_pending())
        );
        drop((first, flood, others));
        assert!(queue.is_idle());
    }
}
