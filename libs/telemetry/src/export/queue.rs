use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::sync::mpsc;
use tracing::callsite;

/// Finished spans that wait to be exported. It never blocks: a span for which there is no room is dropped and counted.
#[derive(Clone, Debug)]
pub struct SpanQueue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spans: mpsc::Sender<SpanData>,
    dropped: AtomicU64,
    percent: u8,
}

impl SpanQueue {
    /// A queue with room for `capacity` spans of `percent` of the traces that begin here, and its receiving end.
    pub fn new(capacity: usize, percent: u8) -> (Self, mpsc::Receiver<SpanData>) {
        let (spans, receiver) = mpsc::channel(capacity.max(1));
        let inner = Inner {
            spans,
            dropped: AtomicU64::new(0),
            percent,
        };
        (Self(Arc::new(inner)), receiver)
    }

    /// The number of spans dropped so far, because the receiver is too slow.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Adds a finished span, or drops it if there is no room.
    pub fn push(&self, span: SpanData) {
        if self.0.spans.try_send(span).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

static QUEUE: OnceLock<SpanQueue> = OnceLock::new();

/// The process exports its spans already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("spans are exported already")]
pub struct AlreadyExporting;

/// Exports the spans of this process, from now on: like the log, there is one export.
pub fn export_to(queue: SpanQueue) -> Result<(), AlreadyExporting> {
    QUEUE.set(queue).map_err(|_| AlreadyExporting)?;
    // Inner spans were disabled so far.
    callsite::rebuild_interest_cache();
    Ok(())
}

/// The number of spans that the process has dropped so far; `None` where it exports none.
pub fn dropped_spans() -> Option<u64> {
    QUEUE.get().map(SpanQueue::dropped)
}

pub(crate) fn is_exporting() -> bool {
    QUEUE.get().is_some()
}

/// Of the traces that begin here. All, where none is exported: another program may export its part of them.
pub(crate) fn exported_percent() -> u8 {
    QUEUE.get().map_or(100, |queue| queue.0.percent)
}

/// Puts finished spans into the queue of the process.
#[derive(Debug)]
pub(crate) struct ToQueue;

impl SpanProcessor for ToQueue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if let Some(queue) = QUEUE.get() {
            queue.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        InstrumentationScope,
        trace::{SpanContext, SpanId, SpanKind, Status},
    };
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;

    fn span() -> SpanData {
        SpanData {
            span_context: SpanContext::NONE,
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "a span".into(),
            start_time: std::time::SystemTime::UNIX_EPOCH,
            end_time: std::time::SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn a_span_without_room_is_dropped_and_counted() {
        let (queue, mut spans) = SpanQueue::new(1, 100);
        for _ in 0..3 {
            queue.push(span());
        }
        assert_eq!(queue.dropped(), 2);
        assert!(spans.try_recv().is_ok());
    }
}
