use std::{
    future::Future,
    io, mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, timeout};

use super::{
    activity::Activity,
    body_budget::{Arriving, HeldBytes},
    limits::{MAX_SKIPPED_BYTES, SKIP_TIMEOUT, ServerLimits},
};

/// The body of a request. Reading it fails if the client does not send it in time, and if the handlers of the server hold too
/// many bytes.
pub(super) struct TimedBody {
    incoming: Option<Incoming>,
    deadlines: Option<Deadlines>,
    total: Duration,
    stall: Duration,
    unread: UnreadBody,
    activity: Arc<Activity>,
    held: HeldBytes,
    /// The bytes that are held before they are read.
    reserved: usize,
    /// While the body is on its way.
    arriving: Option<Arriving>,
}

struct Deadlines {
    end: Instant,
    timer: Pin<Box<Sleep>>,
}

/// Receives a body whose handler has not read it to its end.
#[derive(Clone, Default)]
pub(super) struct UnreadBody(Arc<Mutex<Option<Incoming>>>);

impl TimedBody {
    pub(super) fn new(
        incoming: Incoming,
        limits: &ServerLimits,
        activity: Arc<Activity>,
        held: HeldBytes,
        reserved: usize,
    ) -> (Self, UnreadBody) {
        let unread = UnreadBody::default();
        let body = Self {
            incoming: Some(incoming),
            deadlines: None,
            total: limits.body,
            stall: limits.body_stall,
            unread: unread.clone(),
            activity,
            held,
            reserved,
            arriving: None,
        };
        (body, unread)
    }

    /// Whether the body has any content. Reads its first part.
    pub(super) async fn has_content(&mut self) -> io::Result<bool> {
        if self.size_hint().lower() > 0 {
            return Ok(true);
        }
        while let Some(frame) = self.frame().await {
            if frame?.data_ref().is_some_and(|data| !data.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Holds what was read, and is not held already.
    fn hold(&mut self, bytes: usize) -> io::Result<()> {
        let reserved = bytes.min(self.reserved);
        self.reserved -= reserved;
        let more = bytes - reserved;
        if more == 0 || self.held.hold(more) {
            Ok(())
        } else if self.held.is_given_up() {
            Err(given_up())
        } else {
            let error = "the server holds too many bytes of request bodies";
            Err(io::Error::new(io::ErrorKind::QuotaExceeded, error))
        }
    }

    /// The body has arrived.
    fn ended(&mut self) {
        self.incoming = None;
        self.arriving = None;
        if self.reserved > 0 {
            self.held.release(mem::take(&mut self.reserved));
        }
    }

    /// Fails once the client has sent nothing for too long, or not everything, or others need the room.
    fn poll_deadlines(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let arriving = self.arriving.get_or_insert_with(|| self.held.arriving());
        if arriving.is_given_up(cx.waker()) {
            return Poll::Ready(given_up());
        }
        let (total, stall) = (self.total, self.stall);
        let deadlines = self.deadlines.get_or_insert_with(|| {
            let end = Instant::now() + total;
            Deadlines {
                end,
                timer: Box::pin(tokio::time::sleep_until(end.min(Instant::now() + stall))),
            }
        });
        deadlines
            .timer
            .as_mut()
            .poll(cx)
            .map(|()| io::Error::new(io::ErrorKind::TimedOut, "the client did not send it in time"))
    }
}

fn given_up() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        "others needed the room while the client sent it",
    )
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(incoming).poll_frame(cx);
        self.activity.awaits_body(frame.is_pending());
        match frame {
            Poll::Ready(Some(frame)) => {
                let stall = self.stall;
                if let Some(deadlines) = &mut self.deadlines {
                    let next = deadlines.end.min(Instant::now() + stall);
                    deadlines.timer.as_mut().reset(next);
                }
                let frame = frame.map_err(io::Error::other).and_then(|frame| {
                    self.hold(frame.data_ref().map_or(0, Bytes::len))?;
                    Ok(frame)
                });
                Poll::Ready(Some(frame))
            }
            Poll::Ready(None) => {
                self.ended();
                Poll::Ready(None)
            }
            Poll::Pending => self.poll_deadlines(cx).map(|error| Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take()
            && !incoming.is_end_stream()
        {
            *self.unread.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(incoming);
        }
    }
}

impl UnreadBody {
    /// Whether the handler has read the body to its end.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Skips what is left, if it is little and has arrived. Returns whether the body has ended.
    pub(super) async fn skip(self) -> bool {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut rest) = rest else { return true };
        if rest.size_hint().lower() > MAX_SKIPPED_BYTES {
            return false;
        }
        let skip = async {
            let mut skipped = 0;
            while let Some(frame) = rest.frame().await {
                let Ok(frame) = frame else { return false };
                skipped += frame
                    .data_ref()
                    .map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
                if skipped > MAX_SKIPPED_BYTES {
                    return false;
                }
            }
            true
        };
        timeout(SKIP_TIMEOUT, skip).await.unwrap_or(false)
    }
}
