use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    closing::CloseReason,
    limits::{MAX_CANCELLED_REQUESTS, ServerLimits},
};

/// The first bytes of every HTTP/2 connection.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection is doing, as its socket and its requests report it. Its deadlines follow from that.
#[derive(Debug)]
pub(super) struct Activity {
    /// Cancelled to close the connection in favour of another one, while the state is locked if it must have no request. No
    /// request is started afterwards.
    pub(super) evicted: CancellationToken,
    /// Cancelled when the first request begins.
    pub(super) has_request: CancellationToken,
    /// Notified when bytes of responses are released.
    released: Notify,
    /// The number of bytes of request bodies that the connection holds.
    pub(super) body_bytes: Arc<AtomicUsize>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The number of requests that are being served.
    active: u32,
    completed: u32,
    cancelled: u32,
    protocol: Protocol,
    write: Option<BlockedWrite>,
    is_ending: bool,
    /// The client has closed its side.
    is_eof: bool,
    /// The HTTP/1 request that is being served.
    request: RequestState,
    /// After the last response.
    is_lingering: bool,
    responses: HeldResponses,
}

/// The bytes of responses that the client has not accepted yet.
#[derive(Clone, Copy, Default, Debug)]
struct HeldResponses {
    /// The number of these responses; those that share their bytes with others hold none.
    count: usize,
    bytes: usize,
    /// When the client last accepted some of them, or the first were held.
    progress: Option<Instant>,
    /// The connection is being closed: its bytes no longer count.
    is_written_off: bool,
}

#[derive(Clone, Copy, Default, Debug)]
struct RequestState {
    awaits_body: bool,
    /// The client accepts interim responses, and the response has not begun.
    may_send_interim: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    /// So many bytes of the HTTP/2 preface were received.
    Preface(usize),
    Http1,
    Http2,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No byte of the next request was received.
    Idle { since: Instant },
    /// Part of a head, or of the first request nothing yet, was received.
    Head { since: Instant, is_empty: bool },
    /// A request is being served.
    Serving,
}

/// Output that the client has not accepted at once.
#[derive(Clone, Copy, Debug)]
struct BlockedWrite {
    since: Instant,
    progress: Instant,
    bytes: u64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            evicted: CancellationToken::new(),
            has_request: CancellationToken::new(),
            released: Notify::new(),
            body_bytes: Arc::default(),
            state: Mutex::new(State {
                phase: Phase::Head {
                    since: Instant::now(),
                    is_empty: true,
                },
                active: 0,
                completed: 0,
                cancelled: 0,
                protocol: Protocol::Preface(0),
                write: None,
                is_ending: false,
                is_eof: false,
                request: RequestState::default(),
                is_lingering: false,
                responses: HeldResponses::default(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.match_preface(bytes);
        if state.protocol == Protocol::Http2 {
            return;
        }
        match &mut state.phase {
            Phase::Idle { .. } => {
                state.phase = Phase::Head {
                    since: Instant::now(),
                    is_empty: false,
                }
            }
            Phase::Head { is_empty, .. } => *is_empty = false,
            Phase::Serving => {}
        }
    }

    pub(super) fn received_eof(&self) {
        self.state().is_eof = true;
    }

    pub(super) fn sent(&self, bytes: usize) {
        let mut state = self.state();
        if let Some(write) = &mut state.write {
            write.progress = Instant::now();
            write.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        }
        // On HTTP/2 these may be other frames than those of responses.
        if state.protocol != Protocol::Http2 {
            state.responses.accepted();
        }
    }

    /// The client accepts part of a response.
    pub(super) fn accepted(&self) {
        self.state().responses.accepted();
    }

    /// Holds the bytes of a response until they are released. Returns whether they count.
    pub(super) fn hold(&self, bytes: usize) -> bool {
        let responses = &mut self.state().responses;
        responses.progress.get_or_insert_with(Instant::now);
        responses.count += 1;
        responses.bytes += bytes;
        !responses.is_written_off
    }

    /// Releases the bytes of a response. Returns whether they still counted.
    pub(super) fn release(&self, bytes: usize) -> bool {
        let mut state = self.state();
        let responses = &mut state.responses;
        responses.count = responses.count.saturating_sub(1);
        responses.bytes = responses.bytes.saturating_sub(bytes);
        if responses.count == 0 {
            responses.progress = None;
        }
        let counted = !responses.is_written_off;
        drop(state);
        self.released.notify_waiters();
        counted
    }

    /// Returns the bytes of responses that are held, and since when the client has accepted none of them.
    pub(super) fn held(&self) -> Option<(usize, Instant)> {
        let responses = self.state().responses;
        let counts = !responses.is_written_off && responses.bytes > 0;
        responses
            .progress
            .filter(|_| counts)
            .map(|since| (responses.bytes, since))
    }

    /// Closes the connection because of the bytes that it holds. Returns their number, which no longer counts.
    pub(super) fn write_off(&self) -> usize {
        let mut state = self.state();
        let responses = &mut state.responses;
        let bytes = if responses.is_written_off { 0 } else { responses.bytes };
        responses.is_written_off = true;
        self.evicted.cancel();
        drop(state);
        bytes
    }

    /// Waits while the client has not accepted more bytes of responses than its share.
    pub(super) async fn wait_for_share(&self, share: usize) {
        loop {
            let mut released = pin!(self.released.notified());
            released.as_mut().enable();
            if self.state().responses.bytes <= share {
                return;
            }
            released.await;
        }
    }

    pub(super) fn write_blocked(&self) {
        let mut state = self.state();
        if state.write.is_none() {
            let now = Instant::now();
            state.write = Some(BlockedWrite {
                since: now,
                progress: now,
                bytes: 0,
            });
        }
    }

    /// All output was accepted.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if state.write.take().is_some() {
            let now = Instant::now();
            match &mut state.phase {
                Phase::Idle { since } | Phase::Head { since, .. } => *since = now,
                Phase::Serving => {}
            }
        }
    }

    /// A request begins. Returns whether it may: not if the connection was evicted.
    pub(super) fn start_request(&self) -> bool {
        let mut state = self.state();
        if self.evicted.is_cancelled() {
            return false;
        }
        state.active += 1;
        state.phase = Phase::Serving;
        state.request = RequestState::default();
        drop(state);
        self.has_request.cancel();
        true
    }

    /// Whether the handler waits for more of the request's body.
    pub(super) fn awaits_body(&self, is_waiting: bool) {
        self.state().request.awaits_body = is_waiting;
    }

    /// The client of the request accepts interim responses: it uses HTTP/1.1.
    pub(super) fn may_send_interim(&self) {
        self.state().request.may_send_interim = true;
    }

    pub(super) fn response_started(&self) {
        self.state().request.may_send_interim = false;
    }

    /// Whether a client of HTTP/1 that has closed its side still waits for the response.
    pub(super) fn awaits_response(&self) -> bool {
        let state = self.state();
        state.protocol != Protocol::Http2 && matches!(state.phase, Phase::Serving) && !state.request.awaits_body
    }

    /// Whether an interim response may be sent now: no part of a response is on its way.
    pub(super) fn accepts_interim(&self) -> bool {
        let state = self.state();
        state.request.may_send_interim && state.write.is_none()
    }

    pub(super) fn request_ended(&self, is_completed: bool) {
        let mut state = self.state();
        state.active = state.active.saturating_sub(1);
        if is_completed {
            state.completed = state.completed.saturating_add(1);
        } else {
            state.cancelled = state.cancelled.saturating_add(1);
        }
        if state.active == 0 {
            state.phase = Phase::Idle { since: Instant::now() };
        }
    }

    pub(super) fn is_http2(&self) -> bool {
        self.state().protocol == Protocol::Http2
    }

    /// From now on the connection ends as soon as it has no request.
    pub(super) fn end(&self) {
        self.state().is_ending = true;
    }

    /// Whether the connection is to end, and no part of another HTTP/1 request was received.
    pub(super) fn ends_now(&self) -> bool {
        let state = self.state();
        let is_between_requests = matches!(state.phase, Phase::Idle { .. } | Phase::Head { is_empty: true, .. });
        state.is_ending && is_between_requests && state.protocol != Protocol::Http2 && state.write.is_none()
    }

    /// The last response was sent. Returns whether the client may still be sending.
    pub(super) fn start_lingering(&self) -> bool {
        let mut state = self.state();
        state.is_lingering = true;
        let is_silent = match state.phase {
            Phase::Head { is_empty, .. } => is_empty,
            Phase::Idle { .. } => state.is_ending,
            Phase::Serving => false,
        };
        !state.is_eof && !is_silent
    }

    /// Whether the last response was sent: the client has what it asked for.
    pub(super) fn is_lingering(&self) -> bool {
        self.state().is_lingering
    }

    /// Returns since when the connection waits for its client, if it has no request.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.state().waits_since()
    }

    /// Closes the connection in favour of another one, if it has waited for its client since this time. A request that has
    /// started meanwhile keeps it open, and none starts afterwards.
    pub(super) fn evict_if_waiting_since(&self, time: Instant) -> bool {
        let state = self.state();
        let is_waiting = state.waits_since().is_some_and(|since| since <= time);
        if is_waiting {
            self.evicted.cancel();
        }
        drop(state);
        is_waiting
    }

    /// Closes the connection in favour of another one, also during a request.
    pub(super) fn evict(&self) {
        self.evicted.cancel();
    }

    /// Returns when the connection has to be closed unless its client does something, and why.
    pub(super) fn deadline(&self, limits: &ServerLimits) -> Option<(Instant, CloseReason)> {
        let state = self.state();
        if state.is_lingering {
            return None;
        }
        if state.cancelled > MAX_CANCELLED_REQUESTS && state.cancelled > state.completed {
            return Some((Instant::now(), CloseReason::Cancelling));
        }
        if let Some(write) = &state.write {
            let earned = Duration::from_millis(write.bytes.saturating_mul(1000) / u64::from(limits.write_rate.max(1)));
            let at = (write.since + limits.write_stall + earned).min(write.progress + limits.write_stall);
            return Some((at, CloseReason::WriteTimeout));
        }
        let waits_for_client = match state.phase {
            Phase::Idle { since } => Some((since + limits.idle, CloseReason::Idle)),
            Phase::Head { since, .. } => Some((since + limits.head, CloseReason::HeadTimeout)),
            Phase::Serving => None,
        };
        let reads_nothing = state
            .response_deadline(limits)
            .map(|at| (at, CloseReason::WriteTimeout));
        match (waits_for_client, reads_nothing) {
            (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}

impl HeldResponses {
    fn accepted(&mut self) {
        if let Some(progress) = &mut self.progress {
            *progress = Instant::now();
        }
    }
}

impl State {
    /// A response that is being sent is not yet a wait: its progress counts.
    fn waits_since(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle { since } | Phase::Head { since, .. } => {
                Some(self.write.map_or(since, |write| since.max(write.progress)))
            }
            Phase::Serving => None,
        }
    }

    /// Returns when the client must have accepted more of its responses on HTTP/2, where a client that opens no window does
    /// not block the socket.
    fn response_deadline(&self, limits: &ServerLimits) -> Option<Instant> {
        let progress = self.responses.progress.filter(|_| self.protocol == Protocol::Http2)?;
        let stall = if self.responses.bytes > limits.response_share_bytes {
            limits.write_stall.min(limits.over_share_stall)
        } else {
            limits.write_stall
        };
        Some(progress + stall)
    }

    fn match_preface(&mut self, bytes: &[u8]) {
        let Protocol::Preface(matched) = self.protocol else {
            return;
        };
        let rest = &HTTP2_PREFACE[matched..];
        let count = rest.len().min(bytes.len());
        if rest[..count] != bytes[..count] {
            self.protocol = Protocol::Http1;
        } else if count == rest.len() {
            self.protocol = Protocol::Http2;
            self.phase = Phase::Idle { since: Instant::now() };
        } else {
            self.protocol = Protocol::Preface(matched + count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_serves_a_request_or_is_evicted() {
        let serving = Activity::new();
        assert!(serving.start_request());
        assert!(!serving.evict_if_waiting_since(Instant::now()));
        assert!(!serving.evicted.is_cancelled());

        let waiting = Activity::new();
        assert!(waiting.evict_if_waiting_since(Instant::now()));
        assert!(waiting.evicted.is_cancelled());
        assert!(!waiting.start_request());
    }

    #[test]
    fn a_connection_whose_response_makes_progress_does_not_wait() {
        let activity = Activity::new();
        let waits_since = activity.waits_since().unwrap();
        let second = |number| waits_since + Duration::from_secs(number);
        activity.state().write = Some(BlockedWrite {
            since: second(1),
            progress: second(10),
            bytes: 1,
        });
        assert!(!activity.evict_if_waiting_since(second(9)));
        assert!(activity.evict_if_waiting_since(second(10)));
    }
}
